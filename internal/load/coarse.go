package load

import (
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

// Median is the middle of the bucket that holds the lower median, 0 without values.
func (h *Coarse) Median() time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := (h.n + 1) / 2
	for i, n := range h.counts {
		if uint64(n) < rank {
			rank -= uint64(n)
			continue
		}
		octave := max(i/32-1, 0)
		low := uint64(i-octave*32) << octave
		return time.Duration(low + 1<<octave/2)
	}
	return 0
}
