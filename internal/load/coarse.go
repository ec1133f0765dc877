package load

import (
	"iter"
	"math"
	"math/bits"
	"time"
)

// Coarse is a histogram of durations with 32 buckets an octave, exact below
// 64 ns, small enough (5 KB) to be cleared for every bin of a window. The zero
// value is empty.
type Coarse struct {
	counts [40 * 32]uint32 // up to 4.9 h, longer ones in the last
	n      uint64
}

// Record counts a duration in ns; one below 0 is 0.
func (h *Coarse) Record(ns int64) {
	v := uint64(max(ns, 0))
	octave := max(bits.Len64(v), 6) - 6
	// v>>octave is 0 to 63 in octave 0 and 32 to 63 above, so that the
	// octaves follow one another without a gap.
	h.counts[min(octave*32+int(v>>octave), len(h.counts)-1)]++
	h.n++
}

// Add counts all that o counted.
func (h *Coarse) Add(o *Coarse) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
}

// Count is how many durations were counted.
func (h *Coarse) Count() uint64 { return h.n }

// Quantile is the middle of the bucket that holds the lower q quantile, 0 without
// values; q is from 0 to 1.
func (h *Coarse) Quantile(q float64) (value time.Duration) {
	rank := uint64(max(math.Ceil(q*float64(h.n)), 1))
	for b := range h.Buckets() {
		if b.Count >= rank {
			return (b.Low + b.High) / 2
		}
		rank -= b.Count
	}
	return 0
}

// Bucket is how many values lie from Low to below High.
type Bucket struct {
	Low, High time.Duration
	Count     uint64
}

// Buckets are those with values, in order.
func (h *Coarse) Buckets() iter.Seq[Bucket] {
	return func(yield func(Bucket) bool) {
		for i, n := range h.counts {
			octave := max(i/32-1, 0)
			low := int64(i-octave*32) << octave
			if n > 0 && !yield(Bucket{time.Duration(low), time.Duration(low + 1<<octave), uint64(n)}) {
				return
			}
		}
	}
}
