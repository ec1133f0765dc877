package vegeta

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hellobench/hellobench/internal/load"
)

// tripper makes the requests of a window for the library and keeps what the
// library's Result loses: the class of an error, which it turns into a string,
// whether the body was right, and how often net/http sent the request.
type tripper struct {
	ctx       context.Context // of the window: the library passes none
	spec      *load.Spec
	transport *http.Transport

	mu    sync.Mutex
	calls map[uint64]*call // by sequence number, until the result is taken
}

func newTripper(ctx context.Context, spec *load.Spec, p *pool) *tripper {
	return &tripper{ctx: ctx, spec: spec, transport: newTransport(spec, p), calls: map[uint64]*call{}}
}

// client returns the client for the Attacker. The timeout is a deadline of
// each request, set by RoundTrip, so that it can be told from other errors.
func (t *tripper) client() *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip makes one request. The body of the response is to be read to its
// end, as the library does, for the outcome to be known.
func (t *tripper) RoundTrip(req *http.Request) (*http.Response, error) {
	seq, err := strconv.ParseUint(req.Header.Get("X-Vegeta-Seq"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("sequence number: %w", err)
	}
	c := &call{trip: t}
	t.mu.Lock()
	t.calls[seq] = c
	t.mu.Unlock()

	ctx, cancel := context.WithTimeout(t.ctx, t.spec.Timeout)
	resp, err := t.transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, c.trace())))
	if err != nil {
		cancel()
		c.fail(err)
		return nil, err
	}
	c.status, c.last = resp.StatusCode, resp.Close
	resp.Body = &body{ReadCloser: resp.Body, call: c, cancel: cancel}
	return resp, nil
}

// settle makes one request to each target that is not counted. The requests of
// the window find out whatever it finds out, so that its error is of no interest.
func (t *tripper) settle() {
	for _, target := range t.spec.URLs {
		t.settleOne(target)
	}
}

func (t *tripper) settleOne(target string) {
	ctx, cancel := context.WithTimeout(t.ctx, t.spec.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return
	}
	req.Header.Set("User-Agent", userAgent)
	if resp, err := t.transport.RoundTrip(req); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
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
	aborted // by the end of the window's context: neither sent nor failed
)

// call is one request, which net/http may send more than once.
type call struct {
	trip    *tripper
	conn    *conn
	wrote   atomic.Bool // the current attempt was written; set by the connection's own goroutine
	retries uint64
	first   time.Time // when the first byte of the response came; set before RoundTrip returns

	status  int
	last    bool // the server ends the connection with this response
	bytes   int  // of the body
	differs bool // from the expected body
	whole   bool // the response came to its end
	class   class
	err     error
}

// trace follows the attempts of the call. net/http asks for a connection once
// an attempt, always in the goroutine of RoundTrip, and before it tries again
// it waits for the writing goroutine of the attempt that failed.
func (c *call) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: c.gotConn, WroteRequest: c.wroteRequest, PutIdleConn: c.putIdleConn,
		GotFirstResponseByte: func() { c.first = time.Now() },
	}
}

func (c *call) gotConn(info httptrace.GotConnInfo) {
	switch {
	case c.wrote.Swap(false):
		c.retries++
	case c.conn != nil: // it was gone before anything was sent
		c.conn.ended()
	}
	raw := info.Conn
	if secure, ok := raw.(*tls.Conn); ok {
		raw = secure.NetConn()
	}
	if c.conn, _ = raw.(*conn); c.conn != nil {
		c.conn.users.Add(1)
	}
}

func (c *call) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err == nil {
		c.wrote.Store(true)
	}
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
	case errors.As(err, &timeout) && timeout.Timeout():
		c.class = badTimeout
	case errors.As(err, &dial):
		c.class = badConnect
	default:
		c.class = badReset
	}
}

// got compares a part of the body with what is expected.
func (c *call) got(p []byte) {
	if want := c.trip.spec.Expect.Body; want != nil && !c.differs {
		rest := want[c.bytes:]
		c.differs = len(p) > len(rest) || !bytes.Equal(p, rest[:len(p)])
	}
	c.bytes += len(p)
}

// end is the whole response.
func (c *call) end() {
	c.whole = true
	if want := c.trip.spec.Expect.Body; want != nil && c.bytes != len(want) {
		c.differs = true
	}
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
	case c.status != c.trip.spec.Expect.Status:
		return badStatus, fmt.Sprintf("status %d, expected %d", c.status, c.trip.spec.Expect.Status)
	case c.differs:
		return badBody, fmt.Sprintf("body of %d bytes is not the expected one of %d", c.bytes, len(c.trip.spec.Expect.Body))
	default:
		return correct, ""
	}
}

// body watches a response being read.
type body struct {
	io.ReadCloser
	call   *call
	cancel context.CancelFunc
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.call.got(p[:n])
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
	b.cancel()
	return err
}
