package load_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
)

func TestCoarseMedian(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, scale := range []float64{1, 30, 100, 1e3, 1e6, 1e9, 1e12} {
		var h load.Coarse
		values := make([]float64, 1001)
		for i := range values {
			values[i] = math.Floor(scale * rng.ExpFloat64())
			h.Record(int64(values[i]))
		}
		slices.Sort(values)
		exact := values[len(values)/2]
		assert.InDelta(t, exact, float64(h.Median()), max(exact/32, 0.5), "scale %g", scale)
	}
	var empty load.Coarse
	assert.Zero(t, empty.Median())
	var far load.Coarse
	far.Record(math.MaxInt64)
	far.Record(-1)
	assert.Equal(t, uint64(2), far.Count())
}

func TestCoarseIsWithinOneInThirtyTwo(t *testing.T) {
	for d := time.Duration(1); d < 10*time.Minute; d = d*5/4 + 1 {
		var h, both load.Coarse
		h.Record(int64(d))
		require.InDelta(t, float64(d), float64(h.Median()), float64(d)/64+0.5)
		both.Record(-1)
		both.Add(&h)
		assert.Zero(t, both.Median(), "the lower of two")
		assert.EqualValues(t, 2, both.Count())
	}
}
