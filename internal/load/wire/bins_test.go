package wire

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

// Two loops fill the same bins, one of them far ahead of the other.
func TestBinsOfTwoLoops(t *testing.T) {
	b := newBins(1100*time.Millisecond, 2)
	require.Len(t, b.out, 5)
	var one, two binCursor
	one.begin(b)
	two.begin(b)
	ms := func(n int64) int64 { return n * int64(time.Millisecond) }
	one.record(ms(0), 10)
	one.record(ms(249), 10)
	one.record(ms(250), 20)
	one.record(ms(1099), 30)
	one.finish()
	two.record(ms(100), 10)
	two.record(ms(1000), 30)
	two.finish()
	assert.Equal(t, []record.Bin{{OK: 3, P50: 10}, {OK: 1, P50: 20}, {}, {}, {OK: 2, P50: 30}}, b.out)
	assert.Empty(t, b.part)
}
