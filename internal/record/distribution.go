package record

import (
	"fmt"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// MaxLatency is the longest duration that a histogram can tell from a longer one.
const MaxLatency = 10 * time.Minute

// The range of every histogram: one nanosecond to ten minutes at three
// significant digits, so that any two can be merged.
const (
	lowestNS  = 1
	highestNS = int64(MaxLatency)
	digits    = 3
)

// Histogram collects durations at three significant digits in constant
// memory. It is for one goroutine; merge histograms to combine several.
type Histogram struct{ h *hdr.Histogram }

// NewHistogram returns an empty histogram. Its size does not depend on what is recorded.
func NewHistogram() *Histogram { return &Histogram{hdr.New(lowestNS, highestNS, digits)} }

// Record counts one duration. Values outside 1 ns to 10 min count at the
// nearer end. It does not allocate.
func (h *Histogram) Record(d time.Duration) {
	v := min(max(int64(d), lowestNS), highestNS)
	_ = h.h.RecordValue(v) // v is in range
}

// Merge counts all that o counted.
func (h *Histogram) Merge(o *Histogram) { h.h.Merge(o.h) }

// Reset forgets everything and keeps the memory.
func (h *Histogram) Reset() { h.h.Reset() }

// Count is the number of recorded durations.
func (h *Histogram) Count() int64 { return h.h.TotalCount() }

// Quantile is the q-quantile (0 to 1) of what was recorded, 0 if nothing was.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.h.ValueAtPercentile(q * 100))
}

// Mean is the arithmetic mean, 0 if nothing was recorded.
func (h *Histogram) Mean() time.Duration { return time.Duration(h.h.Mean()) }

// minTail is how many samples must lie beyond a percentile for it to be
// reported: pX needs n(1-p) >= 100.
const minTail = 100

// Distribution is a histogram with its summary, as it is stored. A percentile
// is nil where fewer than 100 samples lie beyond it; the median needs only one sample.
type Distribution struct {
	Count int64          `json:"count"`
	Mean  time.Duration  `json:"mean"`
	P50   *time.Duration `json:"p50"`
	P90   *time.Duration `json:"p90"`
	P99   *time.Duration `json:"p99"`
	P999  *time.Duration `json:"p99_9"`
	Max   time.Duration  `json:"max"`
	HDR   string         `json:"hdr,omitempty"` // HdrHistogram V2, compressed, base64; values in nanoseconds
}

// Distribution freezes the histogram.
func (h *Histogram) Distribution() *Distribution {
	d := &Distribution{Count: h.Count()}
	if d.Count == 0 {
		return d
	}
	d.Mean, d.Max = h.Mean(), time.Duration(h.h.Max())
	at := func(q float64) *time.Duration {
		if q > 0.5 && float64(d.Count)*(1-q) < minTail-1e-6 {
			return nil
		}
		v := h.Quantile(q)
		return &v
	}
	d.P50, d.P90, d.P99, d.P999 = at(0.5), at(0.9), at(0.99), at(0.999)
	if enc, err := h.h.EncodeV2(); err == nil {
		d.HDR = string(enc)
	}
	return d
}

// Histogram decodes the stored histogram.
func (d *Distribution) Histogram() (*Histogram, error) {
	if d == nil || d.HDR == "" {
		return NewHistogram(), nil
	}
	h, err := hdr.Decode([]byte(d.HDR))
	if err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	return &Histogram{h}, nil
}
