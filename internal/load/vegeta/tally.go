package vegeta

import (
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// tally turns results into a measurement. It is for one goroutine and does
// well under a microsecond of work a result, so that no worker waits for it.
type tally struct {
	m       record.Measurement
	spec    *load.Spec
	begin   time.Time
	planned *intended // nil in a closed loop
	bins    *load.Bins
	cursor  load.BinCursor
	cpu     record.CPU

	canceled bool   // the context ended before all had an outcome
	aborted  uint64 // requests without one

	latency, service, slip, firstByte *record.Histogram
}

func newTally(spec *load.Spec, begin time.Time) *tally {
	t := &tally{
		m:       record.Measurement{Connections: spec.Connections, Duration: spec.Duration, LeadIn: spec.LeadIn},
		spec:    spec,
		begin:   begin,
		bins:    load.NewBins(spec.Duration, 1, spec.Bin),
		latency: record.NewHistogram(), firstByte: record.NewHistogram(),
	}
	t.cursor.Begin(t.bins)
	if s := spec.Schedule; s != nil {
		t.m.Offered = s.Rate
		t.planned = newIntended(s)
		t.service, t.slip = record.NewHistogram(), record.NewHistogram()
	}
	return t
}

// verdict is what became of a result.
type verdict struct {
	class  class
	why    string
	due    time.Time // intended send
	answer time.Duration
}

// add counts a result.
func (t *tally) add(r *vegeta.Result, c *call) verdict {
	sent, done := c.sent.Sub(t.begin), r.Timestamp.Add(r.Latency).Sub(t.begin)
	due := sent
	if t.planned != nil {
		due = t.planned.at(r.Seq) - t.spec.LeadIn
	}
	v := verdict{due: t.begin.Add(due), answer: done - due}
	v.class, v.why = c.outcome()
	early := due < 0
	if v.class == aborted && !early {
		t.aborted++
	}
	if v.class == aborted || v.class == neverSent {
		return v
	}
	t.m.InFlight += max(0, min(done, t.m.Duration)-max(sent, 0))
	if v.class == correct && done >= 0 && done < t.m.Duration {
		t.m.Completed++
		t.cursor.Record(int64(done), int64(v.answer))
	}
	if early {
		if v.class != correct && t.planned == nil && done >= 0 { // to a server that hangs nothing else is sent
			t.m.Requests, t.m.Sent = t.m.Requests+1, t.m.Sent+1
			t.fail(v)
		}
		v.class = leadIn
		return v
	}
	t.m.Requests++
	if sent < t.m.Duration {
		t.m.Sent++
	}
	if t.slip != nil {
		t.slip.Record(sent - due)
	}
	if v.class != correct {
		t.fail(v)
		return v
	}
	t.m.OK++
	t.latency.Record(v.answer)
	t.firstByte.Record(c.first.Sub(v.due))
	if t.service != nil {
		t.service.Record(done - sent)
	}
	return v
}

func (t *tally) fail(v verdict) {
	e := &t.m.Errors
	switch v.class {
	case badConnect:
		e.Connect++
	case badTimeout:
		e.Timeout++
	case badStatus:
		e.Status++
	case badBody:
		e.Body++
	default:
		e.Reset++
	}
	if t.m.FirstError == "" {
		t.m.FirstError = v.why
	}
}

// cancel shortens the window to what has passed of it.
func (t *tally) cancel(passed time.Duration) {
	t.m.Duration = min(t.m.Duration, max(0, passed))
	t.canceled = true
}

// measurement is the sum. The tally is not used afterwards.
func (t *tally) measurement() *record.Measurement {
	m := &t.m
	m.CPU = t.cpu
	t.cursor.Finish()
	m.Bins = t.bins.Until(m.Duration)
	m.Latency = t.latency.Distribution()
	m.FirstByte = t.firstByte.Distribution()
	if t.planned != nil {
		m.Service, m.Slip = t.service.Distribution(), t.slip.Distribution()
		m.Scheduled = scheduledBefore(t.spec.Schedule, t.spec.LeadIn+m.Duration) - scheduledBefore(t.spec.Schedule, t.spec.LeadIn)
		m.Scheduled -= min(m.Scheduled, t.aborted)
		if never := m.Scheduled - min(m.Scheduled, m.Requests); never > 0 && !t.canceled {
			t.m.Errors.Timeout += never
			if m.FirstError == "" {
				m.FirstError = errNeverSent.Error()
			}
		}
	}
	return m
}
