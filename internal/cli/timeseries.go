package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// second is a line of a time series: what was completed in one second of a window.
type second struct {
	Second    int            `json:"second"` // from 0
	Completed uint64         `json:"completed"`
	Latency   *secondLatency `json:"latency_ns"` // null: nothing was completed
	Histogram [][3]int64     `json:"histogram"`  // from, to (ns, without it), how many
}

type secondLatency struct {
	P50 time.Duration `json:"p50"`
	P90 time.Duration `json:"p90"`
	P99 time.Duration `json:"p99"`
	Max time.Duration `json:"max"` // the upper end of its bucket
}

// writeSeconds has the window tell its quarter seconds, and writes each whole second
// as it ends. What it returns waits until all is written.
func (o *loadOptions) writeSeconds(ctx context.Context, spec *load.Spec) (written func() error, err error) {
	if o.timeSeries == "" {
		return func() error { return nil }, nil
	}
	f, err := openOutput(o.timeSeries)
	if err != nil {
		return nil, usageError{fmt.Errorf("--timeseries: %w", err)}
	}
	const each = int(time.Second / record.BinWidth)
	bins := int((spec.Duration + record.BinWidth - 1) / record.BinWidth)
	lines, ended := make(chan *load.Coarse, bins/each+1), make(chan error, 1)
	var sum *load.Coarse
	spec.Bin = func(i int, h *load.Coarse) {
		if ctx.Err() != nil { // the rest of the window is empty because it was cut off
			return
		}
		if sum == nil {
			sum = &load.Coarse{}
		}
		if sum.Add(h); (i+1)%each == 0 || i+1 == bins {
			lines <- sum // there is room for all
			sum = nil
		}
	}
	go func() {
		out := json.NewEncoder(f)
		var failed error
		n := 0
		for h := range lines {
			if failed == nil {
				failed = out.Encode(newSecond(n, h))
			}
			n++
		}
		ended <- failed
	}()
	return func() error {
		close(lines)
		err := <-ended
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return fmt.Errorf("--timeseries: %w", err)
		}
		return nil
	}, nil
}

func newSecond(n int, h *load.Coarse) *second {
	s := &second{Second: n, Completed: h.Count(), Histogram: [][3]int64{}}
	for b := range h.Buckets() {
		s.Histogram = append(s.Histogram, [3]int64{int64(b.Low), int64(b.High), int64(b.Count)})
	}
	if h.Count() > 0 {
		last := s.Histogram[len(s.Histogram)-1]
		s.Latency = &secondLatency{P50: h.Quantile(0.5), P90: h.Quantile(0.9), P99: h.Quantile(0.99), Max: time.Duration(last[1])}
	}
	return s
}
