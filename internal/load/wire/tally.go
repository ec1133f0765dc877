package wire

import (
	"time"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// tally is what one loop has counted.
type tally struct {
	established int
	scheduled   uint64
	requests    uint64
	after       uint64 // of the requests, those that were sent after the window
	ok          uint64
	completed   uint64
	bytesIn     uint64
	reconnects  uint64
	errors      record.Errors
	inFlight    int64             // ns
	stalled     int64             // ns of the window in which the loop did not run
	latency     *record.Histogram // of responses in one piece
	inPieces    *record.Histogram // latency of the others
	firstPiece  *record.Histogram // from the intended send to their first piece
	service     *record.Histogram // nil in a closed loop
	slip        *record.Histogram // nil in a closed loop
	firstError  string
	bins        load.BinCursor
}

func newTally(openLoop bool) tally {
	t := tally{latency: record.NewHistogram(), inPieces: record.NewHistogram(), firstPiece: record.NewHistogram()}
	if openLoop {
		t.service, t.slip = record.NewHistogram(), record.NewHistogram()
	}
	return t
}

// merge counts all that o counted, except bins, which are shared anyway.
func (t *tally) merge(o *tally) {
	t.established += o.established
	t.scheduled += o.scheduled
	t.requests += o.requests
	t.after += o.after
	t.ok += o.ok
	t.completed += o.completed
	t.bytesIn += o.bytesIn
	t.reconnects += o.reconnects
	t.errors.Add(o.errors)
	t.inFlight += o.inFlight
	t.stalled = max(t.stalled, o.stalled)
	t.latency.Merge(o.latency)
	t.inPieces.Merge(o.inPieces)
	t.firstPiece.Merge(o.firstPiece)
	if t.service != nil {
		t.service.Merge(o.service)
		t.slip.Merge(o.slip)
	}
	if t.firstError == "" {
		t.firstError = o.firstError
	}
}

// store fills in the counts of a measurement. The tally is not used
// afterwards: its histograms are merged.
func (t *tally) store(m *record.Measurement) {
	m.Established = t.established
	m.Scheduled = t.scheduled
	m.Requests, m.Sent = t.requests, t.requests-t.after
	m.OK = t.ok
	m.Completed = t.completed
	m.BytesIn = t.bytesIn
	m.Reconnects = t.reconnects
	m.Errors = t.errors
	m.InFlight, m.Stalled = time.Duration(t.inFlight), time.Duration(t.stalled)
	if m.Errors.Total() > 0 { // else it was of the lead-in
		m.FirstError = t.firstError
	}
	if t.firstPiece.Count() > 0 {
		t.firstPiece.Merge(t.latency) // the first byte of a response in one piece comes with its last
		m.FirstByte = t.firstPiece.Distribution()
	}
	t.latency.Merge(t.inPieces)
	m.Latency = t.latency.Distribution()
	if t.service != nil {
		m.Service, m.Slip = t.service.Distribution(), t.slip.Distribution()
	}
}
