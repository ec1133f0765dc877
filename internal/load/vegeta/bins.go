package vegeta

import (
	"time"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// bins collects the whole quarters of a second of a window. Only the newest
// two have a histogram: results come in nearly in the order of their
// completion, and one that is a whole bin late counts but is left out of the
// median.
type bins struct {
	done   []record.Bin
	medium [2]load.Coarse // of bins newest-1 and newest, at index i%2
	newest int
}

func newBins(window time.Duration) *bins {
	return &bins{done: make([]record.Bin, window/record.BinWidth)}
}

// add counts a correct response that was complete at a time of the window.
func (b *bins) add(at, latency time.Duration) {
	i := int(at / record.BinWidth)
	if i < 0 || i >= len(b.done) {
		return // the last part of a window that is shorter than a bin
	}
	for b.newest < i {
		b.newest++
		b.freeze(b.newest - 2)
	}
	b.done[i].OK++
	if i >= b.newest-1 {
		b.medium[i%2].Record(int64(latency))
	}
}

// freeze writes the median of a bin and frees its histogram.
func (b *bins) freeze(i int) {
	if i >= 0 {
		b.done[i].P50 = b.medium[i%2].Median()
		b.medium[i%2] = load.Coarse{}
	}
}

// list is the bins that lie wholly in the first d of the window.
func (b *bins) list(d time.Duration) []record.Bin {
	b.freeze(b.newest - 1)
	if len(b.done) > 0 {
		b.freeze(b.newest)
	}
	return b.done[:min(len(b.done), int(d/record.BinWidth))]
}
