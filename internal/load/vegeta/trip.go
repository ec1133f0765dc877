package vegeta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
)

// tripper makes the requests of a window for the library and keeps what the
// library's Result loses: when a request was sent, the class of an error, which
// it turns into a string, and whether the body was right.
type tripper struct {
	ctx       context.Context // of the window: the library passes none
	spec      *load.Spec
	requests  []*http1.Request // in turn
	conns     *pool
	transport *http.Transport
	opening   time.Duration // that it took to open the connections
	last      time.Time     // when every request has an outcome

	mu    sync.Mutex
	calls map[uint64]*call // by sequence number, until the result is taken
}

func newTripper(ctx context.Context, spec *load.Spec, requests []*http1.Request, p *pool) *tripper {
	return &tripper{ctx: ctx, spec: spec, requests: requests, conns: p, transport: newTransport(spec, p), calls: map[uint64]*call{}}
}

// client returns the client for the Attacker. It has no timeout: that is a
// timer of each request, so that it can be told from other errors.
func (t *tripper) client() *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip makes the request that the library numbers and nothing else of
// what it asks for: it adds headers, and every request shall be the same bytes.
// The body of the response is to be read to its end, as the library does, for
// the outcome to be known.
func (t *tripper) RoundTrip(req *http.Request) (*http.Response, error) {
	seq, err := strconv.ParseUint(req.Header.Get("X-Vegeta-Seq"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("sequence number: %w", err)
	}
	c := &call{trip: t, asked: time.Now(), request: t.requests[seq%uint64(len(t.requests))]}
	t.mu.Lock()
	t.calls[seq] = c
	t.mu.Unlock()

	ctx, cancel := context.WithCancel(t.ctx)
	c.cancel = cancel
	// The timeout counts from the send, which may have to wait for a connection in an open loop.
	wait := time.Until(t.last)
	if t.spec.Schedule == nil {
		wait = min(wait, t.spec.Timeout)
	}
	c.timer = time.AfterFunc(wait, c.expire)
	resp, err := t.transport.RoundTrip(c.request.HTTP(httptrace.WithClientTrace(ctx, c.trace())))
	if err != nil {
		c.fail(err)
		c.over()
		return nil, err
	}
	c.status, c.last = resp.StatusCode, resp.Close
	resp.Header.Del("Location") // the library's client would look into it
	resp.Body = &body{ReadCloser: resp.Body, call: c}
	if resp.StatusCode == http.StatusSwitchingProtocols { // what follows has no end and is not HTTP
		_ = resp.Body.Close()
		resp.Body = http.NoBody
		c.end()
	}
	return resp, nil
}

// prime makes one request to each server that is not counted. The requests of
// the window find out whatever it finds out, so that its error is of no interest.
func (t *tripper) prime() {
	for _, addr := range t.conns.addrs {
		r := t.requests[slices.IndexFunc(t.requests, func(r *http1.Request) bool { return r.HostPort() == addr })]
		ctx, cancel := context.WithTimeout(t.ctx, t.spec.Timeout)
		if resp, err := t.transport.RoundTrip(r.HTTP(ctx)); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		cancel()
	}
}

// take returns the call behind a result, nil if no request was made for it.
func (t *tripper) take(seq uint64) *call {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.calls[seq]
	delete(t.calls, seq)
	return c
}

// class says how a request failed.
type class int

const (
	correct class = iota
	badConnect
	badTimeout
	badReset
	badStatus
	badBody
	neverSent // no connection came free until the timeout after the window
	leadIn    // asked before the window: whatever became of it is in no count
	aborted   // by the end of the window's context: neither sent nor failed
)

var (
	errNeverSent = errors.New("no connection came free within the timeout")
	errDropped   = errors.New("the server ended the connection without an answer")
)

// call is one request.
type call struct {
	trip    *tripper
	request *http1.Request
	cancel  context.CancelFunc
	timer   *time.Timer
	late    atomic.Bool // the timer has ended the request
	conn    *conn
	dialing atomic.Bool // a connection is being opened for it; set by a goroutine of the transport
	dropped bool        // it was sent, and net/http wanted to send it again
	sent    time.Time   // when it had its connection, or had begun to open one
	asked   time.Time   // when the library asked for it
	first   time.Time   // when the first byte of the response came; set before RoundTrip returns

	status int
	last   bool // the server ends the connection with this response
	got    http1.Body
	whole  bool // the response came to its end
	class  class
	err    error
}

// expire ends the request because its time is over.
func (c *call) expire() {
	c.late.Store(true)
	c.cancel()
}

// over frees what the request holds.
func (c *call) over() {
	c.timer.Stop()
	c.cancel()
}

// trace follows the attempts of the call. net/http asks for a connection once
// an attempt, always in the goroutine of RoundTrip, and before it tries again
// it waits for the writing goroutine of the attempt that failed.
func (c *call) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		ConnectStart: func(string, string) { c.dialing.Store(true) },
		GotConn:      c.gotConn, PutIdleConn: c.putIdleConn,
		GotFirstResponseByte: func() { c.first = time.Now() },
	}
}

func (c *call) gotConn(info httptrace.GotConnInfo) {
	own, _ := info.Conn.(*conn)
	switch {
	case c.conn != nil && c.conn.sent.Load():
		// net/http would send it again by itself. The server may have acted on
		// it, and the latency would be that of two requests.
		c.dropped = true
		c.cancel()
		if own != nil {
			own.refuse.Store(true)
		}
		return
	case c.conn != nil: // it was gone before anything was sent
		c.conn.ended()
	}
	c.conn = own
	if own != nil {
		own.users.Add(1)
		own.want = &c.request.Want
		own.sent.Store(false)
	}
	if c.sent.IsZero() {
		c.begin(time.Now(), own)
	}
}

// begin notes when the request was sent. A connection that was opened for it is
// a part of it.
func (c *call) begin(now time.Time, own *conn) {
	c.sent = now
	if own != nil && !own.served.Load() && own.begun.After(c.asked) {
		c.sent = own.begun
	}
	c.timer.Reset(min(c.trip.spec.Timeout-now.Sub(c.sent), c.trip.last.Sub(now)))
}

// putIdleConn may run after the next request got the connection, which is why
// users is a count. HTTP/2 does not call it: there no reconnects are counted.
func (c *call) putIdleConn(err error) {
	if err == nil && c.conn != nil {
		c.conn.served.Store(true)
		c.conn.users.Add(-1)
	}
}

// fail records the error that ended the call, and its class.
func (c *call) fail(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	var timeout net.Error
	var dial *dialError
	switch {
	case c.trip.ctx.Err() != nil:
		c.class = aborted
	case c.dropped:
		c.class, c.err = badReset, errDropped
	case c.late.Load() && c.sent.IsZero() && !c.dialing.Load():
		c.class, c.err = neverSent, errNeverSent
	case c.late.Load():
		c.class, c.err = badTimeout, fmt.Errorf("timeout: no complete response within %v", c.trip.spec.Timeout)
	case errors.As(err, &timeout) && timeout.Timeout():
		c.class = badTimeout
	case errors.As(err, &dial):
		c.class = badConnect
	default:
		c.class = badReset
	}
	if c.sent.IsZero() { // the attempt to connect is all there was of it
		c.sent = c.asked
	}
}

// end is the whole response.
func (c *call) end() {
	c.whole = true
	if c.last && c.conn != nil && !c.trip.spec.Close {
		c.conn.ended()
	}
}

// outcome is the class of the call and, unless it is correct, why.
func (c *call) outcome() (class, string) {
	switch {
	case c.err != nil:
		return c.class, c.err.Error()
	case !c.whole:
		return badReset, "the response was not read to its end"
	case c.status != c.request.Want.Status:
		return badStatus, c.request.Want.WrongStatus(c.status)
	case !c.got.Matches(&c.request.Want):
		return badBody, c.request.Want.WrongBody(c.got.Size)
	default:
		return correct, ""
	}
}

// body watches a response being read.
type body struct {
	io.ReadCloser
	call *call
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.call.got.Add(p[:n], &b.call.request.Want)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		b.call.end()
	default:
		b.call.fail(err)
	}
	return n, err // io.EOF must stay itself
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.call.over()
	return err
}
