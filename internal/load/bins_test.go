package load_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// Two loops fill the same bins, one of them far ahead of the other, and one of
// its results is told late.
func TestBinsOfTwoLoops(t *testing.T) {
	var full []uint64
	b := load.NewBins(1100*time.Millisecond, 2, func(i int, h *load.Coarse) {
		assert.Len(t, full, i, "in order")
		full = append(full, h.Count())
	})
	var one, two load.BinCursor
	one.Begin(b)
	two.Begin(b)
	ms := func(n int64) int64 { return n * int64(time.Millisecond) }
	one.Record(ms(0), 10)
	one.Record(ms(249), 10)
	one.Record(ms(250), 20)
	one.Record(ms(240), 20)
	one.Record(ms(1099), 30)
	one.Finish()
	two.Record(ms(100), 10)
	two.Record(ms(1000), 30)
	two.Finish()
	all := []record.Bin{{OK: 3, P50: 10}, {OK: 2, P50: 20}, {}, {}, {OK: 2, P50: 30}}
	assert.Equal(t, all, b.Until(1100*time.Millisecond))
	assert.Equal(t, []uint64{3, 2, 0, 0, 2}, full)
	assert.Equal(t, all[:2], b.Until(500*time.Millisecond))
	assert.Equal(t, all[:3], b.Until(501*time.Millisecond))
	assert.Empty(t, b.Until(0))
}
