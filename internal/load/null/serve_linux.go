package null

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/load/wire/sock"
)

const (
	tick     = 50 * time.Millisecond // how long a loop may not notice that it shall stop
	batch    = 512                   // events a wait
	readSize = 64 << 10
)

// loop serves the connections that were dealt to it.
type loop struct {
	poller   *sock.Poller
	listener int     // -1: another loop accepts
	all      []*loop // to deal connections to
	next     int
	conns    []conn // by file descriptor; only this loop touches an open one
	buf      []byte
	same     []byte // the last request that came alone and keeps its connection
	count    uint64
	shown    atomic.Uint64 // count, for others
	stop     *atomic.Bool
	_        [64]byte // keeps the next loop's counters off this cache line
}

// conn is a connection between two reads.
type conn struct {
	open bool
	skip int64  // bytes of a request's body to come
	part []byte // the beginning of a head that was cut by the end of a read
}

// serve starts the loops. The listener's socket is duplicated, because the
// runtime's own poller must not have it.
func (s *Server) serve(ln *net.TCPListener, cpus []int) error {
	file, err := ln.File()
	if err != nil {
		return fmt.Errorf("listener: %w", err)
	}
	_ = ln.Close() // the duplicate listens on
	fd := int(file.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = file.Close()
		return fmt.Errorf("listener: %w", err)
	}
	if len(cpus) == 0 {
		cpus = []int{-1}
	}
	var stop atomic.Bool
	loops, err := newLoops(len(cpus), fd, &stop)
	if err != nil {
		_ = file.Close()
		return err
	}
	s.stop = func() { stop.Store(true) }
	s.requests = func() (n uint64) {
		for _, l := range loops {
			n += l.shown.Load()
		}
		return n
	}
	s.run(loops, cpus, file)
	return nil
}

func newLoops(n, listener int, stop *atomic.Bool) ([]*loop, error) {
	loops := make([]*loop, n)
	for i := range loops {
		p, err := sock.NewPoller(tick)
		if err != nil {
			for _, l := range loops[:i] {
				l.poller.Close()
			}
			return nil, err
		}
		loops[i] = &loop{poller: p, listener: -1, all: loops, buf: make([]byte, readSize), stop: stop}
	}
	loops[0].listener = listener
	if errno := loops[0].poller.Add(listener, int32(listener), 0, sock.In); errno != 0 {
		for _, l := range loops {
			l.poller.Close()
		}
		return nil, fmt.Errorf("register the listener: %w", errno)
	}
	return loops, nil
}

// run starts a goroutine a loop and one that clears up after the last.
func (s *Server) run(loops []*loop, cpus []int, listener *os.File) {
	release := sock.ReserveProcessors(len(loops))
	var wg sync.WaitGroup
	errs := make([]error, len(loops))
	for i, l := range loops {
		wg.Go(func() {
			unlock, err := sock.LockThread(cpus[i])
			defer unlock()
			if err != nil {
				errs[i] = err
				l.stop.Store(true)
				return
			}
			l.run()
		})
	}
	go func() {
		wg.Wait()
		release()
		_ = listener.Close()
		for i, l := range loops {
			l.closeAll()
			if errs[i] != nil && s.err == nil {
				s.err = fmt.Errorf("null server: %w", errs[i])
			}
		}
		close(s.done)
	}()
}

func (l *loop) run() {
	events := make([]sock.Event, batch)
	for !l.stop.Load() {
		for _, ev := range events[:l.poller.Wait(events)] {
			switch fd := int(ev.Fd); fd {
			case sock.TickID:
				l.poller.Ticked()
			case l.listener:
				l.accept()
			default:
				l.serve(fd, ev.Events)
			}
		}
		l.shown.Store(l.count)
	}
}

// accept deals all waiting connections to the loops in turn.
func (l *loop) accept() {
	for {
		fd, errno := sock.Accept(l.listener)
		switch errno {
		case 0:
		case unix.ECONNABORTED, unix.EINTR:
			continue
		default: // EAGAIN: none left. EMFILE: the next connection tries again.
			return
		}
		sock.SendAtOnce(fd)
		owner := l.all[l.next]
		l.next = (l.next + 1) % len(l.all)
		// A socket is writable at once, so that its loop hears of it now and can
		// close it at the end even if no request ever comes.
		if owner.poller.Add(fd, int32(fd), 0, sock.InOut) != 0 {
			sock.Close(fd)
		}
	}
}

// serve reads until nothing is left and answers what is complete.
func (l *loop) serve(fd int, events uint32) {
	c := l.conn(fd)
	for {
		n, errno := sock.Read(fd, l.buf)
		switch {
		case errno == unix.EAGAIN:
			return
		case errno == unix.EINTR:
			continue
		case errno != 0, n == 0, !l.answer(fd, c, l.buf[:n]):
			l.close(fd, c)
			return
		case n < len(l.buf) && events&unix.EPOLLRDHUP == 0:
			return // drained: the next byte makes a new event
		}
	}
}

// answer answers the requests in data, and is false if the connection ends.
func (l *loop) answer(fd int, c *conn, data []byte) bool {
	if len(c.part) == 0 && c.skip == 0 && bytes.Equal(data, l.same) {
		return l.write(fd, plain)
	}
	whole := len(c.part) == 0 && c.skip == 0
	if len(c.part) > 0 {
		c.part = append(c.part, data...)
		data = c.part
	}
	for len(data) > 0 {
		if c.skip > 0 {
			k := min(c.skip, int64(len(data)))
			c.skip -= k
			data = data[k:]
			continue
		}
		n := headEnd(data)
		if n == 0 {
			c.part = append(c.part[:0], data...)
			return len(data) <= maxHead
		}
		q := parseRequest(data[:n])
		said, response := bad, plain
		if !q.bad {
			said = route(string(q.target))
		}
		usual := said == hello && q.keep && !q.head && !q.old
		if !usual {
			response = said.response(q)
		}
		if !l.write(fd, response) || q.bad || !q.keep {
			return false
		}
		if whole && usual && n == len(data) && q.bodySize == 0 {
			l.same = append(l.same[:0], data...)
		}
		whole = false
		data, c.skip = data[n:], q.bodySize
	}
	c.part = c.part[:0]
	return true
}

// write sends a response, and is false if the client does not take it.
func (l *loop) write(fd int, response []byte) bool {
	l.count++
	for {
		n, errno := sock.Write(fd, response)
		if errno == syscall.EINTR {
			continue
		}
		return errno == 0 && n == len(response)
	}
}

// conn is the state of a file descriptor. The table grows with the largest.
func (l *loop) conn(fd int) *conn {
	for fd >= len(l.conns) {
		l.conns = append(l.conns, make([]conn, max(1024, len(l.conns)))...)
	}
	l.conns[fd].open = true
	return &l.conns[fd]
}

func (l *loop) close(fd int, c *conn) {
	*c = conn{}
	sock.Close(fd)
}

// closeAll closes what is open, with what was dealt to the loop since it ended.
func (l *loop) closeAll() {
	events := make([]sock.Event, batch)
	for n := l.poller.Poll(events); n > 0; n = l.poller.Poll(events) {
		for _, ev := range events[:n] {
			if fd := int(ev.Fd); fd != sock.TickID && fd != l.listener {
				l.conn(fd)
			}
		}
	}
	for fd := range l.conns {
		if c := &l.conns[fd]; c.open {
			l.close(fd, c)
		}
	}
	l.poller.Close()
}
