package wire

import (
	"fmt"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
)

// judge compares a complete response with what was expected, and is true if
// it is correct.
func (l *loop) judge(id int32, c *conn, r *http1.Response, keep bool) bool {
	want := l.want(c)
	switch {
	case int(r.Status) != want.Status:
		if l.firstError == "" {
			l.firstError = want.WrongStatus(int(r.Status))
		}
		l.miss(id, c, keep, &l.errors.Status)
		return false
	case !r.Matches(&want.Expectation):
		if l.firstError == "" {
			l.firstError = want.WrongBody(r.Size)
		}
		l.miss(id, c, keep, &l.errors.Body)
		return false
	}
	l.succeed(id, c, keep)
	return true
}

// succeed takes a correct response.
func (l *loop) succeed(id int32, c *conn, keep bool) {
	t := l.now()
	l.clock = t
	latency := t - c.sent
	if latency > l.timeout {
		l.noteLate()
		l.miss(id, c, keep, &l.errors.Timeout)
		return
	}
	counts := c.intended >= l.start
	if counts && l.open {
		l.service.Record(time.Duration(latency))
	}
	latency = t - c.intended
	switch {
	case !counts:
	case c.partial == nil:
		l.ok++
		l.latency.Record(time.Duration(latency))
	default:
		l.ok++
		l.inPieces.Record(time.Duration(latency))
		l.firstPiece.Record(time.Duration(c.first - c.intended))
	}
	if t < l.end && (counts || t >= l.start) {
		l.completed++
		l.bins.Record(t-l.start, latency)
	}
	l.release(id, c, keep, t)
}

// miss takes a complete response that is wrong or late.
func (l *loop) miss(id int32, c *conn, keep bool, class *uint64) {
	l.countError(c, class)
	l.clock = l.now()
	l.release(id, c, keep, l.clock)
}

// release frees a connection whose response is complete, and sends the next
// request of a closed loop.
func (l *loop) release(id int32, c *conn, keep bool, t int64) {
	l.flying--
	l.inFlight += l.inside(c.sent, t)
	if c.partial != nil {
		l.spare = append(l.spare, c.partial)
		c.partial = nil
	}
	if c.failures = 0; !c.used {
		l.firstResponse(c, t)
	}
	switch {
	case keep && !l.close:
		c.state = stateIdle
		l.pushIdle(id, c)
	case l.close:
		l.drop(c)
	default:
		l.serverEnded(c)
	}
	l.goOn(id, c, t)
}

// fail takes a request that got no complete response. Its connection is closed.
func (l *loop) fail(id int32, c *conn, class *uint64) {
	l.countError(c, class)
	l.clock = l.now()
	l.flying--
	l.inFlight += l.inside(c.sent, l.clock)
	l.drop(c)
	if class == &l.errors.Connect && !l.open {
		l.failed(c)
		l.later(id, c)
		return
	}
	l.goOn(id, c, l.clock)
}

// countError counts a failed request. One of the lead-in becomes one of the window in a
// closed loop, if that has begun: to a server that hangs nothing else is sent.
func (l *loop) countError(c *conn, class *uint64) {
	switch {
	case c.intended >= l.start:
	case !l.open && l.began:
		l.requests++
	default:
		return
	}
	*class++
}

// firstResponse takes note of the first response on a connection.
func (l *loop) firstResponse(c *conn, t int64) {
	c.used = true
	if !c.heard {
		c.heard = true
		l.unanswered--
		l.answered = t
	}
}

// goOn gives a connection without a request its next one, or its place in a list.
func (l *loop) goOn(id int32, c *conn, t int64) {
	switch {
	case l.open && c.state == stateClosed:
		l.closed = append(l.closed, id)
	case !l.open && t < l.end:
		l.begin(id, c, t, t)
	}
}

func (l *loop) noteLate() {
	if l.firstError == "" {
		l.firstError = fmt.Sprintf("timeout: no complete response within %v", time.Duration(l.timeout))
	}
}

// inside is how much of a request's time lies in the window.
func (l *loop) inside(sent, done int64) int64 {
	return max(0, min(done, l.end)-max(sent, l.start))
}
