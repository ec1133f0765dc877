package vegeta

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/hellobench/hellobench/internal/load"
)

// The pacer has itself woken before a send time, by as much as it is woken late
// on this core in four of five times, and yields for the rest: to wake takes
// some microseconds on a busy core and a tenth of a millisecond on an idle one
// of a virtual machine. A longer lead would be no better. Who yields can run at
// once, and so keeps the only processor from looking for responses.
const (
	firstLead = 30 * time.Microsecond
	mostLead  = 150 * time.Microsecond
	leadStep  = time.Microsecond
	onTime    = 4 // wakes before the send time for one after it
)

// errOver is what the targeter answers instead of a target once the window is
// over; no request is sent then.
var errOver = errors.New("the window is over")

// targeter gives each hit a target: any one, since the tripper knows which
// request has which number. In a closed loop it closes the window: the library
// asks the pacer before it waits for a free worker, so a tick may be picked up
// after the end.
func targeter(ctx context.Context, spec *load.Spec, begin time.Time, url string) vegeta.Targeter {
	return func(t *vegeta.Target) error {
		if ctx.Err() != nil || spec.Schedule == nil && time.Since(begin) >= spec.Duration {
			return errOver
		}
		t.Method, t.URL = http.MethodGet, url
		return nil
	}
}

// closedPacer ticks as fast as workers become free, until the end.
type closedPacer struct{ end time.Time }

func (p closedPacer) Pace(time.Duration, uint64) (time.Duration, bool) {
	return 0, !time.Now().Before(p.end)
}

func (closedPacer) Rate(time.Duration) float64 { return 0 }

// openPacer ticks at the times of a schedule. It waits itself and always
// answers 0, since the library would wait with time.Sleep. It counts time from
// begin, not from the start that the library passes, because begin is the
// reference of all latencies.
type openPacer struct {
	alarm *alarm
	times *load.Times
	rate  float64
	begin time.Time
	end   time.Duration // of the window
	last  time.Duration // until then late requests are still sent
	lead  time.Duration // how long before a send time it is woken
}

func newOpenPacer(spec *load.Spec, begin time.Time, a *alarm) *openPacer {
	return &openPacer{
		alarm: a, times: spec.Schedule.Times(), rate: spec.Schedule.Rate,
		begin: begin, end: spec.Duration, last: spec.Duration + spec.Timeout, lead: firstLead,
	}
}

func (p *openPacer) Pace(time.Duration, uint64) (time.Duration, bool) {
	due := p.times.Next()
	if due >= p.end || time.Since(p.begin) > p.last {
		return 0, true
	}
	return 0, !p.wait(due)
}

func (p *openPacer) Rate(time.Duration) float64 { return p.rate }

// wait returns when due has come, or false if the alarm was stopped.
func (p *openPacer) wait(due time.Duration) bool {
	if left := due - time.Since(p.begin); left > p.lead {
		if !p.alarm.sleep(left - p.lead) {
			return false
		}
		if time.Since(p.begin) >= due {
			p.lead = min(p.lead+onTime*leadStep, mostLead)
		} else {
			p.lead = max(p.lead-leadStep, leadStep)
		}
	}
	for time.Since(p.begin) < due {
		runtime.Gosched()
	}
	return true
}

// intended gives the intended send time of each sequence number, in any
// order. Its memory is bounded by the requests in flight.
type intended struct {
	times   *load.Times
	next    uint64
	pending map[uint64]time.Duration // passed over, not yet asked for
}

func newIntended(s *load.Schedule) *intended {
	return &intended{times: s.Times(), pending: map[uint64]time.Duration{}}
}

// at is the time of the request seq; it may be asked for once.
func (i *intended) at(seq uint64) time.Duration {
	for i.next <= seq {
		i.pending[i.next] = i.times.Next()
		i.next++
	}
	t := i.pending[seq]
	delete(i.pending, seq)
	return t
}

// scheduledBefore counts the send times of a schedule before d.
func scheduledBefore(s *load.Schedule, d time.Duration) uint64 {
	t := s.Times()
	for n := uint64(0); ; n++ {
		if t.Next() >= d {
			return n
		}
	}
}
