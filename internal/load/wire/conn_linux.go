package wire

import (
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load/wire/sock"
)

// States of a connection. Those from stateSending on have a request.
const (
	stateClosed  = iota
	stateOpening // without a request yet
	stateIdle
	stateSending // opening, or the request did not fit
	stateBusy    // waiting for the response
)

// conn is one connection: what is needed at every request in one cache line.
type conn struct {
	sent     int64 // when its request was sent
	intended int64 // when its request should have been sent
	first    int64 // when the first piece of a response came, where partial is set
	partial  *http1.Response
	fd       int32
	tag      int32 // differs between the connections that this entry has been
	state    uint8
	used     bool  // a response has come
	heard    bool  // the same of any connection that this entry has been
	failures uint8 // attempts to connect in a row that failed
	place    int32 // in loop.idle
	wrote    int32 // bytes of the request
	to       int32 // which of the targets
	ask      int32 // which of what that is asked
}

// Waiting between attempts to connect.
const (
	firstBackoff = time.Millisecond
	mostBackoff  = 100 * time.Millisecond
)

type retry struct {
	at int64
	id int32
}

// Opening many connections: so many at a time, so that a server's queue of
// 128 does not overflow as long as it takes them up at 32,000 a second.
const (
	openLot   = 64
	openPause = 2 * time.Millisecond
)

// connect opens the connections that shall be open when the window begins, as
// far as that succeeds within the timeout of a request.
func (l *loop) connect() {
	l.clock = l.now()
	began := l.clock
	l.connecting = began
	next, nextLot := 0, l.clock
	for (next < l.open0 || l.countOpen() < l.open0) && !l.ended && l.clock-began <= l.patience() {
		if next < l.open0 && l.clock >= nextLot {
			nextLot = l.clock + int64(openPause)
			for range min(openLot, l.open0-next) {
				l.openConn(int32(next), &l.conns[next], false)
				next++
			}
		}
		l.handle(l.poller.WaitFor(l.events, time.Millisecond))
	}
	l.retry, l.opening = l.retry[:0], l.clock-began
	if l.open {
		l.listClosed()
	}
}

// hopeless is how long connections are tried where none opens and all are
// refused: nobody listens, and the window will say so.
const hopeless = time.Second

// patience is how long connections may be opened before the window.
func (l *loop) patience() int64 {
	if l.refused && l.countOpen() == 0 {
		return min(l.timeout, int64(hopeless))
	}
	return l.timeout
}

func (l *loop) countOpen() (n int) {
	for id := range l.conns {
		if l.conns[id].state == stateIdle {
			n++
		}
	}
	return n
}

// begin sends a request that should have been sent at intended, at t. A
// connection that is not open is opened for it.
func (l *loop) begin(id int32, c *conn, intended, t int64) {
	c.sent, c.intended = t, intended
	if intended >= l.start { // else it is of the lead-in
		l.requests++
	}
	l.flying++
	to := &l.to[c.to]
	if c.ask = to.next; len(to.asks) > 1 {
		to.next = (to.next + 1) % int32(len(to.asks))
	}
	switch c.state {
	case stateIdle:
		request := to.asks[c.ask].bytes
		n, errno := sock.Write(int(c.fd), request)
		if c.state = stateBusy; n != len(request) || errno != 0 {
			l.sendRest(id, c, n, errno)
		}
	case stateOpening:
		c.state = stateSending
	default:
		l.openConn(id, c, true)
	}
}

// sendRest takes a write on an open connection that was not a whole request.
func (l *loop) sendRest(id int32, c *conn, n int, errno syscall.Errno) {
	fd := c.fd
	c.state = stateSending
	l.sent(id, c, n, errno)
	if c.state == stateSending && c.fd == fd {
		if errno := l.poller.Modify(int(fd), id, c.tag, sock.InOut); errno != 0 {
			l.note("send", errno)
			l.fail(id, c, &l.errors.Reset)
		}
	}
}

// address is where to connect to.
func (t *target) address() *sock.Address {
	if a, err := sock.NewUnixAddress(t.socket); t.socket != "" && err == nil { // its length was checked
		return a
	}
	return sock.NewAddress(t.addr)
}

// openConn opens a connection, with its request if it has one.
func (l *loop) openConn(id int32, c *conn, withRequest bool) {
	to := &l.to[c.to]
	fd, errno := to.address.Stream()
	if errno != 0 {
		l.notOpened(id, c, withRequest, errno)
		return
	}
	c.fd, c.used, c.wrote = int32(fd), false, 0
	c.tag++
	c.state = stateOpening
	if from := l.w.sources.next(to.addr.Addr()); from.IsValid() {
		_ = sock.NewAddress(netip.AddrPortFrom(from, 0)).BindAddress(fd) // else the kernel chooses
	}
	if !l.close {
		sock.SendAtOnce(fd)
	}
	if errno := to.address.Connect(fd); errno != 0 && errno != unix.EINPROGRESS {
		l.notOpened(id, c, withRequest, errno)
		return
	}
	events := uint32(sock.InOut)
	if withRequest {
		// On loopback the connection exists by now, so that nobody need wait for it.
		c.state = stateSending
		n, errno := sock.Write(fd, to.asks[c.ask].bytes)
		if l.sent(id, c, n, errno); c.state < stateSending {
			return
		}
		if c.state == stateBusy {
			events = sock.In
		}
	}
	if errno := l.poller.Add(fd, id, c.tag, events); errno != 0 {
		l.notOpened(id, c, withRequest, errno)
	}
}

// sent takes what a write of the request, or of its rest, came to.
func (l *loop) sent(id int32, c *conn, n int, errno syscall.Errno) {
	switch {
	case errno == 0:
		if c.wrote += int32(n); int(c.wrote) == len(l.to[c.to].asks[c.ask].bytes) {
			c.state, c.wrote = stateBusy, 0
		}
	case errno == unix.EAGAIN, errno == unix.EINTR:
	case !c.used:
		l.notOpened(id, c, true, errno)
	case c.wrote == 0:
		// The server had ended the connection before: nothing was sent, so
		// this is no second attempt.
		l.serverEnded(c)
		l.openConn(id, c, true)
	default:
		l.note("the connection ended while the request was sent", errno)
		l.fail(id, c, &l.errors.Reset)
	}
}

// handleOther takes an event of a connection that does not wait for a response.
func (l *loop) handleOther(id int32, c *conn, events uint32) {
	switch c.state {
	case stateOpening:
		if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			l.notOpened(id, c, false, sock.Pending(int(c.fd)))
			return
		}
		c.state, c.failures = stateIdle, 0
		l.pushIdle(id, c)
		if events&unix.EPOLLRDHUP != 0 {
			l.idleEnded(id, c)
		}
	case stateSending:
		n, errno := sock.Write(int(c.fd), l.to[c.to].asks[c.ask].bytes[c.wrote:])
		l.sent(id, c, n, errno)
		if c.state == stateBusy && events&^unix.EPOLLOUT != 0 {
			l.read(id, c, events) // its event is this one
		}
	case stateIdle:
		if events&^unix.EPOLLOUT != 0 {
			l.idleEnded(id, c)
		}
	}
}

// idleEnded takes the end of a connection without a request. Bytes that
// nobody asked for end it too: what follows them could not be told apart.
func (l *loop) idleEnded(id int32, c *conn) {
	l.removeIdle(c)
	l.serverEnded(c)
	l.pushClosed(id, c)
}

// serverEnded drops a connection that the server ended between two responses.
func (l *loop) serverEnded(c *conn) {
	l.drop(c)
	if t := l.clock; t >= l.start && t < l.end {
		l.reconnects++
	}
}

// notOpened takes a failed attempt to connect. One without a request is made
// before the window only; it counts in a closed loop, while in an open one
// what counts has a place in the schedule.
func (l *loop) notOpened(id int32, c *conn, withRequest bool, errno syscall.Errno) {
	if withRequest || !l.open {
		l.note("connect", errno)
	}
	if withRequest {
		l.fail(id, c, &l.errors.Connect)
		return
	}
	l.drop(c)
	if !l.open {
		l.requests++
		l.errors.Connect++
	}
	l.failed(c)
	l.pushClosed(id, c)
}

func (l *loop) failed(c *conn) {
	l.refused = true
	c.failures = min(c.failures+1, 8)
}

// drop closes a connection.
func (l *loop) drop(c *conn) {
	if c.state != stateClosed {
		sock.Close(int(c.fd))
	}
	c.state = stateClosed
	if c.partial != nil {
		l.spare = append(l.spare, c.partial)
		c.partial = nil
	}
}

// tryAgain opens connections, or sends requests on new ones, whose wait is over.
func (l *loop) tryAgain(t int64) {
	n := len(l.retry)
	for i := range n {
		switch e := l.retry[i]; {
		case l.conns[e.id].state != stateClosed: // a request has opened it meanwhile
		case e.at > t:
			l.retry = append(l.retry, e)
		case l.start == never:
			l.openConn(e.id, &l.conns[e.id], false)
		case t < l.end:
			l.begin(e.id, &l.conns[e.id], t, t)
		}
	}
	l.retry = l.retry[:copy(l.retry, l.retry[n:])]
}

// later puts a connection on the list of those to be tried again.
func (l *loop) later(id int32, c *conn) {
	wait := min(firstBackoff<<max(int(c.failures)-1, 0), mostBackoff)
	l.retry = append(l.retry, retry{at: l.clock + int64(wait), id: id})
}

// listClosed begins the lists of an open loop, with the lowest at the top.
func (l *loop) listClosed() {
	l.listed = true
	for id := len(l.conns) - 1; id >= 0; id-- {
		if l.conns[id].state == stateClosed {
			l.closed = append(l.closed, int32(id))
		}
	}
}

// pushClosed says what happens next to a connection that is closed and has no
// request: in an open loop it waits until it is needed.
func (l *loop) pushClosed(id int32, c *conn) {
	if l.listed {
		l.closed = append(l.closed, id)
		return
	}
	l.later(id, c)
}

func (l *loop) pushIdle(id int32, c *conn) {
	if l.open {
		c.place = int32(len(l.idle))
		l.idle = append(l.idle, id)
	}
}

// removeIdle takes a connection out of the middle of the list.
func (l *loop) removeIdle(c *conn) {
	if !l.open {
		return
	}
	last := l.idle[len(l.idle)-1]
	l.idle[c.place] = last
	l.conns[last].place = c.place
	l.idle = l.idle[:len(l.idle)-1]
}

func (l *loop) closeAll() {
	for id := range l.conns {
		l.drop(&l.conns[id])
	}
	l.poller.Close()
}

func (l *loop) note(what string, err error) {
	if l.firstError == "" {
		l.firstError = what + ": " + err.Error()
	}
}
