package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// wobble is noise between -0.5 and 0.5 that a reference in another language can
// rebuild: the fractional part of a large multiple of a sine.
func wobble(k int) float64 {
	v := math.Sin(float64(k+1)*12.9898) * 43758.5453
	return v - math.Floor(v) - 0.5
}

// series is n values of a level and a spread that may depend on the index.
func series(n int, level, spread func(k int) float64) []float64 {
	x := make([]float64, n)
	for k := range x {
		x[k] = level(k) + spread(k)*wobble(k)
	}
	return x
}

func always(v float64) func(int) float64 { return func(int) float64 { return v } }

// steps is before[i] up to until[i], and after then.
func steps(until []int, before []float64, after float64) func(int) float64 {
	return func(k int) float64 {
		for i, end := range until {
			if k < end {
				return before[i]
			}
		}
		return after
	}
}

// The reference is optimal partitioning without pruning in NumPy over the same
// series (wobble rebuilt there); ruptures 1.1 finds the same but for the first, where it has
// no floor under the variance.
func TestChangepoints(t *testing.T) {
	for name, c := range map[string]struct {
		x    []float64
		want []int
	}{
		"one step":             {series(60, steps([]int{20}, []float64{140}, 100), always(10)), []int{20}},
		"variance, then level": {series(120, steps([]int{70}, []float64{50}, 80), steps([]int{30, 70}, []float64{4, 30}, 6)), []int{30, 70}},
		"steady":               {series(100, always(1000), always(20)), nil},
		"two steps":            {series(120, steps([]int{6, 25}, []float64{600, 900}, 1000), always(25)), []int{6, 25}},
		"all equal":            {series(50, always(5), always(0)), nil},
		"all zero":             {make([]float64, 50), nil},
		"exact step":           {series(50, steps([]int{25}, []float64{5}, 6), always(0)), []int{25}},
		"around zero":          {series(80, steps([]int{40}, []float64{-1}, 1), always(0.1)), []int{40}},
		"too short to split":   {[]float64{1, 1, 1, 9, 9, 9, 9}, nil},
		"empty":                {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Changepoints(c.x, 4)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	_, err := Changepoints([]float64{1, 2, 3}, 1)
	require.ErrorContains(t, err, "segments of 1 values")
	_, err = Changepoints([]float64{1, math.NaN(), 3}, 2)
	require.ErrorContains(t, err, "at index 1")
}

// leastCost is optimal partitioning without pruning.
func leastCost(s *segmentCost, minSegment int, penalty float64) float64 {
	n := len(s.sum) - 1
	best := make([]float64, n+1)
	best[0] = -penalty
	for end := 1; end <= n; end++ {
		best[end] = math.Inf(1)
		for from := 0; from <= end-minSegment; from++ {
			best[end] = math.Min(best[end], best[from]+s.cost(from, end)+penalty)
		}
	}
	return best[n]
}

func totalCost(s *segmentCost, changes []int, penalty float64) float64 {
	total, from := -penalty, 0
	for _, to := range append(changes, len(s.sum)-1) {
		total += s.cost(from, to) + penalty
		from = to
	}
	return total
}

// Pruning loses nothing, whatever the penalty; segments keep their least
// length; and the unit of the series does not matter.
func TestChangepointProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minSegment := rapid.IntRange(2, 6).Draw(t, "least segment")
		levels := rapid.SliceOfN(rapid.Float64Range(50, 100), 1, 5).Draw(t, "levels")
		length := rapid.IntRange(6, 15).Draw(t, "length of a level")
		spread := rapid.Float64Range(0, 20).Draw(t, "spread")
		x := series(len(levels)*length, func(k int) float64 { return levels[k/length] }, always(spread))
		s := newSegmentCost(x, resolution)
		penalty := rapid.Float64Range(0, 80).Draw(t, "penalty")
		changes := s.pelt(minSegment, penalty)
		assert.InDelta(t, leastCost(s, minSegment, penalty), totalCost(s, changes, penalty), 1e-6)
		from := 0
		for _, to := range append(changes, len(x)) {
			assert.GreaterOrEqual(t, to-from, minSegment)
			from = to
		}

		got, err := Changepoints(x, minSegment)
		require.NoError(t, err)
		doubled, err := Changepoints(scaled(x, 1024), minSegment)
		require.NoError(t, err)
		assert.Equal(t, got, doubled)
	})
}

func TestClassifyStart(t *testing.T) {
	rising := steps([]int{6, 25}, []float64{600, 900}, 1000)
	for name, c := range map[string]struct {
		level func(int) float64
		label Label
		from  int
	}{
		"steady":                        {always(1000), Flat, 0},
		"throughput rises":              {rising, WarmUp, 25},
		"throughput falls":              {steps([]int{30}, []float64{1000}, 800), Slowdown, 30},
		"rises, then falls a little":    {steps([]int{10, 40}, []float64{600, 1000}, 900), Slowdown, 40},
		"rises, then a small change":    {steps([]int{10, 40}, []float64{600, 1015}, 1000), WarmUp, 10},
		"only a small change":           {steps([]int{40}, []float64{1020}, 1000), Flat, 0},
		"a dip":                         {steps([]int{20, 30}, []float64{1000, 500}, 1000), WarmUp, 30},
		"changes in the last quarter":   {steps([]int{100}, []float64{1000}, 800), NoSteadyState, -1},
		"improves in the last quarter":  {steps([]int{100}, []float64{800}, 1000), NoSteadyState, -1},
		"settles just in time":          {steps([]int{90}, []float64{800}, 1000), WarmUp, 90},
		"collapses to nothing":          {steps([]int{50}, []float64{1000}, 0), Slowdown, 50},
		"settles one bin after the end": {steps([]int{91}, []float64{800}, 1000), NoSteadyState, -1},
	} {
		t.Run(name, func(t *testing.T) {
			x := series(120, c.level, always(15))
			got, err := ClassifyStart(x)
			require.NoError(t, err)
			assert.Equal(t, c.label, got)
			parts := segmentsOf(t, x)
			_, from := classify(parts)
			assert.Equal(t, c.from, from)
			assert.Equal(t, 0, parts[0].from)
			assert.Equal(t, 120, parts[len(parts)-1].to)
		})
	}
	_, err := ClassifyStart(make([]float64, 15))
	require.ErrorContains(t, err, "15 bins")
	_, err = ClassifyStart(append(make([]float64, 20), math.Inf(1)))
	require.ErrorContains(t, err, "at index 20")
}

func segmentsOf(t *testing.T, bins []float64) []segment {
	changes, err := Changepoints(bins, minStartSegment)
	require.NoError(t, err)
	return segments(bins, changes)
}

// Within the spread of the steady state a difference does not count, beyond it does.
func TestClassifyStartBySpread(t *testing.T) {
	for before, want := range map[float64]Label{1050: Flat, 1200: Slowdown, 800: WarmUp} {
		x := series(120, steps([]int{40}, []float64{before}, 1000), steps([]int{40}, []float64{20}, 350)) // 350 wide: 10% standard deviation
		got, err := ClassifyStart(x)
		require.NoError(t, err)
		assert.Len(t, segmentsOf(t, x), 2, "level %v", before)
		assert.Equal(t, want, got, "level %v", before)
	}
}

// Values that are stored to 1/32 of an octave, and counts of a slow server, fall on few values.
func TestClassifyStartOfCoarseBins(t *testing.T) {
	values := series(240, always(1), always(0.03))
	for k, v := range values {
		values[k] = math.Exp2(math.Floor(32*math.Log2(v)) / 32)
	}
	got, err := ClassifyStart(values)
	require.NoError(t, err)
	assert.Equal(t, Flat, got)

	counts := series(240, always(5), always(1.4)) // a 50 ms answer on one connection: 5 a bin, now and then 4 or 6
	for k, v := range counts {
		counts[k] = math.Round(v)
	}
	got, err = ClassifyStart(counts)
	require.NoError(t, err)
	assert.Equal(t, Flat, got)
}

// Two runs that are out of line are no change, three are.
func TestTrendChangepoints(t *testing.T) {
	for _, from := range []int{8, 9} {
		got, err := TrendChangepoints(series(11, steps([]int{from}, []float64{1}, 1.3), always(0.02)), 3)
		require.NoError(t, err)
		for _, at := range got {
			assert.LessOrEqual(t, at, 8)
		}
		if from == 8 {
			assert.Equal(t, []int{8}, got)
		}
	}
	_, err := TrendChangepoints([]float64{1, 2, 3}, 1)
	require.ErrorContains(t, err, "segments of 1 values")
}

// A run is known to 2%: false alarms, and whether a step after half of the runs is seen.
func TestSimulatedTrend(t *testing.T) {
	const runs = 4000 / share
	t.Log("| runs in the series | false alarms | 4% seen | 6% seen | 10% seen |")
	for _, length := range []int{8, 20, 40, 60} {
		rng := seeded(uint64(length))
		seen := func(step float64) float64 {
			count := 0
			for range runs {
				x := make([]float64, length)
				for k := range x {
					x[k] = math.Exp(0.02 * rng.NormFloat64())
					if k >= length/2 {
						x[k] *= 1 + step
					}
				}
				changes, err := TrendChangepoints(x, 3)
				require.NoError(t, err)
				if len(changes) > 0 {
					count++
				}
			}
			return percent(count, runs)
		}
		alarms, six := seen(0), seen(0.06)
		t.Logf("| %d | %.1f%% | %.0f%% | %.1f%% | %.0f%% |", length, alarms, seen(0.04), six, seen(0.1))
		assert.LessOrEqual(t, alarms, 1.0)
		if length == 20 {
			assert.GreaterOrEqual(t, six, 95.0)
		}
	}
}
