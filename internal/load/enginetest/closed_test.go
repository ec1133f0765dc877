package enginetest_test

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// pause is how long the servers think where only counts matter, so that they
// are not loaded more than a test needs.
const pause = time.Millisecond

// short is a window that suffices for each connection to carry requests.
const short = 100 * time.Millisecond

func testKeepAlive(t *testing.T, e load.Engine) {
	const n = 8
	for i := range 2 { // an engine is used for one window after the other
		s := newServer(t, func(x *exchange) bool { return x.after(pause, okay) })
		m := measure(t, e, spec(s.url(), n, 500*time.Millisecond))
		checkAllOK(t, m, s)
		assert.Equal(t, n, m.Established, "window %d", i)
		s.acceptsExactly(t, n)
		assert.Zero(t, m.Reconnects)
		assert.Greater(t, m.Completed, uint64(n))
		assert.LessOrEqual(t, m.OK-m.Completed, uint64(n), "at most one response a connection comes after the end")
		assert.GreaterOrEqual(t, m.BytesIn, m.OK*uint64(len(hello)))
		assert.GreaterOrEqual(t, *m.Latency.P50, pause)
		assert.GreaterOrEqual(t, m.Latency.Max, *m.Latency.P50)
	}
	s := newServer(t, func(x *exchange) bool { return x.after(50*time.Millisecond, okay) })
	checkAllOK(t, measure(t, e, spec(s.url(), 300, 250*time.Millisecond)), s)
	s.acceptsExactly(t, 300)
}

// testOpened: the caller is told once, after the connections and before the requests.
func testOpened(t *testing.T, e load.Engine) {
	for name, change := range map[string]func(*load.Spec){
		"closed loop":     func(*load.Spec) {},
		"new connections": func(sp *load.Spec) { sp.Close = true },
		"open loop":       func(sp *load.Spec) { sp.Schedule = &load.Schedule{Rate: 200} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(x *exchange) bool { return x.after(pause, okay) })
			sp := spec(s.url(), 8, short)
			change(&sp)
			open, told := sp.Connections, 0
			if sp.Close {
				open = 0
			}
			sp.Opened = func() {
				told++
				s.acceptsExactly(t, open)
				time.Sleep(10 * time.Millisecond)
				assert.Zero(t, s.received.Load(), "no request before")
			}
			checkAllOK(t, measure(t, e, sp), s)
			assert.Equal(t, 1, told)
		})
	}
}

func testClose(t *testing.T, e load.Engine) {
	for name, end := range map[string]bool{"the server closes": false, "the client closes": true} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(x *exchange) bool {
				assert.True(t, x.header("Connection: close"), "%q", x.head)
				return x.after(pause, response("200 OK", hello, "Connection: close")) && end
			})
			sp := spec(s.url(), 4, 250*time.Millisecond)
			sp.Close = true
			m := measure(t, e, sp)
			checkAllOK(t, m, s)
			s.acceptsExactly(t, int(m.Requests))
			assert.Zero(t, m.Established)
			assert.Zero(t, m.Reconnects, "ends of connections that were asked for")
		})
	}
}

// testRequest looks at what the engine sends: every request is the bytes that
// verify a server, nothing more and nothing that differs from request to request.
func testRequest(t *testing.T, e load.Engine) {
	for _, c := range []struct {
		target string // after the address
		user   string
		close  bool
		open   bool
	}{
		{target: "a/b%20c?x=1&y=%2F"},
		{target: "a b/ü?q=x y&z=100%"},
		{target: "", user: "user:secret@"},
		{target: "", close: true},
		{target: "?q=1", open: true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			var mu sync.Mutex
			heads := map[string]int{}
			s := newServer(t, func(x *exchange) bool {
				mu.Lock()
				defer mu.Unlock()
				heads[strings.Join(x.head, "\r\n")+"\r\n\r\n"]++
				return x.after(pause, okay)
			})
			sp := spec("http://"+c.user+s.ln.Addr().String()+"/"+c.target, 1, short)
			sp.Close = c.close
			if c.open {
				sp.Schedule = &load.Schedule{Rate: 100}
			}
			want, err := http1.NewRequest(&sp.Exchanges[0], c.close)
			require.NoError(t, err)
			m := measure(t, e, sp)
			checkAllOK(t, m, s)
			mu.Lock()
			defer mu.Unlock()
			assert.Equal(t, map[string]int{string(want.Bytes()): int(m.Requests)}, heads)
		})
	}
}

// testFormats answers in every form that HTTP/1.1 allows.
func testFormats(t *testing.T, newEngine func() load.Engine) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name   string
		pieces []string // each written by itself
		end    bool     // the server ends the connection after it
		status int
		body   string
	}{
		{name: "in pieces", pieces: split(okay, 7)},
		{name: "lower case", pieces: []string{"HTTP/1.1 200 OK\r\ncontent-length:14\r\n\r\n" + hello}},
		{name: "padded value", pieces: []string{"HTTP/1.1 200 OK\r\nContent-Length: \t 14  \r\n\r\n" + hello}},
		{name: "no reason", pieces: []string{"HTTP/1.1 200 \r\nContent-Length: 14\r\n\r\n" + hello}},
		{name: "chunked", pieces: []string{chunked + "7\r\nHello, \r\n7\r\nWorld!\n\r\n0\r\n\r\n"}},
		{name: "chunked in pieces", pieces: split(chunked+"7\r\nHello, \r\n7\r\nWorld!\n\r\n0\r\n\r\n", 6)},
		{name: "chunked, extension and trailer", pieces: []string{chunked + "0e;a=\"b\"\r\n" + hello + "\r\n0\r\nDigest: x\r\n\r\n"}},
		{name: "ended by the close", pieces: []string{"HTTP/1.1 200 OK\r\n\r\n" + hello}, end: true},
		{name: "HTTP/1.0", pieces: []string{"HTTP/1.0 200 OK\r\nContent-Length: 14\r\n\r\n" + hello}, end: true},
		{name: "HTTP/1.0 without length", pieces: []string{"HTTP/1.0 200 OK\r\n\r\n", hello}, end: true},
		{name: "interim responses", pieces: []string{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + okay}},
		{name: "interim response by itself", pieces: []string{"HTTP/1.1 100 Continue\r\n\r\n", okay}},
		{name: "empty", pieces: []string{response("200 OK", "")}, body: "-"},
		{name: "no content", pieces: []string{"HTTP/1.1 204 No Content\r\n\r\n"}, status: 204, body: "-"},
		{name: "expected failure", pieces: []string{response("404 Not Found", hello)}, status: 404},
		{name: "redirect is not followed", pieces: []string{response("302 Found", hello, "Location: /elsewhere")}, status: 302},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(x *exchange) bool {
				if !assert.NotContains(t, x.head[0], "elsewhere") {
					return x.send(okay) // no loop
				}
				time.Sleep(pause)
				x.server.answered.Add(1)
				for i, p := range c.pieces {
					if i > 0 {
						time.Sleep(pause)
					}
					x.part(p)
				}
				return !c.end
			})
			sp := spec(s.url(), 2, short)
			want := &sp.Exchanges[0].Want
			want.Status = c.status
			if c.body == "-" {
				want.Exact = []byte{}
			}
			m := measure(t, newEngine(), sp)
			checkAllOK(t, m, s)
			if !c.end {
				s.acceptsExactly(t, 2)
				assert.Zero(t, m.Reconnects)
			} else {
				assert.NotZero(t, m.Reconnects, "connections that the server ended")
			}
		})
	}
}

// split cuts s into pieces of n bytes.
func split(s string, n int) []string {
	var pieces []string
	for c := range slices.Chunk([]byte(s), max(n, (len(s)+7)/8)) {
		pieces = append(pieces, string(c))
	}
	return pieces
}

func testLargeBody(t *testing.T, e load.Engine) {
	body := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	for name, answer := range map[string]string{
		"length":  response("200 OK", body),
		"chunked": fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(x *exchange) bool { return x.send(answer) })
			sp := spec(s.url(), 2, 100*time.Millisecond)
			sp.Exchanges[0].Want.Exact = []byte(body)
			m := measure(t, e, sp)
			checkAllOK(t, m, s)
			assert.GreaterOrEqual(t, m.BytesIn, m.OK*uint64(len(body)))
		})
	}
}

func testHosts(t *testing.T, e load.Engine) {
	t.Run("name", func(t *testing.T) {
		s := newServer(t, func(x *exchange) bool { return x.after(pause, okay) })
		_, port, err := net.SplitHostPort(s.ln.Addr().String())
		require.NoError(t, err)
		checkAllOK(t, measure(t, e, spec("http://localhost:"+port+"/", 2, short)), s)
	})
	t.Run("IPv6", func(t *testing.T) {
		ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "[::1]:0")
		if err != nil {
			t.Skipf("no IPv6 on this machine: %v", err)
		}
		require.NoError(t, ln.Close())
		s := listen(t, "[::1]:0", func(x *exchange) bool {
			u, err := url.Parse("http://" + x.conn.LocalAddr().String())
			assert.NoError(t, err)
			assert.True(t, x.header("Host: "+u.Host), "%q", x.head)
			return x.after(pause, okay)
		})
		checkAllOK(t, measure(t, e, spec(s.url(), 2, short)), s)
	})
}

// testKnownDelay compares the engine with what the server knows of itself. A
// busy machine gets three windows to come to it.
func testKnownDelay(t *testing.T, e load.Engine) {
	const n, delay = 8, 20 * time.Millisecond
	tolerance := within(time.Millisecond, 2*time.Millisecond).Seconds()
	var m *record.Measurement
	var truth time.Duration
	for range 3 {
		m, truth = delayed(t, e, n, delay)
		if math.Abs(m.Latency.P50.Seconds()-truth.Seconds()) <= tolerance && m.LittlesLaw() > 0.95 {
			break
		}
	}
	assert.InDelta(t, truth.Seconds(), m.Latency.P50.Seconds(), tolerance, "median against the server's own, %v", truth)
	for i, b := range m.Bins {
		assert.InDelta(t, truth.Seconds(), b.P50.Seconds(), 10*tolerance, "median of bin %d", i)
	}
	// Little's law: N requests in flight, of which each takes what it takes.
	assert.InDelta(t, 1, m.LittlesLaw(), 0.1)
	assert.InDelta(t, n, m.Throughput()*m.Latency.Mean.Seconds(), 0.15*n, "but for the responses after the end")
}

// delayed measures a server that takes its time, and that server's median.
func delayed(t *testing.T, e load.Engine, n int, delay time.Duration) (*record.Measurement, time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	s := newServer(t, func(x *exchange) bool {
		begin := time.Now()
		time.Sleep(delay)
		mu.Lock()
		took = append(took, time.Since(begin))
		mu.Unlock()
		return x.send(okay)
	})
	m := measure(t, e, spec(s.url(), n, 3*record.BinWidth))
	checkAllOK(t, m, s)
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(took)
	return m, took[len(took)/2]
}

// testSeveralTargets deals a load to servers of equal speed: each gets its
// share, on connections of its own, and is asked by its own name and path.
func testSeveralTargets(t *testing.T, e load.Engine) {
	const n = 8
	for _, targets := range []int{2, 3} {
		servers := make([]*server, targets)
		urls := make([]string, targets)
		for i := range servers {
			servers[i] = newServer(t, func(x *exchange) bool {
				assert.Equal(t, fmt.Sprintf("GET /%d HTTP/1.1", i), x.head[0])
				assert.True(t, x.header("Host: "+x.server.ln.Addr().String()), "%q", x.head)
				return x.after(2*pause, okay)
			})
			urls[i] = fmt.Sprint(servers[i].url(), i)
		}
		sp := spec("", n, 400*time.Millisecond)
		sp.Exchanges = http1.Get(urls...)
		m := measure(t, e, sp)
		assert.Equal(t, record.Errors{}, m.Errors, "first: %s", m.FirstError)
		assert.Equal(t, n, m.Established)
		var received int64
		for i, s := range servers {
			got := s.received.Load()
			received += got
			assert.InEpsilon(t, float64(m.Requests)/float64(targets), got, 0.3, "requests of server %d", i)
			assert.GreaterOrEqual(t, s.accepted.Load(), int64(n/targets), "connections of server %d", i)
		}
		assert.EqualValues(t, m.Requests, received, "requests on both sides")
		if n%targets == 0 {
			assert.InEpsilon(t, float64(m.Requests)/2, servers[0].received.Load(), 0.1, "half each, but for chance")
		}
	}
}
