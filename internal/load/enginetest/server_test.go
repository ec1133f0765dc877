package enginetest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// server speaks as much HTTP as a test needs, byte by byte, and counts what
// it sees.
type server struct {
	ln     net.Listener
	script func(*exchange) bool // answers one request; false ends the connection

	accepted atomic.Int64
	received atomic.Int64 // whole requests
	answered atomic.Int64 // responses written as a whole, right or wrong

	wg     sync.WaitGroup
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// exchange is one request with the connection that it came on.
type exchange struct {
	server *server
	conn   *net.TCPConn
	nth    int      // request of its connection, from 1
	head   []string // request line and header lines
	body   string   // as long as Content-Length says
}

func newServer(t *testing.T, script func(*exchange) bool) *server {
	t.Helper()
	return listen(t, "127.0.0.1:0", script)
}

func listen(t *testing.T, addr string, script func(*exchange) bool) *server {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	require.NoError(t, err)
	s := &server{ln: ln, script: script, conns: map[net.Conn]struct{}{}}
	s.wg.Go(s.accept)
	t.Cleanup(func() {
		s.kill()
		s.wg.Wait()
	})
	return s
}

func (s *server) url() string { return "http://" + s.ln.Addr().String() + "/" }

func (s *server) accept() {
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.accepted.Add(1)
		s.mu.Lock()
		if s.closed {
			_ = c.Close()
		} else {
			s.conns[c] = struct{}{}
			s.wg.Go(func() { s.serve(c.(*net.TCPConn)) })
		}
		s.mu.Unlock()
	}
}

func (s *server) serve(c *net.TCPConn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	r := bufio.NewReader(c)
	for nth := 1; ; nth++ {
		var head []string
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimRight(line, "\r\n"); line == "" {
				break
			}
			head = append(head, line)
		}
		x := &exchange{server: s, conn: c, nth: nth, head: head}
		body := make([]byte, x.length())
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		x.body = string(body)
		s.received.Add(1)
		if !s.script(x) {
			return
		}
	}
}

// kill ends the server as the death of its process would: no connection is
// accepted any more, and all that are open end.
func (s *server) kill() {
	_ = s.ln.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
}

// acceptsExactly waits for the accepting goroutine, which may lag behind the
// kernel, and checks the count.
func (s *server) acceptsExactly(t *testing.T, n int) {
	t.Helper()
	assert.Eventually(t, func() bool { return s.accepted.Load() >= int64(n) }, time.Second, time.Millisecond)
	assert.EqualValues(t, n, s.accepted.Load(), "connections accepted")
}

// send writes a whole response. It counts first: once the client has the
// last byte, the test may look at the count.
func (x *exchange) send(response string) bool {
	x.server.answered.Add(1)
	return x.part(response)
}

// part writes bytes that are not a whole response.
func (x *exchange) part(raw string) bool {
	_, err := x.conn.Write([]byte(raw))
	return err == nil
}

// after sends a response a while later.
func (x *exchange) after(d time.Duration, response string) bool {
	time.Sleep(d)
	return x.send(response)
}

// silence waits until the client gives up.
func (x *exchange) silence() bool {
	_, _ = x.conn.Read(make([]byte, 1))
	return false
}

// reset ends the connection with a RST.
func (x *exchange) reset() bool {
	_ = x.conn.SetLinger(0)
	return false
}

// length is the request's Content-Length, 0 without one.
func (x *exchange) length() (n int) {
	for _, line := range x.head {
		if value, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			n, _ = strconv.Atoi(value)
		}
	}
	return n
}

// header says whether the request has this header line, whatever its case.
func (x *exchange) header(line string) bool {
	return slices.ContainsFunc(x.head[1:], func(l string) bool { return strings.EqualFold(l, line) })
}

// response is a whole response with a Content-Length.
func response(status string, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %s\r\n", status)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

// okay is the expected response.
var okay = response("200 OK", hello)
