package stats

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQuantileRanks(t *testing.T) {
	// scipy.stats.binom, searched linearly for the outermost ranks of either tail.
	for _, c := range []struct {
		n             int
		q, confidence float64
		low, high     int
	}{
		{10, 0.5, 0.95, 2, 9},
		{20, 0.5, 0.95, 6, 15},
		{30, 0.5, 0.95, 10, 21},
		{30, 0.9, 0.95, 23, 31},
		{100, 0.99, 0.95, 97, 101},
		{1000, 0.99, 0.99, 981, 998},
		{5, 0.5, 0.95, 0, 6},
		{6, 0.5, 0.95, 1, 6},
		{4, 0.5, 0.875, 1, 4}, // either tail is exactly 1/16
		{1_000_000, 0.999, 0.95, 998938, 999062},
	} {
		low, high, err := QuantileRanks(c.n, c.q, c.confidence)
		require.NoError(t, err)
		assert.Equal(t, [2]int{c.low, c.high}, [2]int{low, high}, "%d values, q = %v", c.n, c.q)
	}
}

func TestQuantileInterval(t *testing.T) {
	x := []float64{9, 3, 7, 1, 5, 10, 2, 8, 4, 6}
	got, err := quantileInterval(x, 0.5, 0.95)
	require.NoError(t, err)
	assert.Equal(t, Interval{Low: 2, Mid: 5, High: 9}, got)
	assert.Equal(t, []float64{9, 3, 7, 1, 5, 10, 2, 8, 4, 6}, x, "the sample keeps its order")

	got, err = quantileInterval(x, 0.9, 0.95)
	require.NoError(t, err)
	assert.Equal(t, 9.0, got.Mid) // a value of the sample
	assert.True(t, math.IsInf(got.High, 1), "ten values do not bound p90 from above")

	// 0.07*100 is 7.000000000000001 in binary and still means the 7th value.
	hundred := make([]float64, 100)
	for k := range hundred {
		hundred[k] = float64(k + 1)
	}
	got, err = quantileInterval(hundred, 0.07, 0.5)
	require.NoError(t, err)
	assert.Equal(t, 7.0, got.Mid) // a value of the sample

	for _, q := range []float64{0, 1, -1, math.NaN()} {
		_, err = quantileInterval(x, q, 0.95)
		require.ErrorContains(t, err, "quantile")
	}
	_, err = quantileInterval(x[:1], 0.5, 0.95)
	require.ErrorContains(t, err, "at least 2")
	_, _, err = QuantileRanks(10, 0.5, 1)
	require.ErrorContains(t, err, "confidence")
	_, _, err = QuantileRanks(0, 0.5, 0.95)
	require.ErrorContains(t, err, "0 values")
}

func TestQuantileProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 2, 60).Draw(t, "x")
		q := rapid.Float64Range(0.01, 0.99).Draw(t, "q")
		confidence := rapid.Float64Range(0.5, 0.99).Draw(t, "confidence")
		got, err := quantileInterval(x, q, confidence)
		require.NoError(t, err)
		assert.LessOrEqual(t, got.Low, got.Mid)
		assert.LessOrEqual(t, got.Mid, got.High)

		wider, err := quantileInterval(x, q, (1+confidence)/2)
		require.NoError(t, err)
		assert.LessOrEqual(t, wider.Low, got.Low)
		assert.GreaterOrEqual(t, wider.High, got.High)

		// The quantile of -x mirrors that of x.
		low, high, err := QuantileRanks(len(x), q, confidence)
		require.NoError(t, err)
		mlow, mhigh, err := QuantileRanks(len(x), 1-q, confidence)
		require.NoError(t, err)
		assert.Equal(t, [2]int{len(x) + 1 - high, len(x) + 1 - low}, [2]int{mlow, mhigh})
	})
}

// quantileInterval is the q-quantile of x with its distribution-free interval:
// both ends are values of x, picked by QuantileRanks. Mid is the smallest value
// with at least a fraction q of x at or below it, as HDR histograms count. It
// needs at least two finite values, which must be independent: across
// blocks, not the requests of one start. An end for which x is too small is infinite.
func quantileInterval(x []float64, q, confidence float64) (Interval, error) {
	if err := checkSample(x, confidence); err != nil {
		return Interval{}, err
	}
	low, high, err := QuantileRanks(len(x), q, confidence)
	if err != nil {
		return Interval{}, err
	}
	sorted := slices.Sorted(slices.Values(x))
	mid := max(1, int(math.Ceil(q*float64(len(x))*(1-1e-12)))) // q*n is a whole number more often than its float says
	i := Interval{Low: math.Inf(-1), Mid: sorted[mid-1], High: math.Inf(1)}
	if low >= 1 {
		i.Low = sorted[low-1]
	}
	if high <= len(x) {
		i.High = sorted[high-1]
	}
	return i, nil
}
