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

// The last stretch before a send is waited for in two steps: asleep in the
// kernel, which wakes up late by tens of microseconds at most, then yielding.
// The library's own time.Sleep is late by half a millisecond at the median.
const (
	coarse = 2 * time.Millisecond  // farther than this: a timer, which a canceled context interrupts
	fine   = 15 * time.Microsecond // nearer than this: yield and look again
)

// userAgent names the client in a server's log.
const userAgent = "hellobench"

// errOver is what the targeter answers instead of a target once the window is
// over; no request is sent then.
var errOver = errors.New("the window is over")

// targeter gives the targets to the hits in turn. In a closed loop it closes the
// window: the library asks the pacer before it waits for a free worker, so a
// tick may be picked up after the end.
func targeter(ctx context.Context, spec *load.Spec, begin time.Time) vegeta.Targeter {
	header := http.Header{"User-Agent": {userAgent}}
	var hits atomic.Uint64 // the workers ask beside one another
	return func(t *vegeta.Target) error {
		if ctx.Err() != nil || spec.Schedule == nil && time.Since(begin) >= spec.Duration {
			return errOver
		}
		t.Method, t.Header = http.MethodGet, header
		t.URL = spec.URLs[(hits.Add(1)-1)%uint64(len(spec.URLs))]
		return nil
	}
}

// newPacer returns the pacer of the window. It counts time from begin, not
// from the start that the library passes, because begin is the reference of
// all latencies.
func newPacer(ctx context.Context, spec *load.Spec, begin time.Time) vegeta.Pacer {
	if spec.Schedule == nil {
		return closedPacer{begin.Add(spec.Duration)}
	}
	return &openPacer{
		ctx: ctx, times: spec.Schedule.Times(), rate: spec.Schedule.Rate,
		begin: begin, length: spec.Duration, grace: spec.Timeout,
	}
}

// closedPacer ticks as fast as workers become free, until the end.
type closedPacer struct{ end time.Time }

func (p closedPacer) Pace(time.Duration, uint64) (time.Duration, bool) {
	return 0, !time.Now().Before(p.end)
}

func (closedPacer) Rate(time.Duration) float64 { return 0 }

// openPacer ticks at the times of a schedule. It waits itself and always
// answers 0, since the library would wait with time.Sleep.
type openPacer struct {
	ctx    context.Context // the library passes none
	times  *load.Times
	rate   float64
	begin  time.Time
	length time.Duration
	grace  time.Duration // how long after the window late requests are still sent
	timer  *time.Timer
}

func (p *openPacer) Pace(time.Duration, uint64) (time.Duration, bool) {
	due := p.times.Next()
	if due >= p.length || time.Since(p.begin) > p.length+p.grace {
		return 0, true
	}
	return 0, !p.wait(due)
}

func (p *openPacer) Rate(time.Duration) float64 { return p.rate }

// wait returns when due has come, or false if the context ended.
func (p *openPacer) wait(due time.Duration) bool {
	if p.ctx.Err() != nil {
		return false
	}
	left := due - time.Since(p.begin)
	if left > coarse {
		if !p.sleep(left - coarse) {
			return false
		}
		left = due - time.Since(p.begin)
	} else if left > fine {
		// The worker that was just handed a tick waits to run on this
		// processor: let it begin before this thread goes to sleep.
		runtime.Gosched()
		left = due - time.Since(p.begin)
	}
	for left > 0 {
		if left > fine {
			nap(left - fine)
		} else {
			runtime.Gosched()
		}
		left = due - time.Since(p.begin)
	}
	return true
}

// sleep waits for about d, or returns false if the context ended.
func (p *openPacer) sleep(d time.Duration) bool {
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	select {
	case <-p.timer.C:
		return true
	case <-p.ctx.Done():
		return false
	}
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
