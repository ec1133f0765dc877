package stats

import (
	"math"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestHodgesLehmann(t *testing.T) {
	// Paired data from Hollander & Wolfe (depression scale, nine patients); intervals from a
	// NumPy enumeration of all 2^n sign patterns.
	depression := []float64{0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01}
	got, err := HodgesLehmann(depression, 0.95)
	require.NoError(t, err)
	assertInterval(t, Interval{0.010, 0.46, 0.786}, got)

	got, err = HodgesLehmann(depression, 0.90)
	require.NoError(t, err)
	assertInterval(t, Interval{0.175, 0.46, 0.726}, got)

	// Zeros and ties stay in.
	got, err = HodgesLehmann([]float64{0, 0, 1, -1, 2, 2, 3, 5, 8, -2}, 0.95)
	require.NoError(t, err)
	assert.Equal(t, Interval{0, 1.5, 4}, got)

	got, err = RobustRatio(armA, armB, 0.95)
	require.NoError(t, err)
	assertInterval(t, Interval{math.Exp(0.07190812544944654), math.Exp(0.07964167018969842), math.Exp(0.09086257936161729)}, got)
}

func TestSignedRankCut(t *testing.T) {
	// One more than the critical values of the printed tables of Wilcoxon's
	// test, two-sided 5% and 1%; checked by enumeration of sign patterns.
	for n, want := range map[int][2]int{
		5: {0, 0}, 6: {1, 0}, 7: {3, 0}, 8: {4, 1}, 9: {6, 2}, 10: {9, 4},
		11: {11, 6}, 12: {14, 8}, 13: {18, 10}, 14: {22, 13}, 15: {26, 16},
	} {
		assert.Equal(t, want[0], signedRankCut(n, 0.025), "n = %d at 5%%", n)
		assert.Equal(t, want[1], signedRankCut(n, 0.005), "n = %d at 1%%", n)
	}
}

func TestSignedRankPMFCountsSubsets(t *testing.T) {
	const n = 12
	want := make([]float64, n*(n+1)/2+1)
	for pattern := range uint(1) << n {
		sum := 0
		for rest := pattern; rest != 0; rest &= rest - 1 {
			sum += bits.TrailingZeros(rest) + 1
		}
		want[sum] += 1.0 / (1 << n)
	}
	assert.InDeltaSlice(t, want, signedRankPMF(n), 1e-15)
}

func TestSignedRankReach(t *testing.T) {
	assert.Zero(t, SignedRankReach(1))
	for n := 2; n <= 30; n++ {
		d := make([]float64, n)
		for k := range d {
			d[k] = float64(k)
		}
		reach := SignedRankReach(n)
		got, err := HodgesLehmann(d, reach)
		require.NoError(t, err)
		assert.Equal(t, Interval{Low: 0, Mid: float64(n-1) / 2, High: float64(n - 1)}, got)

		got, err = HodgesLehmann(d, math.Nextafter(reach, 1))
		require.NoError(t, err)
		assert.False(t, got.Bounded(), "n = %d", n)
	}
	// On ratios the unbounded ends are 0 and +Inf.
	got, err := RobustRatio([]float64{1, 2, 3}, []float64{2, 2, 2}, 0.95)
	require.NoError(t, err)
	assert.Equal(t, 0.0, got.Low) // exp(-Inf) is exactly 0
	assert.True(t, math.IsInf(got.High, 1))
	assert.Equal(t, Unclear, Decide(got, 0.1))
}

// Moving every difference up moves the interval, and one wild block does not carry the estimate away.
func TestHodgesLehmannProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SliceOfN(rapid.Float64Range(-1, 1), 6, 15).Draw(t, "d")
		got, err := HodgesLehmann(d, 0.95)
		require.NoError(t, err)

		shift := rapid.Float64Range(0, 10).Draw(t, "shift")
		moved := make([]float64, len(d))
		for k, v := range d {
			moved[k] = v + shift
		}
		after, err := HodgesLehmann(moved, 0.95)
		require.NoError(t, err)
		assert.InDelta(t, got.Low+shift, after.Low, 1e-9)
		assert.InDelta(t, got.Mid+shift, after.Mid, 1e-9)
		assert.InDelta(t, got.High+shift, after.High, 1e-9)

		moved = append([]float64(nil), d...)
		moved[0] += shift * 1e6 // one block up can only move all three up, the estimate not out of the sample's range
		after, err = HodgesLehmann(moved, 0.95)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, after.Low, got.Low)
		assert.GreaterOrEqual(t, after.Mid, got.Mid)
		assert.LessOrEqual(t, after.Mid, 1.0)
	})
}
