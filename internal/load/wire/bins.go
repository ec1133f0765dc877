package wire

import (
	"sync"
	"time"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// bins are the quarter seconds of a window, filled by all its loops.
type bins struct {
	mu    sync.Mutex
	loops int
	out   []record.Bin
	part  map[int]*partBin // those that not all loops are through with
	spare []*partBin
}

type partBin struct {
	load.Coarse
	loops int
}

func newBins(d time.Duration, loops int) *bins {
	n := int((d + record.BinWidth - 1) / record.BinWidth)
	return &bins{loops: loops, out: make([]record.Bin, n), part: make(map[int]*partBin)}
}

// add takes what one loop has for bin i.
func (b *bins) add(i int, h *load.Coarse) {
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
		b.out[i] = record.Bin{OK: p.Count(), P50: p.Median()}
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
	now  load.Coarse
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
	c.now.Record(latency)
}

func (c *binCursor) turn() {
	if c.i < len(c.bins.out) {
		c.bins.add(c.i, &c.now)
	}
	c.now = load.Coarse{}
	c.i++
	c.edge += int64(record.BinWidth)
}

// finish hands in all bins to the end.
func (c *binCursor) finish() {
	for c.i < len(c.bins.out) {
		c.turn()
	}
}
