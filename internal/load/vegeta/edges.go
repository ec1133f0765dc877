package vegeta

import (
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/record"
)

// edges take the readings at the beginning and at the end of a window.
type edges struct {
	next  <-chan time.Time // when the next one has come; nil after the last
	timer *time.Timer
	tally *tally
	conns *pool
	idle  func() time.Duration // that the generator has idled so far

	began bool
	cpu   record.CPU
	idled time.Duration
}

// newEdges passes the beginning where it has come: before the first request.
func newEdges(t *tally, conns *pool, idle func() time.Duration) *edges {
	e := &edges{tally: t, conns: conns, idle: idle, timer: time.NewTimer(time.Until(t.begin))}
	e.next = e.timer.C
	if t.spec.LeadIn == 0 {
		e.pass()
	}
	return e
}

// pass takes the readings of the edge that has come.
func (e *edges) pass() {
	if e.began {
		e.finish()
		e.tally.spec.Ended()
		return
	}
	e.began = true
	e.conns.bytesIn.Store(0)
	e.conns.reconnects.Store(0)
	e.tally.spec.Began()
	e.cpu, e.idled = host.SelfCPU(), e.idle()
	e.timer.Reset(time.Until(e.tally.begin.Add(e.tally.spec.Duration)))
}

func (e *edges) finish() {
	e.next = nil
	e.tally.cpu = host.SelfCPU().Sub(e.cpu).Less(e.idle() - e.idled)
}

// cancel ends the window early, or before it has begun.
func (e *edges) cancel() {
	if e.began && e.next != nil {
		e.finish()
	}
	e.next = nil
}

func (e *edges) close() { e.timer.Stop() }
