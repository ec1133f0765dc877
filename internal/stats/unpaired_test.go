package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/stats"
)

// welchHalf is half the 95% interval of the difference of the means of
// {1, 2, 3, 4, 5} and {2, 4, 6, 8}: 2.6119 standard errors of 1.4720, with 4.7494
// degrees of freedom, the quantile found by integrating the density by
// Simpson's rule, independently of this code.
const welchHalf = 3.8446

func TestUnpairedRatio(t *testing.T) {
	exp := func(x ...float64) (out []float64) {
		for _, v := range x {
			out = append(out, math.Exp(v))
		}
		return out
	}
	i, err := stats.UnpairedRatio(exp(1, 2, 3, 4, 5), exp(2, 4, 6, 8), 0.95)
	require.NoError(t, err)
	assert.InDelta(t, -2, math.Log(i.Mid), 1e-12)
	assert.InDelta(t, -2-welchHalf, math.Log(i.Low), 1e-3)
	assert.InDelta(t, -2+welchHalf, math.Log(i.High), 1e-3)

	swapped, err := stats.UnpairedRatio(exp(2, 4, 6, 8), exp(1, 2, 3, 4, 5), 0.95)
	require.NoError(t, err)
	assert.InEpsilon(t, 1/i.Low, swapped.High, 1e-9)

	same, err := stats.UnpairedRatio([]float64{3, 3}, []float64{3, 3, 3}, 0.95)
	require.NoError(t, err)
	assert.Equal(t, stats.Interval{Low: 1, Mid: 1, High: 1}, same)
	for _, bad := range [][]float64{{1}, {1, 0}, {1, math.NaN()}, nil} {
		_, err = stats.UnpairedRatio(bad, []float64{1, 2}, 0.95)
		assert.Error(t, err)
		_, err = stats.UnpairedRatio([]float64{1, 2}, bad, 0.95)
		assert.Error(t, err)
	}
}

// TestUnpairedCoverage: samples of different size and spread.
func TestUnpairedCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n int, sd float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Exp(sd * rng.NormFloat64())
		}
		return x
	}
	const runs = 4000
	covered := 0
	for range runs {
		i, err := stats.UnpairedRatio(draw(5, 0.02), draw(8, 0.1), 0.95)
		require.NoError(t, err)
		if i.Low <= 1 && 1 <= i.High {
			covered++
		}
	}
	assert.InDelta(t, 0.95, float64(covered)/runs, 0.02)
}
