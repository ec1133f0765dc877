package enginetest_test

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// testWrongAnswers sends whole responses that are not the expected one.
func testWrongAnswers(t *testing.T, newEngine func() load.Engine) {
	for _, c := range []struct {
		name   string
		answer string
		class  func(*record.Errors) *uint64
	}{
		{"status", response("500 Internal Server Error", hello), status},
		{"status of the good range", response("201 Created", hello), status},
		{"status and body", response("503 Service Unavailable", "no"), status},
		{"redirect", response("301 Moved Permanently", "", "Location: /x"), status},
		{"body", response("200 OK", "Hello, Wurld!\n"), body},
		{"body too short", response("200 OK", hello[:13]), body},
		{"body too long", response("200 OK", hello+"\n"), body},
		{"no body", response("200 OK", ""), body},
		{"chunked body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n" + hello[:13] + "\r\n0\r\n\r\n", body},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(x *exchange) bool { return x.after(pause, c.answer) })
			m := measure(t, newEngine(), spec(s.url(), 2, short))
			checkAllIn(t, m, c.class)
			assert.EqualValues(t, m.Requests, s.received.Load())
			s.acceptsExactly(t, 2) // a wrong answer does not cost the connection
		})
	}
	t.Run("some of them", func(t *testing.T) {
		var n, wrong atomic.Uint64
		s := newServer(t, func(x *exchange) bool {
			if n.Add(1)%3 == 0 {
				wrong.Add(1)
				return x.after(pause, response("500 Internal Server Error", ""))
			}
			return x.after(pause, okay)
		})
		m := measure(t, newEngine(), spec(s.url(), 2, 250*time.Millisecond))
		assert.Equal(t, record.Errors{Status: wrong.Load()}, m.Errors)
		assert.Equal(t, n.Load(), m.Requests)
	})
}

func status(e *record.Errors) *uint64 { return &e.Status }
func body(e *record.Errors) *uint64   { return &e.Body }

// checkAllIn checks that every request failed in one class.
func checkAllIn(t *testing.T, m *record.Measurement, class func(*record.Errors) *uint64) {
	t.Helper()
	var want record.Errors
	*class(&want) = m.Requests
	assert.NotZero(t, m.Requests)
	assert.Equal(t, want, m.Errors, "first: %s", m.FirstError)
	assert.Zero(t, m.OK)
	assert.Zero(t, m.Latency.Count, "a failure is never a sample")
}

// testBrokenAnswers ends connections where they must not end. The connection
// is new each time, so that no client may ask again by itself.
func testBrokenAnswers(t *testing.T, newEngine func() load.Engine) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n"
	end := func(*exchange) bool { return false }
	for _, c := range []struct {
		name string
		part string
		end  func(*exchange) bool
	}{
		{"close before the answer", "", end},
		{"reset before the answer", "", (*exchange).reset},
		{"close in the head", head[:20], end},
		{"close in the body", head + hello[:5], end},
		{"reset in the body", head + hello[:5], (*exchange).reset},
		{"close in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\nHello", end},
		{"close before the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n" + hello + "\r\n", end},
		{"not HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n", end},
		{"bad chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + hello + "\r\n", end},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(x *exchange) bool {
				time.Sleep(pause)
				if c.part != "" {
					x.part(c.part)
					time.Sleep(pause) // or the RST overtakes it
				}
				return c.end(x)
			})
			m := measure(t, newEngine(), spec(s.url(), 2, short))
			checkAllIn(t, m, func(e *record.Errors) *uint64 { return &e.Reset })
			assert.EqualValues(t, m.Requests, s.received.Load(), "asked once each")
			assert.Zero(t, m.Reconnects, "the connection did not end between two responses")
		})
	}
}

func testRefused(t *testing.T, e load.Engine) {
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := ln.Addr().String()
	require.NoError(t, ln.Close())
	for _, name := range []string{"keep-alive", "close"} {
		t.Run(name, func(t *testing.T) {
			s := spec("http://"+addr+"/", 2, 100*time.Millisecond)
			s.Timeout = 100 * time.Millisecond
			s.Close = name == "close"
			m := measure(t, e, s)
			checkAllIn(t, m, func(e *record.Errors) *uint64 { return &e.Connect })
			assert.Zero(t, m.Established)
		})
	}
	t.Run("open loop", func(t *testing.T) {
		s := spec("http://"+addr+"/", 2, 100*time.Millisecond)
		s.Timeout = 100 * time.Millisecond
		s.Schedule = &load.Schedule{Rate: 100}
		m := measure(t, e, s)
		checkAllIn(t, m, func(e *record.Errors) *uint64 { return &e.Connect })
		assert.EqualValues(t, 10, m.Requests)
	})
}

// testNoAnswer never sends a whole response. A window without one is valid.
func testNoAnswer(t *testing.T, newEngine func() load.Engine) {
	const n, timeout, window = 3, 150 * time.Millisecond, 350 * time.Millisecond
	for name, part := range map[string]string{
		"nothing":          "",
		"part of the head": "HTTP/1.1 200 OK\r\nContent-Le",
		"part of the body": "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHello",
		"interim only":     "HTTP/1.1 100 Continue\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(x *exchange) bool { return x.part(part) && x.silence() })
			sp := spec(s.url(), n, window)
			sp.Timeout = timeout
			begin := time.Now()
			m := measure(t, newEngine(), sp)
			checkAllIn(t, m, func(e *record.Errors) *uint64 { return &e.Timeout })
			assert.EqualValues(t, m.Requests, s.received.Load())
			assert.LessOrEqual(t, m.Requests, uint64(n*3), "one request a connection and timeout")
			assert.GreaterOrEqual(t, m.Requests, uint64(n))
			assert.Less(t, time.Since(begin), window+timeout+3*time.Second)
			assert.InDelta(t, 1, m.LittlesLaw(), 0.3, "requests that fail are in flight too")
		})
	}
	t.Run("open loop", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, func(x *exchange) bool { return x.silence() })
		sp := spec(s.url(), 0, window)
		sp.Timeout = timeout
		sp.Schedule = &load.Schedule{Rate: 100}
		m := measure(t, newEngine(), sp)
		checkAllIn(t, m, func(e *record.Errors) *uint64 { return &e.Timeout })
		assert.EqualValues(t, 35, m.Requests)
		assert.EqualValues(t, 35, s.received.Load())
	})
}

// testKilled lets the server die half way.
func testKilled(t *testing.T, e load.Engine) {
	for name, rate := range map[string]float64{"closed loop": 0, "open loop": 200} {
		t.Run(name, func(t *testing.T) {
			const n, window = 4, 500 * time.Millisecond
			s := newServer(t, func(x *exchange) bool { return x.after(5*time.Millisecond, okay) })
			sp := spec(s.url(), n, window)
			sp.Timeout = time.Second
			if rate > 0 {
				sp.Schedule = &load.Schedule{Rate: rate}
			}
			defer time.AfterFunc(window/2, s.kill).Stop()
			begin := time.Now()
			m := measure(t, e, sp)
			assert.Less(t, time.Since(begin), window+3*time.Second)
			assert.NotZero(t, m.OK)
			assert.NotZero(t, m.Errors.Connect, "requests after the death")
			assert.LessOrEqual(t, m.Errors.Reset, uint64(2*n), "requests that it interrupted")
			assert.Equal(t, record.Errors{Connect: m.Errors.Connect, Reset: m.Errors.Reset}, m.Errors)
			assert.LessOrEqual(t, int64(m.OK), s.answered.Load())
			if rate > 0 {
				assert.EqualValues(t, 100, m.Requests, "an open loop goes on asking")
			}
		})
	}
}

// testServerEnds has the server end each connection after every fifth
// response, as servers do with a limit of requests a connection, or idle ones.
func testServerEnds(t *testing.T, e load.Engine) {
	const n, each = 4, 5
	window := 250 * time.Millisecond
	t.Run("announced", func(t *testing.T) {
		s := newServer(t, func(x *exchange) bool {
			if x.nth == each {
				x.after(pause, response("200 OK", hello, "Connection: close"))
				return false
			}
			return x.after(pause, okay)
		})
		m := measure(t, e, spec(s.url(), n, window))
		checkAllOK(t, m, s)
		assert.InDelta(t, m.Requests/each, m.Reconnects, n, "one in five responses ended a connection")
	})
	t.Run("silently", func(t *testing.T) {
		s := newServer(t, func(x *exchange) bool {
			return x.after(pause, okay) && x.nth < each
		})
		m := measure(t, e, spec(s.url(), n, window))
		// The next request may cross the end of the connection: it is a reset
		// then, and the server need not have seen it.
		assert.NotZero(t, m.OK)
		assert.Equal(t, record.Errors{Reset: m.Errors.Reset}, m.Errors)
		assert.EqualValues(t, m.OK, s.answered.Load())
		assert.LessOrEqual(t, s.received.Load(), int64(m.Requests))
		assert.GreaterOrEqual(t, s.received.Load(), int64(m.OK))
		// An engine may give up a second connection with a reset, to keep a library from sending again on it.
		assert.GreaterOrEqual(t, int64(m.Reconnects+2*m.Errors.Reset), s.accepted.Load()-n, "every further connection replaced one that ended")
		assert.InDelta(t, m.OK/each, m.Reconnects+m.Errors.Reset, n)
	})
	t.Run("while idle", func(t *testing.T) {
		s := newServer(t, func(x *exchange) bool {
			ok := x.send(okay)
			time.Sleep(5 * time.Millisecond) // well before the next send
			return ok && x.nth < 2
		})
		sp := spec(s.url(), 1, 400*time.Millisecond)
		sp.Schedule = &load.Schedule{Rate: 10}
		m := measure(t, e, sp)
		checkAllOK(t, m, s)
		assert.EqualValues(t, 4, m.Requests)
		assert.InDelta(t, 2, m.Reconnects, 1)
	})
}

// testDropped has the server read a request on a used connection and end the
// connection without an answer. That is a failure, and nothing is sent again:
// both sides count the same.
func testDropped(t *testing.T, e load.Engine) {
	s := newServer(t, func(x *exchange) bool {
		time.Sleep(pause)
		return x.nth == 1 && x.send(okay)
	})
	m := measure(t, e, spec(s.url(), 4, 250*time.Millisecond))
	assert.NotZero(t, m.OK)
	assert.Equal(t, record.Errors{Reset: m.Errors.Reset}, m.Errors)
	assert.InEpsilon(t, float64(m.OK), float64(m.Errors.Reset), 0.2, "every second request was dropped")
	assert.EqualValues(t, m.OK, s.answered.Load())
	assert.EqualValues(t, m.Requests, s.received.Load(), "each request that the server saw is counted, once")
}
