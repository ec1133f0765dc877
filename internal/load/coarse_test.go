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

func TestCoarseQuantile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, scale := range []float64{1, 30, 100, 1e3, 1e6, 1e9, 1e12} {
		var h load.Coarse
		values := make([]float64, 1001)
		for i := range values {
			values[i] = math.Floor(scale * rng.ExpFloat64())
			h.Record(int64(values[i]))
		}
		slices.Sort(values)
		for _, q := range []float64{0.1, 0.9, 0.99} {
			exact := values[int(math.Ceil(q*float64(len(values))))-1]
			assert.InDelta(t, exact, float64(h.Quantile(q)), max(exact/32, 0.5), "scale %g", scale)
		}
		n := uint64(0)
		for b := range h.Buckets() {
			assert.LessOrEqual(t, b.High-b.Low, max(b.Low/32, 1))
			n += b.Count
		}
		assert.Equal(t, h.Count(), n)
		exact := values[len(values)/2]
		assert.InDelta(t, exact, float64(h.Quantile(0.5)), max(exact/32, 0.5), "scale %g", scale)
	}
	var empty load.Coarse
	assert.Zero(t, empty.Quantile(0.5))
	var far load.Coarse
	far.Record(math.MaxInt64)
	far.Record(-1)
	assert.Equal(t, uint64(2), far.Count())
}

func TestCoarseIsWithinOneInThirtyTwo(t *testing.T) {
	for d := time.Duration(1); d < 10*time.Minute; d = d*5/4 + 1 {
		var h, both load.Coarse
		h.Record(int64(d))
		require.InDelta(t, float64(d), float64(h.Quantile(0.5)), float64(d)/64+0.5)
		both.Record(-1)
		both.Add(&h)
		assert.Zero(t, both.Quantile(0.5), "the lower of two")
		assert.EqualValues(t, 2, both.Count())
	}
}
