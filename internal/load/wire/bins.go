package wire

import (
	"math/bits"
	"sync"
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// coarse is a histogram with 32 buckets an octave, small enough to be cleared
// for every bin of a window.
type coarse struct {
	counts [40 * 32]uint32 // up to 4.9 h, longer ones in the last
	n      uint64
}

func (h *coarse) record(ns int64) {
	v := uint64(max(ns, 0))
	octave := max(bits.Len64(v), 6) - 6
	// v>>octave is 0 to 63 in octave 0 and 32 to 63 above, so that the
	// octaves follow one another without a gap.
	h.counts[min(octave*32+int(v>>octave), len(h.counts)-1)]++
	h.n++
}

func (h *coarse) add(o *coarse) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
}

// median is the middle of the bucket that holds it, 0 without values.
func (h *coarse) median() time.Duration {
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

// bins are the quarter seconds of a window, filled by all its loops.
type bins struct {
	mu    sync.Mutex
	loops int
	out   []record.Bin
	part  map[int]*partBin // those that not all loops are through with
	spare []*partBin
}

type partBin struct {
	coarse
	loops int
}

func newBins(d time.Duration, loops int) *bins {
	n := int((d + record.BinWidth - 1) / record.BinWidth)
	return &bins{loops: loops, out: make([]record.Bin, n), part: make(map[int]*partBin)}
}

// add takes what one loop has for bin i.
func (b *bins) add(i int, h *coarse) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.part[i]
	if p == nil {
		if n := len(b.spare); n > 0 {
			p, b.spare = b.spare[n-1], b.spare[:n-1]
		} else {
			p = &partBin{}
		}
		b.part[i] = p
	}
	p.add(h)
	if p.loops++; p.loops == b.loops {
		b.out[i] = record.Bin{OK: p.n, P50: p.median()}
		*p = partBin{}
		b.spare = append(b.spare, p)
		delete(b.part, i)
	}
}

// binCursor is one loop's place in the bins.
type binCursor struct {
	bins *bins
	i    int
	edge int64 // end of bin i, ns since the start of the window
	now  coarse
}

func (c *binCursor) begin(b *bins) {
	c.bins, c.edge = b, int64(record.BinWidth)
}

// record counts a response that came at ns after the start of the window.
// Times never decrease.
func (c *binCursor) record(at, latency int64) {
	for at >= c.edge {
		c.turn()
	}
	c.now.record(latency)
}

func (c *binCursor) turn() {
	if c.i < len(c.bins.out) {
		c.bins.add(c.i, &c.now)
	}
	c.now = coarse{}
	c.i++
	c.edge += int64(record.BinWidth)
}

// finish hands in all bins to the end.
func (c *binCursor) finish() {
	for c.i < len(c.bins.out) {
		c.turn()
	}
}
