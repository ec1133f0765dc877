package wire

import (
	"errors"
	"time"

	"github.com/hellobench/hellobench/internal/load"
)

// spin is how long before a send time the loop stops sleeping and polls
// instead. A sleep ends late by about this much on an idle core.
const spin = 20 * time.Microsecond

// sendLot is how many requests are sent between two looks at the responses.
const sendLot = 32

var errNeverSent = errors.New("no connection came free within the timeout")

// pacer is a loop's cursor in the schedule: every n-th time is its own. What
// is due and not sent is the queue; it needs no memory.
type pacer struct {
	times  *load.Times
	others int   // times of the other loops between two of its own
	next   int64 // the next send time, ns since the start of the load
	due    int64 // the same on the loop's clock; never until the load begins and after its last time
	length int64 // of the load
}

func (p *pacer) begin(s *load.Schedule, i, n int, length int64) {
	p.times, p.others, p.length = s.Times(), n-1, length
	for range i {
		p.times.Next()
	}
	p.next = int64(p.times.Next())
}

// start begins the load, at its time on the loop's clock.
func (p *pacer) start(at int64) { p.due = p.from(at) }

// from is the next send time on the loop's clock.
func (p *pacer) from(start int64) int64 {
	if p.next >= p.length {
		return never
	}
	return start + p.next
}

// advance goes to the next send time.
func (p *pacer) advance(start int64) {
	for range p.others {
		p.times.Next()
	}
	p.next = int64(p.times.Next())
	p.due = p.from(start)
}

// runOpen sends every request at its time, or when a connection is free.
func (l *loop) runOpen() {
	l.pacer.start(l.begin0)
	for !l.ended {
		l.sendDue(sendLot)
		done := l.pacer.due == never || l.clock >= l.last
		if done && l.flying == 0 && l.clock >= l.end {
			return
		}
		l.waitForDue(done)
	}
}

// waitForDue waits for events, until just before the next send time if it can
// be met.
func (l *loop) waitForDue(done bool) {
	if done || l.pacer.due == never || !l.hasFree() {
		l.pause(forever)
		return
	}
	l.pause(time.Duration(l.pacer.due-l.now()) - spin)
}

func (l *loop) hasFree() bool { return len(l.idle)+len(l.closed) > 0 }

// sendDue sends requests whose time has come, as far as connections are free,
// and at most so many: where more are due than can be sent, the responses must
// have their turn, or ever more connections would be opened.
func (l *loop) sendDue(most int) {
	for ; most > 0 && l.hasFree(); most-- {
		t := l.now()
		l.clock = t
		if t < l.pacer.due || l.pacer.due == never || t > l.last {
			return
		}
		intended := l.pacer.due
		l.pacer.advance(l.begin0)
		if intended >= l.start {
			l.scheduled++
			l.slip.Record(time.Duration(t - intended))
			if t >= l.end {
				l.after++
			}
		}
		id := l.takeFree()
		l.begin(id, &l.conns[id], intended, t)
	}
}

// takeFree is the open connection that was used last, else one to be opened.
func (l *loop) takeFree() (id int32) {
	list := &l.idle
	if len(*list) == 0 {
		list = &l.closed
	}
	last := len(*list) - 1
	id = (*list)[last]
	*list = (*list)[:last]
	return id
}

// giveUp counts the requests that were never sent: as timeouts, or not at all
// if ctx ended before their time.
func (l *loop) giveUp() {
	for ; l.pacer.due != never; l.pacer.advance(l.begin0) {
		if l.ended {
			return
		}
		if l.pacer.due < l.start {
			continue
		}
		l.note("timeout", errNeverSent)
		l.scheduled++
		l.errors.Timeout++
	}
}
