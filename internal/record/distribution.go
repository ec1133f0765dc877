package record

import (
	"fmt"
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/hellobench/hellobench/internal/yamlfile"
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
// reported: with fewer it is hardly more than the largest value.
const minTail = 10

// Known says whether so many samples know the q-quantile; the median needs one.
func Known(q float64, samples int64) bool {
	return samples > 0 && (q <= 0.5 || float64(samples)*(1-q) > minTail-1e-6)
}

// Needed is how many samples it takes for the q-quantile to be known.
func Needed(q float64) int64 {
	if q <= 0.5 {
		return 1
	}
	return int64(math.Ceil(minTail/(1-q) - 1e-6))
}

// Distribution is a histogram with its summary, as it is stored. A percentile
// is nil where fewer than 10 samples lie beyond it (100 in records of before
// 2026-11-25, which have no p95); the median needs only one sample.
type Distribution struct {
	Count int64         `json:"count"`
	Mean  time.Duration `json:"mean"`
	Percentiles
	Max time.Duration `json:"max"`
	HDR string        `json:"hdr,omitempty"` // HdrHistogram V2, compressed, base64; values in nanoseconds
}

// Percentiles are those that are reported.
type Percentiles struct {
	P50  *time.Duration `json:"p50"`
	P90  *time.Duration `json:"p90"`
	P95  *time.Duration `json:"p95"`
	P99  *time.Duration `json:"p99"`
	P999 *time.Duration `json:"p99_9"`
}

// Set fills the percentiles in, each with what at gives for its quantile.
func (p *Percentiles) Set(at func(q float64) *time.Duration) {
	p.P50, p.P90, p.P95, p.P99, p.P999 = at(0.5), at(0.9), at(0.95), at(0.99), at(0.999)
}

// Distribution freezes the histogram.
func (h *Histogram) Distribution() *Distribution {
	d := h.Summary()
	if d.Count == 0 {
		return d
	}
	if enc, err := h.h.EncodeV2(); err == nil {
		d.HDR = string(enc)
	}
	return d
}

// Summary is the distribution without the histogram itself, which takes longer to encode
// than all the rest.
func (h *Histogram) Summary() *Distribution {
	d := &Distribution{Count: h.Count()}
	if d.Count == 0 {
		return d
	}
	d.Mean, d.Max = h.Mean(), time.Duration(h.h.Max())
	d.Set(func(q float64) *time.Duration {
		if !Known(q, d.Count) {
			return nil
		}
		v := h.Quantile(q)
		return &v
	})
	return d
}

// Histogram decodes the stored histogram.
func (d *Distribution) Histogram() (*Histogram, error) {
	if d == nil || d.HDR == "" {
		return NewHistogram(), nil
	}
	h, err := hdr.Decode([]byte(d.HDR))
	if err != nil {
		return nil, &yamlfile.Error{File: TrialsFile, Path: "hdr", Msg: "a damaged histogram: " + err.Error()}
	}
	if h.LowestTrackableValue() != lowestNS || h.HighestTrackableValue() != highestNS || h.SignificantFigures() != digits || h.TotalCount() != d.Count {
		return nil, &yamlfile.Error{File: TrialsFile, Path: "hdr", Msg: fmt.Sprintf("a histogram of another range, or not of %d values", d.Count)}
	}
	return &Histogram{h}, nil
}
