package vegeta

import (
	"math/bits"
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// bins collects the whole quarters of a second of a window. Only the newest
// two have a histogram: results come in nearly in the order of their
// completion, and one that is a whole bin late counts but is left out of the
// median.
type bins struct {
	done   []record.Bin
	medium [2]octaves // of bins newest-1 and newest, at index i%2
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
		b.settle(b.newest - 2)
	}
	b.done[i].OK++
	if i >= b.newest-1 {
		b.medium[i%2].add(latency)
	}
}

// settle writes the median of a bin and frees its histogram.
func (b *bins) settle(i int) {
	if i >= 0 {
		b.done[i].P50 = b.medium[i%2].median()
		b.medium[i%2] = octaves{}
	}
}

// list is the bins that lie wholly in the first d of the window.
func (b *bins) list(d time.Duration) []record.Bin {
	b.settle(b.newest - 1)
	if len(b.done) > 0 {
		b.settle(b.newest)
	}
	return b.done[:min(len(b.done), int(d/record.BinWidth))]
}

// octaves is a histogram of durations with 32 buckets an octave, exact below
// 32 ns and up to 18 minutes, in 4.6 KB.
type octaves struct {
	total  uint64
	counts [36 * sub]uint32
}

const (
	subBits = 5
	sub     = 1 << subBits
)

func (o *octaves) add(d time.Duration) {
	v := uint64(max(d, 0))
	i := int(v)
	if v >= sub {
		shift := bits.Len64(v) - 1 - subBits
		i = (shift+1)*sub + int(v>>shift)&(sub-1)
	}
	o.counts[min(i, len(o.counts)-1)]++
	o.total++
}

// median is the middle of the bucket that holds the lower median, 0 if empty.
func (o *octaves) median() time.Duration {
	if o.total == 0 {
		return 0
	}
	rank := (o.total + 1) / 2
	i := 0
	for seen := uint64(o.counts[0]); seen < rank; seen += uint64(o.counts[i]) {
		i++
	}
	if i < sub {
		return time.Duration(i)
	}
	shift := i/sub - 1
	low := time.Duration(sub+i%sub) << shift
	return low + (time.Duration(1)<<shift)/2
}
