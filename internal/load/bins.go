package load

import (
	"sync"
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// Bins are the quarter seconds of a window, filled by all loops of a generator.
// Their memory does not depend on the window, but for the result.
type Bins struct {
	mu    sync.Mutex
	loops int
	full  func(i int, h *Coarse) // may be nil
	out   []record.Bin
	part  map[int]*partBin // those that not all loops are through with
	spare []*partBin
}

type partBin struct {
	Coarse
	loops int
}

// NewBins returns the bins of a window, to be filled by so many loops. full, if not
// nil, gets one after the other as soon as nothing more can come; the histogram is
// used again afterwards.
func NewBins(window time.Duration, loops int, full func(i int, h *Coarse)) *Bins {
	return &Bins{loops: loops, full: full, out: make([]record.Bin, ceilBins(window)), part: make(map[int]*partBin)}
}

func ceilBins(d time.Duration) int { return int((d + record.BinWidth - 1) / record.BinWidth) }

// Until is the bins that begin in the first d of the window, once all loops have finished.
func (b *Bins) Until(d time.Duration) []record.Bin { return b.out[:ceilBins(d)] }

// add takes what one loop has for bin i.
func (b *Bins) add(i int, h *Coarse) {
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
	p.Add(h)
	if p.loops++; p.loops == b.loops {
		b.out[i] = record.Bin{OK: p.Count(), P50: p.Quantile(0.5)}
		if b.full != nil {
			b.full(i, &p.Coarse)
		}
		*p = partBin{}
		b.spare = append(b.spare, p)
		delete(b.part, i)
	}
}

// BinCursor is one loop's place in the bins.
type BinCursor struct {
	bins *Bins
	i    int
	edge int64 // end of bin i, ns since the start of the window
	now  Coarse
}

// Begin goes to the first bin.
func (c *BinCursor) Begin(b *Bins) { c.bins, c.edge = b, int64(record.BinWidth) }

// Record counts a response that came at ns after the start of the window. One
// that is told late counts where the cursor is.
func (c *BinCursor) Record(at, latency int64) {
	for at >= c.edge {
		c.turn()
	}
	c.now.Record(latency)
}

func (c *BinCursor) turn() {
	if c.i < len(c.bins.out) {
		c.bins.add(c.i, &c.now)
	}
	c.now = Coarse{}
	c.i++
	c.edge += int64(record.BinWidth)
}

// Finish hands in all bins to the end.
func (c *BinCursor) Finish() {
	for c.i < len(c.bins.out) {
		c.turn()
	}
}
