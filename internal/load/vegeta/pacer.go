package vegeta

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/hellobench/hellobench/internal/load"
)

// awake is how long before a send time the pacer stops sleeping and polls the
// network instead: to be woken takes some microseconds on a busy core, a tenth of
// a millisecond on an idle one of a virtual machine, and a core that goes to
// sleep between requests that are nearer to each other than this is late for
// their responses as well.
const awake = 250 * time.Microsecond

// idlePoll is how long a poll takes at most in which no other goroutine ran. It
// is no work of the generator's, and not counted as such.
const idlePoll = 10 * time.Microsecond

// lateLot is how many late ticks there are between two looks at the network.
const lateLot = 4

// errOver is what the targeter answers instead of a target once the window is
// over; no request is sent then.
var errOver = errors.New("the window is over")

// targeter gives each hit a target: any one, since the tripper knows which
// request has which number. In a closed loop it closes the window: the library
// asks the pacer before it waits for a free worker, so a tick may be picked up
// after the end. Its first requests wait for their time in the lead-in.
func targeter(ctx context.Context, spec *load.Spec, begin time.Time, url string) vegeta.Targeter {
	var asked atomic.Int64
	return func(t *vegeta.Target) error {
		if n := int(asked.Add(1)) - 1; spec.Schedule == nil && n < spec.Connections {
			pause(ctx, time.Until(begin.Add(spec.Entry(n)-spec.LeadIn)))
		}
		if ctx.Err() != nil || spec.Schedule == nil && time.Since(begin) >= spec.Duration {
			return errOver
		}
		t.Method, t.URL = http.MethodGet, url
		return nil
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
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
	end   time.Duration // of the load
	last  time.Duration // until then late requests are still sent
	late  int           // ticks that were due already
	idled atomic.Int64  // ns spent in polls that found nothing
}

func newOpenPacer(spec *load.Spec, begin time.Time, a *alarm) *openPacer {
	return &openPacer{
		alarm: a, times: spec.Schedule.Times(), rate: spec.Schedule.Rate,
		begin: begin, end: spec.LeadIn + spec.Duration, last: spec.LeadIn + spec.Duration + spec.Timeout,
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

// wait returns when due has come, or false if the alarm was stopped. Where it
// has come already, the workers get their turn, and now and then the network:
// the library starts a worker for each tick that none is waiting for, so one that
// is behind would open a connection for each, while others have been answered.
func (p *openPacer) wait(due time.Duration) bool {
	now := time.Since(p.begin)
	if due <= now {
		if p.late++; p.late%lateLot == 0 {
			return p.alarm.poll()
		}
		runtime.Gosched()
		return true
	}
	if due-now > awake {
		if !p.alarm.sleep(due - now - awake) {
			return false
		}
		now = time.Since(p.begin)
	}
	for now < due {
		if !p.alarm.poll() {
			return false
		}
		before := now
		if now = time.Since(p.begin); now-before < idlePoll {
			p.idled.Add(int64(now - before))
		}
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
