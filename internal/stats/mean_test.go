package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Two arms over eight blocks. All reference values of this package's tests come from SciPy 1.17.1 with
// NumPy 2.4.6 (scipy.stats.t, norm and binom, scipy.optimize.least_squares) or
// from the enumeration or brute force that a test names.
var (
	armA = []float64{1012, 988, 1034, 1007, 995, 1021, 979, 1003}
	armB = []float64{941, 902, 955, 930, 933, 948, 889, 921}
)

func assertInterval(t *testing.T, want, got Interval) {
	t.Helper()
	assert.InEpsilon(t, want.Low, got.Low, 1e-9)
	assert.InEpsilon(t, want.Mid, got.Mid, 1e-9)
	assert.InEpsilon(t, want.High, got.High, 1e-9)
}

func TestMeanIntervals(t *testing.T) {
	// scipy: x.mean() -+ t.ppf(0.975, 7) * sem(x), on x and on log(x) (0.995 there).
	got, err := MeanInterval(armA, 0.95)
	require.NoError(t, err)
	assertInterval(t, Interval{989.990489924279, 1004.875, 1019.759510075721}, got)

	got, err = GeoMeanInterval(armA, 0.99)
	require.NoError(t, err)
	assertInterval(t, Interval{982.9765727407143, 1004.7372164666506, 1026.9795864396801}, got)
}

func TestPairedRatio(t *testing.T) {
	// scipy: exp of ttest_rel(log(a), log(b)).confidence_interval(0.95).
	got, err := PairedRatio(armA, armB, 0.95)
	require.NoError(t, err)
	assertInterval(t, Interval{1.074356010796292, 1.0837042026612032, 1.0931337350596666}, got)
}

func TestStudentQuantile(t *testing.T) {
	// scipy.stats.t.ppf; the last rows are what spending and Bonferroni ask for.
	for _, c := range []struct{ df, confidence, want float64 }{
		{29, 0.95, 2.045229642132703},
		{4, 1 - 1e-6, 49.458636757953215},
		{4, 1 - 1.6e-6, 43.96770144538273},
		{1, 1 - 2e-9, 318309886.1837907},
	} {
		assert.InEpsilon(t, c.want, studentQuantile(c.df, c.confidence), 1e-6, "df %v, confidence %v", c.df, c.confidence)
	}
}

func TestIntervalsRefuse(t *testing.T) {
	two := []float64{1, 2}
	for name, c := range map[string]struct {
		a, b       []float64
		confidence float64
		message    string
	}{
		"one block":        {[]float64{1}, []float64{1}, 0.95, "at least 2"},
		"none":             {nil, nil, 0.95, "at least 2"},
		"unequal lengths":  {two, []float64{1, 2, 3}, 0.95, "differ in length"},
		"zero":             {two, []float64{1, 0}, 0.95, "second sample: value 0 at index 1"},
		"negative":         {[]float64{-1, 1}, two, 0.95, "first sample: value -1 at index 0"},
		"not a number":     {two, []float64{math.NaN(), 1}, 0.95, "not a positive number"},
		"infinite":         {two, []float64{math.Inf(1), 1}, 0.95, "not a positive number"},
		"confidence 1":     {two, two, 1, "confidence"},
		"confidence 0":     {two, two, 0, "confidence"},
		"confidence NaN":   {two, two, math.NaN(), "confidence"},
		"percent by error": {two, two, 95, "confidence"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := PairedRatio(c.a, c.b, c.confidence)
			require.ErrorContains(t, err, c.message)
			_, err = RobustRatio(c.a, c.b, c.confidence)
			require.ErrorContains(t, err, c.message)
			_, err = ModeratedRatio(c.a, c.b, Prior{}, c.confidence)
			require.ErrorContains(t, err, c.message)
		})
	}
	_, err := MeanInterval([]float64{1, math.Inf(1)}, 0.95)
	require.ErrorContains(t, err, "not a finite number")
	_, err = GeoMeanInterval([]float64{1, 0}, 0.95)
	require.ErrorContains(t, err, "not a positive number")
}

// drawArms is two arms of realistic size over 2 to 12 blocks.
func drawArms(t *rapid.T) (a, b []float64) {
	n := rapid.IntRange(2, 12).Draw(t, "blocks")
	arm := rapid.SliceOfN(rapid.Float64Range(1e-6, 1e9), n, n)
	return arm.Draw(t, "a"), arm.Draw(t, "b")
}

func scaled(x []float64, by float64) []float64 {
	out := make([]float64, len(x))
	for k, v := range x {
		out[k] = v * by
	}
	return out
}

func closeTo(t *rapid.T, want, got Interval) {
	for _, p := range [][2]float64{{want.Low, got.Low}, {want.Mid, got.Mid}, {want.High, got.High}} {
		if math.IsInf(p[0], 0) || p[0] == 0 {
			assert.Equal(t, p[0], p[1]) // both are the same infinity or zero
			continue
		}
		assert.InDelta(t, 0, math.Log(p[1]/p[0]), 1e-6)
	}
}

// The ratio methods share their symmetries.
func TestRatioProperties(t *testing.T) {
	for name, ratio := range map[string]func(a, b []float64, confidence float64) (Interval, error){
		"t": PairedRatio, "signed rank": RobustRatio,
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			a, b := drawArms(t)
			by := rapid.Float64Range(1e-3, 1e3).Draw(t, "factor")
			got, err := ratio(a, b, 0.8)
			require.NoError(t, err)
			assert.LessOrEqual(t, got.Low, got.Mid)
			assert.LessOrEqual(t, got.Mid, got.High)

			swapped, err := ratio(b, a, 0.8)
			require.NoError(t, err)
			closeTo(t, Interval{Low: 1 / got.High, Mid: 1 / got.Mid, High: 1 / got.Low}, swapped)

			faster, err := ratio(scaled(a, by), b, 0.8)
			require.NoError(t, err)
			closeTo(t, Interval{Low: got.Low * by, Mid: got.Mid * by, High: got.High * by}, faster)

			wider, err := ratio(a, b, 0.99)
			require.NoError(t, err)
			assert.LessOrEqual(t, wider.Low, got.Low)
			assert.GreaterOrEqual(t, wider.High, got.High)

			blockEffect, err := ratio(scaled(a, by), scaled(b, by), 0.8)
			require.NoError(t, err)
			closeTo(t, got, blockEffect)
		}))
	}
}

func TestEqualBlocksHaveNoWidth(t *testing.T) {
	got, err := PairedRatio([]float64{2, 4, 6}, []float64{1, 2, 3}, 0.95)
	require.NoError(t, err)
	assertInterval(t, Interval{2, 2, 2}, got)
	assert.InDelta(t, 0, got.HalfWidth(), 1e-12)
}

func TestHalfWidth(t *testing.T) {
	assert.InDelta(t, 0.03, Interval{Low: 2 / 1.03, Mid: 2, High: 2 * 1.03}.HalfWidth(), 1e-12)
	for name, i := range map[string]Interval{
		"no lower end": {Low: 0, Mid: 1, High: 2},
		"no upper end": {Low: 1, Mid: 1, High: math.Inf(1)},
		"negative":     {Low: -1, Mid: 1, High: 2},
		"not a number": {Low: math.NaN(), Mid: 1, High: 2},
		"upside down":  {Low: 2, Mid: 1, High: 1},
		"zero value":   {},
	} {
		assert.True(t, math.IsInf(i.HalfWidth(), 1), name)
	}
	assert.False(t, Interval{Low: math.Inf(-1), High: 1}.Bounded())
	assert.False(t, Interval{Low: math.NaN()}.Bounded())
	assert.True(t, Interval{Low: -1, High: 1}.Bounded())
}
