package wire

import (
	"bytes"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load/wire/sock"
)

const (
	tick = 2 * time.Millisecond // at least this often a loop looks after what no event tells

	stallFrom = int64(10 * tick) // from so much later on it did not run
	batch     = 512              // events a wait
	readSize  = 64 << 10
	maxSame   = 16 << 10 // the longest response that is kept for comparison

	never = math.MaxInt64
)

// loop is one event loop with its share of the connections. All its fields
// belong to its thread. Times are ns since the window's base.
type loop struct {
	w       *window
	place   int // among the loops; the first reads the process's CPU time
	cpu     int
	polls   bool // while it waits
	poller  *sock.Poller
	to      []destination
	wants   []want
	timeout int64
	close   bool // a new connection for every request
	open    bool // open loop

	conns   []conn
	idle    []int32 // open, without a request; the last used is the last
	closed  []int32 // not open
	retry   []retry // closed loop: waiting before the next attempt to connect
	flying  int     // requests in flight
	open0   int     // connections to open before the window
	refused bool    // an attempt to connect has failed
	listed  bool    // the lists of an open loop are in use
	pacer   pacer

	connecting int64 // when it began to open the connections
	opening    int64 // how long that took
	begin0     int64 // of the load
	start, end int64 // of the window; never until the load begins
	last       int64 // when every request has an outcome
	clock      int64 // the last reading
	nextCare   int64 // when to look after what no event tells
	oldest     int64 // no request in flight was sent before
	ended      bool  // ctx has ended
	began      bool  // the window has, and what shall be read then was read
	over       bool  // the same of its end
	idled      int64 // CPU time inside the window of polls that found nothing
	quiet      int64 // the thread's CPU time when the first of them did since something was found; 0: something was
	unanswered int   // connections that never had a response
	answered   int64 // when the last of the others had its first

	events  []sock.Event
	buf     []byte
	scratch http1.Response    // for responses in one piece
	spare   []*http1.Response // for others
	tally
}

// destination is a target as the kernel reads it.
type destination struct {
	target
	address *sock.Address
	next    int32 // of its asks
}

// want is an expectation, with the last correct response that came in one piece and
// keeps its connection.
type want struct {
	http1.Expectation
	same []byte
}

// want is what the request of a connection expects.
func (l *loop) want(c *conn) *want { return &l.wants[l.to[c.to].asks[c.ask].want] }

func newLoop(w *window, i, n, total, open int) (*loop, error) {
	p, err := sock.NewPoller(tick)
	if err != nil {
		return nil, err
	}
	l := &loop{
		w: w, place: i, poller: p,
		timeout: int64(w.spec.Timeout),
		close:   w.spec.Close,
		open:    w.spec.Schedule != nil,
		conns:   make([]conn, total), unanswered: total,
		open0: open,
		start: never, end: never, last: never,
		events: make([]sock.Event, batch),
		buf:    make([]byte, readSize),
		tally:  newTally(w.spec.Schedule != nil),
	}
	for _, t := range w.targets {
		l.to = append(l.to, destination{target: t, address: t.address()})
	}
	for _, e := range w.wants {
		l.wants = append(l.wants, want{e, make([]byte, 0, maxSame)})
	}
	for j := range l.conns {
		l.conns[j].to = int32(l.nth(j) % len(l.to))
	}
	l.bins.Begin(w.bins)
	l.pacer.due = never
	if l.open {
		l.idle, l.closed = make([]int32, 0, total), make([]int32, 0, total)
		l.pacer.begin(w.spec.Schedule, i, n, int64(w.spec.LeadIn+w.spec.Duration))
	}
	return l, nil
}

// nth is the number of a connection, counted over all loops.
func (l *loop) nth(id int) int { return l.place + id*l.w.loops }

func (l *loop) now() int64 { return l.w.now() }

// run opens the connections, waits for the other loops, and measures.
func (l *loop) run() {
	l.connect()
	if !l.await() {
		return
	}
	l.oldest = l.begin0
	l.atEdges(l.begin0)
	if l.open {
		l.runOpen()
	} else {
		l.runClosed()
	}
	l.finish()
}

// await waits until all loops are connected, and is false if ctx ended first.
// The last loop sets the start for all, so far ahead that each sees it in time.
func (l *loop) await() bool {
	if l.w.absent.Add(-1) == 0 {
		if l.w.opened(); !l.refresh() {
			return false
		}
		at := l.now()
		if l.w.loops > 1 {
			at += int64(2 * tick)
		}
		l.w.start.Store(at)
	}
	for {
		if at := l.w.start.Load(); at != 0 {
			if l.clock = l.now(); l.clock >= at {
				l.begin0, l.start = at, at+int64(l.w.spec.LeadIn)
				l.end = l.start + int64(l.w.spec.Duration)
				l.last = l.end + int64(l.w.spec.Drain(time.Duration(l.opening)))
				l.established = l.countOpen()
				return true
			}
			l.handle(l.poller.Poll(l.events))
			continue
		}
		l.handle(l.poller.Wait(l.events))
		if l.ended {
			return false
		}
	}
}

// refresh takes note of the connections that ended while nobody looked, and is
// false if ctx did.
func (l *loop) refresh() bool {
	for n := len(l.events); n == len(l.events); {
		n = l.poller.Poll(l.events)
		l.handle(n)
	}
	l.care()
	return !l.ended
}

// runClosed keeps a request in flight on every connection until the window
// ends, then waits for the responses. Without a lead-in no response is read
// before the last of the first requests is sent: what would be done for the first
// connections keeps the others idle. It costs the first responses no more time
// than the rest will take, since sending to all connections is never slower than
// serving all of them.
func (l *loop) runClosed() {
	for id := range l.conns {
		at := l.begin0 + int64(l.w.spec.Entry(l.nth(id)))
		for l.clock = l.now(); l.clock < at && !l.ended; l.clock = l.now() {
			l.pause(time.Duration(at - l.clock))
		}
		if c := &l.conns[id]; c.state <= stateIdle && !l.ended {
			l.begin(int32(id), c, l.clock, l.clock)
		}
	}
	l.nextCare = l.now() // to send to thousands takes its time, and is no stall
	for !l.ended && (l.flying > 0 || l.clock < l.end) {
		l.pause(forever)
	}
}

// forever is as long as it takes until something is ready.
const forever time.Duration = math.MaxInt64

// pause waits for events, for at most d, and handles them. It polls and does not sleep:
// on a virtual machine whoever sends to a sleeping core pays for waking it, so that a
// server took twice as long for an answer as it needs, and the answer was seen up to a
// millisecond late. With Spec.Sleep it sleeps.
func (l *loop) pause(d time.Duration) {
	switch {
	case l.polls:
		l.poll()
	case d <= 0:
		l.handle(l.poller.Poll(l.events))
	case d == forever:
		l.handle(l.poller.Wait(l.events))
	default:
		l.handle(l.poller.WaitFor(l.events, d))
	}
}

// poll takes what is ready, and lets others that wait for the core have it if nothing
// is. Polls that find nothing are no work of the generator's: their processor time is
// not counted as such.
func (l *loop) poll() {
	n := l.poller.Poll(l.events)
	switch {
	case n > 0:
		l.settle()
	case l.quiet == 0:
		l.quiet = sock.ThreadCPU()
		fallthrough
	default:
		sock.Yield()
	}
	l.handle(n)
}

// settle ends a time in which polls found nothing.
func (l *loop) settle() {
	if l.quiet == 0 {
		return
	}
	if l.began && !l.over {
		l.idled += sock.ThreadCPU() - l.quiet
	}
	l.quiet = 0
}

// handle takes n events.
func (l *loop) handle(n int) {
	for i := range l.events[:n] {
		ev := &l.events[i]
		if ev.Fd == sock.TickID {
			l.poller.Ticked()
			l.clock = l.now()
			continue
		}
		c := &l.conns[ev.Fd]
		if c.tag != ev.Pad {
			continue // of a connection that was closed since
		}
		if c.state != stateBusy {
			l.handleOther(ev.Fd, c, ev.Events)
		} else if ev.Events&^unix.EPOLLOUT != 0 {
			l.read(ev.Fd, c, ev.Events)
		}
		if l.clock >= l.pacer.due {
			l.sendDue(1)
		}
	}
	if n == 0 {
		l.clock = l.now()
	}
	if l.clock >= l.nextCare {
		l.care()
	}
}

// mostReads bounds what is read of one connection while others wait, and while
// no timeout is looked at: a server can send without end.
const mostReads = 16

// read reads the response of a connection until nothing more is there.
func (l *loop) read(id int32, c *conn, events uint32) {
	ending := events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
	for reads := 0; ; reads++ {
		if reads == mostReads { // what is left makes another event
			if errno := l.poller.Modify(int(c.fd), id, c.tag, sock.In); errno == 0 {
				return
			}
		}
		n, errno := sock.Read(int(c.fd), l.buf)
		switch {
		case errno == unix.EAGAIN:
			return
		case errno == unix.EINTR:
			continue
		case errno != 0:
			l.note("the connection ended before the response", errno)
			l.fail(id, c, &l.errors.Reset)
			return
		case n == 0:
			l.readEnd(id, c)
			return
		}
		l.bytesIn += uint64(n)
		data := l.buf[:n]
		// Most responses are the same bytes as the one before. The parser
		// would say the same of them, so it need not be asked.
		if c.partial == nil && bytes.Equal(data, l.want(c).same) {
			l.succeed(id, c, !ending)
			return
		}
		if l.feed(id, c, data, ending) {
			return
		}
		if n < len(l.buf) && !ending {
			return // drained: the next byte makes a new event
		}
	}
}

// feed gives data to the parser, and is true when the request has an outcome.
func (l *loop) feed(id int32, c *conn, data []byte, ending bool) bool {
	r := c.partial
	if r == nil {
		r = &l.scratch
		r.Reset()
	}
	want := l.want(c)
	n, done, err := r.Feed(data, &want.Expectation)
	if done && n < len(data) && !r.Switches() {
		err = http1.ErrExtra
	}
	switch {
	case err != nil:
		l.note("not HTTP", err)
		l.fail(id, c, &l.errors.Reset)
		return true
	case !done:
		if c.partial == nil {
			c.partial = l.keep()
			l.clock = l.now()
			c.first = l.clock
		}
		return false
	}
	same := c.partial == nil && len(data) <= maxSame && !r.Close
	if l.judge(id, c, r, !ending && !r.Close) && same {
		want.same = append(want.same[:0], data...)
	}
	return true
}

// readEnd takes the end of the connection.
func (l *loop) readEnd(id int32, c *conn) {
	err := http1.ErrCut
	if c.partial != nil {
		err = c.partial.End()
	}
	if err != nil {
		l.note("reset", err)
		l.fail(id, c, &l.errors.Reset)
		return
	}
	l.judge(id, c, c.partial, false)
}

// keep puts the scratch http1.Response aside until the rest of it comes.
func (l *loop) keep() *http1.Response {
	var r *http1.Response
	if n := len(l.spare); n > 0 {
		r, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		r = new(http1.Response)
	}
	*r, l.scratch = l.scratch, *r
	return r
}

// care looks after what no event tells: the end of ctx and of the window,
// timeouts, and connections to be tried again.
func (l *loop) care() {
	t := l.now()
	if t-l.nextCare > stallFrom { // this process was stopped, or had no core
		l.stalled += max(0, min(t, l.end)-max(l.nextCare, l.start))
	}
	l.clock = t
	if l.w.stop.Load() && !l.ended {
		l.ended = true
		l.w.ended.CompareAndSwap(0, t)
	}
	l.atEdges(t)
	if (t-l.oldest > l.timeout || t > l.last) && l.flying > 0 {
		l.expire(t)
	}
	if len(l.retry) > 0 {
		l.tryAgain(t)
	}
}

// atEdges takes the readings of the beginning and of the end of the window, when
// it is time, and says when to care again: an edge must not be missed by a tick.
func (l *loop) atEdges(t int64) {
	switch {
	case !l.began && t >= l.start && !l.ended:
		l.settle()
		l.began, l.bytesIn = true, 0
		if l.place == 0 {
			l.w.spec.Began()
			l.w.cpu[0] = host.SelfCPU()
		}
	case l.began && !l.over && (t >= l.end || l.ended):
		l.settle()
		l.over = true
		if l.place == 0 {
			l.w.cpu[1] = host.SelfCPU()
			if !l.ended {
				l.w.spec.Ended()
			}
		}
	}
	l.nextCare = t + int64(tick)
	if !l.began {
		l.nextCare = min(l.nextCare, l.start)
	} else if !l.over {
		l.nextCare = min(l.nextCare, l.end)
	}
}

// expire fails the requests that have waited too long. There is no list of
// them by age: one look at all connections a timeout is cheaper than keeping
// a list in order at every request.
func (l *loop) expire(t int64) {
	l.oldest = t
	for id := range l.conns {
		c := &l.conns[id]
		if c.state < stateSending {
			continue
		}
		if t-c.sent > l.timeout || t > l.last {
			l.noteLate()
			l.fail(int32(id), c, &l.errors.Timeout)
			continue
		}
		l.oldest = min(l.oldest, c.sent)
	}
}

// finish closes the books.
func (l *loop) finish() {
	l.atEdges(l.clock)
	if l.open {
		l.giveUp()
	}
	for id := range l.conns { // only where ctx has ended
		if c := &l.conns[id]; c.state >= stateSending {
			l.inFlight += l.inside(c.sent, l.clock)
			if c.intended < l.start {
				continue
			}
			l.requests--
			if l.open {
				l.scheduled--
			}
			if c.sent >= l.end {
				l.after--
			}
		}
	}
	l.bins.Finish()
}
