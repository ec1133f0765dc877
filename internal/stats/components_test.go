package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestVarianceComponents by hand: starts with the means 1 and 3 and rounds 1 apart from them.
func TestVarianceComponents(t *testing.T) {
	c, err := VarianceComponents([][]float64{{0, 2}, {2, 4}})
	require.NoError(t, err)
	assert.InDelta(t, 2, c.Round, 1e-12, "4 squares of 1 over 2 degrees of freedom")
	assert.InDelta(t, 1, c.Start, 1e-12, "the means vary by 2, of which the rounds make 2/2")
	c, err = VarianceComponents([][]float64{{-5, 5}, {-5, 5}, nil})
	require.NoError(t, err)
	assert.Zero(t, c.Start, "never below 0")
	for _, few := range [][][]float64{nil, {{1, 2}}, {{1}, {2}}} {
		_, err = VarianceComponents(few)
		assert.Error(t, err)
	}
}

func TestBestRounds(t *testing.T) {
	c := Components{Start: 0.0004, Round: 0.01}
	assert.Equal(t, 10, c.BestRounds(4, 1, 50), "sqrt(4 * 25)")
	assert.Equal(t, 8, c.BestRounds(4, 1, 8))
	assert.Equal(t, 1, Components{Start: 1, Round: 0.0001}.BestRounds(1, 1, 50))
	assert.Equal(t, 50, Components{Round: 1}.BestRounds(1, 1, 50), "starts that do not differ")
	// 3% with 4 rounds of 10%: sd 5.8%; 5% at 95% takes 8 starts: 2.365 * 5.83% / sqrt(8) = 4.9%.
	assert.Equal(t, 8, Components{Start: 0.0009, Round: 0.01}.StartsNeeded(4, 0.05, 0.95))
}

func TestComponentsAreRecovered(t *testing.T) {
	rng := seeded(3)
	var start, round float64
	const runs = 400
	for range runs {
		var starts [][]float64
		for range 8 {
			own := 0.03 * rng.NormFloat64()
			var x []float64
			for range 4 {
				x = append(x, own+0.08*rng.NormFloat64())
			}
			starts = append(starts, x)
		}
		c, err := VarianceComponents(starts)
		require.NoError(t, err)
		start, round = start+c.Start/runs, round+c.Round/runs
	}
	assert.InEpsilon(t, 0.08, math.Sqrt(round), 0.03)
	assert.InEpsilon(t, 0.03, math.Sqrt(start), 0.25, "cut at 0, it is a little too high")
}
