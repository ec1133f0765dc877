package claims

import (
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// Metric names a quantity of a trial at a level.
type Metric string

// Throughput is the metric that Comparison.Delay refers to.
const Throughput Metric = "throughput"

// metric reads its quantity; ok is false where the trial does not have it.
type metric struct {
	higherIsBetter bool
	ofTrial        bool     // one value a trial, whatever the level
	levels         []string // the kinds that it is compared at; none if ofTrial
	latency        bool     // of single requests, which a closed loop hides
	goal           float64  // half-width of the ratio's interval at which measuring may stop; 0: not waited for
	lacks          string   // why a sound window may have no value; empty: it takes more requests
	read           func(t *record.Trial, w *record.Window) (value float64, ok bool)
}

var metrics = map[Metric]metric{
	"throughput": {levels: []string{closed, open}, higherIsBetter: true, goal: 0.03, read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		return positive(w.Load.Throughput())
	}},
	"latency-p50": {levels: []string{closed, open, shares}, latency: true, goal: 0.03, read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		if w.Load.Latency == nil {
			return 0, false
		}
		return seconds(w.Load.Latency.P50)
	}},
	"latency-p90": {levels: []string{closed, open, shares}, latency: true, goal: 0.10, read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		if w.Load.Latency == nil {
			return 0, false
		}
		return seconds(w.Load.Latency.P90)
	}},
	"latency-p99": {levels: []string{closed, open, shares}, latency: true, goal: 0.10, read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		if w.Load.Latency == nil {
			return 0, false
		}
		return seconds(w.Load.Latency.P99)
	}},
	"first-byte-p50": {levels: []string{closed, open, shares}, latency: true, goal: 0.03, read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		d := w.Load.FirstByte
		if d == nil {
			d = w.Load.Latency // every response came in one piece
		}
		if d == nil {
			return 0, false
		}
		return seconds(d.P50)
	}},
	"cpu-per-request": {levels: []string{closed, open, shares}, goal: 0.03, read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		if w.Load.OK == 0 {
			return 0, false
		}
		// The meter runs until the last response has come, so all of them share it.
		return positive(w.Server.CPU.Total().Seconds() / float64(w.Load.OK))
	}},
	"memory": {levels: []string{closed, open, shares}, read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		return positive(float64(w.Server.PSS))
	}},
	"threads": {levels: []string{closed, open, shares}, read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		return positive(float64(w.Server.Threads))
	}},
	"bytes": {levels: []string{closed, open}, higherIsBetter: true, goal: 0.03, read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		return positive(float64(w.Load.BytesIn) / w.Load.Duration.Seconds())
	}},
	"memory-idle": {ofTrial: true, read: func(t *record.Trial, _ *record.Window) (float64, bool) {
		return positive(float64(t.Idle.PSS))
	}},
	// The rate that was offered in the window at the end of the search.
	"capacity": {levels: []string{slo}, higherIsBetter: true, goal: 0.05, lacks: "it held the SLO at no rate that was tried", read: func(_ *record.Trial, w *record.Window) (float64, bool) {
		if !w.HeldSLO() {
			return 0, false
		}
		return positive(w.Load.Offered)
	}},
	"start-up": {ofTrial: true, read: func(t *record.Trial, _ *record.Window) (float64, bool) {
		return positive(t.Startup.Seconds())
	}},
}

func positive(v float64) (float64, bool) { return v, v > 0 }

func seconds(d *time.Duration) (float64, bool) {
	if d == nil {
		return 0, false
	}
	return positive(d.Seconds())
}
