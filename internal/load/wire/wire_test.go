//go:build linux

package wire

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/record"
)

func TestClosedLoop(t *testing.T) {
	for _, addr := range withIPv6(t, "127.0.0.1:0", "[::1]:0") {
		t.Run(addr, func(t *testing.T) {
			s := startNull(t, addr)
			m := measure(t, load.Spec{
				Exchanges: []http1.Exchange{{URL: s.URL(), Want: http1.Expectation{Exact: []byte(null.Body)}}}, Connections: 10, Duration: 400 * time.Millisecond, CPUs: []int{core(t), core(t), core(t)},
			})
			assert.Equal(t, 10, m.Established)
			assert.Zero(t, m.Errors, m.FirstError)
			assert.Equal(t, m.Requests, s.Requests())
			assert.Greater(t, m.Requests, uint64(100))
			assert.LessOrEqual(t, m.OK-m.Completed, uint64(10), "at most one a connection is left at the end")
			assert.InDelta(t, 1, m.LittlesLaw(), 0.1)
			assert.Zero(t, m.Reconnects)
			assert.Positive(t, m.CPU.Total())
			assert.Positive(t, m.BytesIn)
		})
	}
}

// TestConnectionsAreDealt: over however many loops, each target has its share
// of the connections to the one, and keeps it.
func TestConnectionsAreDealt(t *testing.T) {
	for _, loops := range []int{1, 2, 3} {
		servers := []*rawServer{serveRaw(t, "127.0.0.1:0", always(okResponse)), serveRaw(t, "127.0.0.1:0", always(okResponse))}
		spec := load.Spec{Exchanges: http1.Get(servers[0].url(), servers[1].url()), Connections: 7, Duration: 200 * time.Millisecond}
		for range loops {
			spec.CPUs = append(spec.CPUs, core(t))
		}
		m := measure(t, spec)
		assert.Zero(t, m.Errors, m.FirstError)
		assert.Equal(t, 7, m.Established)
		assert.Equal(t, int64(4), servers[0].accepted.Load())
		assert.Equal(t, int64(3), servers[1].accepted.Load())
		assert.Equal(t, int64(m.Requests), servers[0].requests.Load()+servers[1].requests.Load())
	}
}

// TestOpened: between the connections and the requests there is a moment that
// is the caller's, in which connections may end and the window be given up.
func TestOpened(t *testing.T) {
	for _, loops := range []int{1, 3} {
		var mu sync.Mutex
		var open []net.Conn
		var requests atomic.Int64
		ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
		require.NoError(t, err)
		s := &http.Server{
			ReadHeaderTimeout: time.Minute,
			Handler:           http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }),
			ConnState: func(c net.Conn, state http.ConnState) {
				if state == http.StateNew {
					mu.Lock()
					open = append(open, c)
					mu.Unlock()
				}
			},
		}
		go func() { _ = s.Serve(ln) }()
		t.Cleanup(func() { _ = s.Close() })
		opened := func() int { mu.Lock(); defer mu.Unlock(); return len(open) }

		const n = 1200 // more than one look at the events takes in
		spec := load.Spec{Exchanges: http1.Get("http://" + ln.Addr().String() + "/"), Connections: n, Duration: 300 * time.Millisecond}
		for range loops {
			spec.CPUs = append(spec.CPUs, core(t))
		}
		told := 0
		spec.Opened = func() {
			told++
			assert.Eventually(t, func() bool { return opened() == n }, time.Second, time.Millisecond)
			assert.Zero(t, requests.Load(), "no request before")
			for _, c := range open {
				_ = c.Close()
			}
			time.Sleep(50 * time.Millisecond)
		}
		m := measure(t, spec)
		assert.Equal(t, 1, told)
		assert.Zero(t, m.Errors, m.FirstError)
		assert.Positive(t, m.OK)

		answered := requests.Load()
		ctx, cancel := context.WithCancel(t.Context())
		spec.Opened = cancel
		_, err = New().Run(ctx, spec)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, answered, requests.Load(), "nothing is sent any more")
	}
}

func TestCloseMode(t *testing.T) {
	s := serveRaw(t, "localhost:0", func(p *peer) {
		if p.next() {
			p.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	m := measure(t, load.Spec{Exchanges: http1.Get(s.url()), Connections: 4, Duration: 300 * time.Millisecond, Close: true})
	assert.Zero(t, m.Errors, m.FirstError)
	assert.Zero(t, m.Reconnects)
	assert.Zero(t, m.Established)
	assert.Greater(t, m.OK, uint64(20))
	assert.Equal(t, int64(m.Requests), s.accepted.Load(), "a connection a request")
}

func TestLocalhostIsTheFamilyThatListens(t *testing.T) {
	s := serveRaw(t, "127.0.0.1:0", always(okResponse))
	_, port, err := net.SplitHostPort(s.ln.Addr().String())
	require.NoError(t, err)
	m := measure(t, load.Spec{Exchanges: http1.Get("http://localhost:" + port), Connections: 2, Duration: 100 * time.Millisecond})
	assert.Zero(t, m.Errors, m.FirstError)
	assert.Positive(t, m.OK)
}

func TestResponsesOfAllKinds(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	chunked := fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(big), big)
	inPieces := func(p *peer) {
		for p.next() {
			for i := range okResponse {
				if !p.send(okResponse[i : i+1]) {
					return
				}
			}
		}
	}
	for name, tc := range map[string]struct {
		handler func(*peer)
		body    string
	}{
		"chunked, large": {always(chunked), big},
		"in pieces":      {inPieces, "Hello World!"},
		"interim":        {always("HTTP/1.1 100 Continue\r\n\r\n" + okResponse), "Hello World!"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveRaw(t, "127.0.0.1:0", tc.handler)
			m := measure(t, load.Spec{Exchanges: []http1.Exchange{{URL: s.url(), Want: http1.Expectation{Exact: []byte(tc.body)}}}, Connections: 3, Duration: 300 * time.Millisecond})
			assert.Zero(t, m.Errors, m.FirstError)
			assert.Positive(t, m.OK)
			assert.Equal(t, int64(3), s.accepted.Load())
			assert.Equal(t, int64(m.Requests), s.requests.Load())
			assert.GreaterOrEqual(t, m.BytesIn, m.OK*uint64(len(tc.body)))
		})
	}
}

func TestConnectionsThatTheServerEnds(t *testing.T) {
	once := func(text string) func(*peer) {
		return func(p *peer) {
			if p.next() {
				p.send(text)
			}
		}
	}
	for name, handler := range map[string]func(*peer){
		"announced":  once("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\nHello World!"),
		"by the end": once("HTTP/1.1 200 OK\r\n\r\nHello World!"),
		"HTTP/1.0":   once("HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\nHello World!"),
		"not at once": func(p *peer) {
			once("HTTP/1.0 200 OK\r\n\r\nHello ")(p)
			time.Sleep(time.Millisecond)
			p.send("World!")
		},
		"after thirty": func(p *peer) { endAfter(p, 30) },
	} {
		t.Run(name, func(t *testing.T) {
			s := serveRaw(t, "127.0.0.1:0", handler)
			m := measure(t, load.Spec{Exchanges: []http1.Exchange{{URL: s.url(), Want: http1.Expectation{Exact: []byte("Hello World!")}}}, Connections: 3, Duration: 200 * time.Millisecond})
			assert.Zero(t, m.Errors, m.FirstError)
			assert.Positive(t, m.Reconnects)
			assert.Equal(t, int64(m.Requests), s.requests.Load())
			assert.LessOrEqual(t, int64(m.Reconnects), s.accepted.Load())
		})
	}
}

// endAfter announces the end of the connection in its n-th response.
func endAfter(p *peer, n int) {
	for i := 1; p.next(); i++ {
		if i == n {
			p.send("HTTP/1.1 200 OK\r\nConnection: Keep-Alive, CLOSE\r\nContent-Length: 12\r\n\r\nHello World!")
			return
		}
		if !p.send(okResponse) {
			return
		}
	}
}

func TestErrorsByClass(t *testing.T) {
	cut := func(text string) func(*peer) {
		return func(p *peer) {
			if p.next() {
				p.send(text)
			}
		}
	}
	for name, tc := range map[string]struct {
		handler func(*peer)
		class   func(record.Errors) uint64
		says    string
	}{
		"status":       {always("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), func(e record.Errors) uint64 { return e.Status }, "status 500, expected 200"},
		"body":         {always("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHel"), func(e record.Errors) uint64 { return e.Body }, "body: 3 bytes that are not the 12 expected"},
		"no response":  {cut(""), func(e record.Errors) uint64 { return e.Reset }, "the connection ended"},
		"half of one":  {cut(okResponse[:len(okResponse)-2]), func(e record.Errors) uint64 { return e.Reset }, "reset: the connection ended inside the response"},
		"not HTTP":     {always("SSH-2.0-OpenSSH_9.9\r\n"), func(e record.Errors) uint64 { return e.Reset }, "not HTTP: the status line"},
		"extra bytes":  {always(okResponse + "!"), func(e record.Errors) uint64 { return e.Reset }, "not HTTP: more bytes"},
		"reset by RST": {resetByRST, func(e record.Errors) uint64 { return e.Reset }, "connection reset by peer"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveRaw(t, "127.0.0.1:0", tc.handler)
			m := measure(t, load.Spec{Exchanges: []http1.Exchange{{URL: s.url(), Want: http1.Expectation{Exact: []byte("Hello World!")}}}, Connections: 2, Duration: 150 * time.Millisecond})
			assert.Zero(t, m.OK)
			assert.Positive(t, m.Requests)
			assert.Equal(t, m.Requests, tc.class(m.Errors), "%v", m.Errors)
			assert.Contains(t, m.FirstError, tc.says)
			assert.InDelta(t, 1, m.LittlesLaw(), 0.2, "failed requests are in flight too")
		})
	}
}

func resetByRST(p *peer) {
	if p.next() {
		_ = p.Conn.(*net.TCPConn).SetLinger(0)
	}
}

// A server that ends connections at random must have seen every request that
// was sent whole, once: nothing is sent twice and nothing is left out.
func TestNothingIsSentAgain(t *testing.T) {
	s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
		rng := rand.New(rand.NewPCG(1, uint64(p.server.accepted.Load())))
		for p.next() {
			switch rng.IntN(20) {
			case 0:
				return // with a request in flight
			case 1:
				p.send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHello")
				return
			case 2:
				p.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\nHello World!")
				return
			}
			if !p.send(okResponse) {
				return
			}
		}
	})
	m := measure(t, load.Spec{Exchanges: http1.Get(s.url()), Connections: 5, Duration: 400 * time.Millisecond})
	assert.Positive(t, m.OK)
	assert.Positive(t, m.Errors.Reset)
	assert.Positive(t, m.Reconnects)
	assert.Equal(t, m.Requests-m.Errors.Connect, uint64(s.requests.Load()))
}

func TestTimeouts(t *testing.T) {
	var n atomic.Int64
	s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
		for p.next() {
			if n.Add(1)%3 == 0 {
				continue // no response
			}
			p.send(okResponse)
			time.Sleep(2 * time.Millisecond)
		}
	})
	spec := load.Spec{Exchanges: http1.Get(s.url()), Connections: 4, Duration: 500 * time.Millisecond, Timeout: 60 * time.Millisecond}
	began := time.Now()
	m := measure(t, spec)
	assert.Positive(t, m.OK)
	assert.Positive(t, m.Errors.Timeout)
	assert.Equal(t, m.Errors.Total(), m.Errors.Timeout)
	assert.Contains(t, m.FirstError, "within 60ms")
	assert.Less(t, m.Latency.Max, 61*time.Millisecond, "a late response is a miss")
	assert.Less(t, time.Since(began), 3*time.Second)
	assert.Equal(t, int64(m.Requests), s.requests.Load())
}

// A response that comes after the timeout does not count, even if it comes
// before anybody looked at the clock.
func TestLateResponseIsAMiss(t *testing.T) {
	s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
		for p.next() {
			time.Sleep(30 * time.Millisecond)
			p.send(okResponse)
		}
	})
	m := measure(t, load.Spec{Exchanges: http1.Get(s.url()), Connections: 2, Duration: 200 * time.Millisecond, Timeout: 25 * time.Millisecond})
	assert.Zero(t, m.OK)
	assert.Equal(t, m.Requests, m.Errors.Timeout)
}

func TestRefused(t *testing.T) {
	s := serveRaw(t, "127.0.0.1:0", always(okResponse))
	url := s.url()
	s.close()
	for _, closes := range []bool{false, true} {
		m := measure(t, load.Spec{Exchanges: http1.Get(url), Connections: 3, Duration: 300 * time.Millisecond, Timeout: 200 * time.Millisecond, Close: closes})
		assert.Zero(t, m.OK)
		assert.Zero(t, m.Established)
		assert.Equal(t, m.Requests, m.Errors.Connect)
		assert.GreaterOrEqual(t, m.Requests, uint64(3))
		assert.Less(t, m.Requests, uint64(3*60), "attempts wait longer and longer")
		assert.Contains(t, m.FirstError, "connection refused")
	}
}

func TestServerThatComesLate(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := ln.Addr().String()
	require.NoError(t, ln.Close())
	late := time.AfterFunc(100*time.Millisecond, func() { startNull(t, addr) })
	defer late.Stop()
	m := measure(t, load.Spec{Exchanges: http1.Get("http://" + addr + "/"), Connections: 5, Duration: 200 * time.Millisecond})
	assert.Equal(t, 5, m.Established, "the window waits for its connections")
	assert.Positive(t, m.Errors.Connect)
	assert.Positive(t, m.OK)
	assert.InDelta(t, 1, m.LittlesLaw(), 0.1)
}

func TestContextEndsTheWindow(t *testing.T) {
	s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
		for i := 0; p.next(); i++ {
			if i == 100 {
				<-p.server.done
			}
			p.send(okResponse)
		}
	})
	rate := &load.Schedule{Rate: 500, Seed: 0}
	for name, spec := range map[string]load.Spec{
		"closed": {Exchanges: http1.Get(s.url()), Connections: 3, Duration: 20 * time.Second},
		"open":   {Exchanges: http1.Get(s.url()), Connections: 3, Duration: 20 * time.Second, Schedule: rate},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			began := time.Now()
			m, err := New().Run(ctx, spec)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Less(t, time.Since(began), 2*time.Second)
			require.NotNil(t, m)
			assert.Positive(t, m.OK)
			assert.Equal(t, m.Requests, m.OK+m.Errors.Total())
			assert.InDelta(t, 0.3, m.Duration.Seconds(), 0.2)
			assert.Len(t, m.Bins, int((m.Duration+record.BinWidth-1)/record.BinWidth))
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	m, err := New().Run(ctx, load.Spec{Exchanges: http1.Get("http://127.0.0.1:1/"), Connections: 1, Duration: 20 * time.Second})
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), 2*time.Second)
	require.NotNil(t, m)
	assert.Zero(t, m.Duration)
}

func TestUnsupported(t *testing.T) {
	_, err := New().Run(t.Context(), load.Spec{Exchanges: http1.Get("https://127.0.0.1:1/"), Connections: 1, Duration: time.Second})
	require.ErrorIs(t, err, load.ErrUnsupported)
	_, err = New().Run(t.Context(), load.Spec{Exchanges: http1.Get("http://127.0.0.1:1/"), Duration: time.Second})
	require.ErrorContains(t, err, "connections")
	_, err = New().Run(t.Context(), load.Spec{Exchanges: http1.Get("http://127.0.0.1:1/"), Connections: 1, Duration: time.Second, CPUs: []int{1023}})
	require.ErrorContains(t, err, "pin to core 1023")
}

// dueIn counts the times of a schedule in a window, by walking it.
func dueIn(s *load.Schedule, d time.Duration) (n uint64) {
	for times := s.Times(); times.Next() < d; n++ {
	}
	return n
}

func TestOpenLoop(t *testing.T) {
	s := startNull(t, "127.0.0.1:0")
	for name, spec := range map[string]load.Spec{
		"no bound":       {Duration: 200 * time.Millisecond},
		"bound":          {Duration: 200 * time.Millisecond, Connections: 7},
		"three loops":    {Duration: 200 * time.Millisecond, Connections: 7, CPUs: []int{core(t), core(t), core(t)}},
		"new connection": {Duration: 200 * time.Millisecond, Close: true},
	} {
		for _, arrivals := range []string{"poisson", "constant"} {
			t.Run(name+", "+arrivals, func(t *testing.T) {
				spec.Exchanges = http1.Get(s.URL())
				spec.Schedule = &load.Schedule{Rate: 1000, Poisson: arrivals == "poisson", Seed: 7}
				before := s.Requests()
				m := measure(t, spec)
				assert.Equal(t, dueIn(spec.Schedule, spec.Duration), m.Scheduled)
				assert.Equal(t, m.Scheduled, m.OK, "%v %s", m.Errors, m.FirstError)
				assert.Equal(t, m.Scheduled, m.Requests)
				assert.InDelta(t, 1000, m.Offered, 0)
				if !spec.Close {
					assert.Positive(t, m.Established)
				}
				assert.Eventually(t, func() bool { return s.Requests()-before == m.Requests }, 5*time.Second, time.Millisecond)
				assert.GreaterOrEqual(t, m.Latency.Max+m.Latency.Max/500, m.Service.Max)
			})
		}
	}
}

// One connection, responses after 10 ms, 1,000 requests in a second: 100 can be
// sent in the window, the backlog goes out after it, and latency counts from
// the intended time.
func TestOpenLoopQueues(t *testing.T) {
	s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
		for p.next() {
			time.Sleep(10 * time.Millisecond)
			p.send(okResponse)
		}
	})
	rate := &load.Schedule{Rate: 200, Seed: 0}
	m := measure(t, load.Spec{Exchanges: http1.Get(s.url()), Connections: 1, Duration: 250 * time.Millisecond, Schedule: rate})
	assert.Equal(t, uint64(50), m.Scheduled)
	assert.Equal(t, uint64(50), m.OK)
	assert.Less(t, m.Completed, uint64(26))
	assert.Greater(t, m.Latency.Max, 250*time.Millisecond, "the last was due at 245 ms and came after 500")
	assert.Greater(t, m.Slip.Max, 230*time.Millisecond)
	assert.Greater(t, *m.Service.P50, 10*time.Millisecond)
	assert.Less(t, *m.Service.P50, *m.Latency.P50)
}

func TestNeverSentIsAMiss(t *testing.T) {
	s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
		for p.next() {
			<-p.server.done
		}
	})
	rate := &load.Schedule{Rate: 100, Seed: 0}
	m := measure(t, load.Spec{Exchanges: http1.Get(s.url()), Connections: 2, Duration: 300 * time.Millisecond, Timeout: 200 * time.Millisecond, Schedule: rate})
	assert.Equal(t, uint64(30), m.Scheduled)
	assert.Equal(t, uint64(30), m.Errors.Timeout)
	assert.Less(t, m.Requests, uint64(10), "two connections, 200 ms each")
	assert.Equal(t, int64(m.Requests), s.requests.Load())
}

func TestOpenLoopOpensAsNeeded(t *testing.T) {
	s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
		for p.next() {
			time.Sleep(200 * time.Millisecond)
			p.send(okResponse)
		}
	})
	rate := &load.Schedule{Rate: 1000, Seed: 0}
	m := measure(t, load.Spec{Exchanges: http1.Get(s.url()), Duration: 300 * time.Millisecond, Schedule: rate})
	assert.Zero(t, m.Errors, m.FirstError)
	assert.Equal(t, (&load.Spec{Schedule: rate}).Preopened(), m.Established)
	assert.InDelta(t, 200, float64(s.accepted.Load()), 60)
}

// The connection that was used last is used again; the others stay idle until
// the server has had enough of them, and nobody misses them.
func TestIdleConnectionsThatTheServerEnds(t *testing.T) {
	s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
		_ = p.SetReadDeadline(time.Now().Add(250 * time.Millisecond)) // for the first request
		for p.next() && p.send(okResponse) {
			_ = p.SetReadDeadline(time.Time{})
		}
	})
	rate := &load.Schedule{Rate: 10, Seed: 0}
	m := measure(t, load.Spec{Exchanges: http1.Get(s.url()), Connections: 9, Duration: 500 * time.Millisecond, Schedule: rate})
	assert.Equal(t, 9, m.Established)
	assert.Equal(t, uint64(8), m.Reconnects)
	assert.Zero(t, m.Errors, m.FirstError)
	assert.Equal(t, int64(9), s.accepted.Load(), "none is opened again before it is needed")
}

// The request path allocates nothing: a longer window makes more requests and
// no more garbage. What is made of the counts afterwards is left out.
func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := startNull(t, "127.0.0.1:0")
	schedule := &load.Schedule{Rate: 5000, Poisson: true, Seed: 1}
	for name, schedule := range map[string]*load.Schedule{"closed": nil, "open": schedule} {
		t.Run(name, func(t *testing.T) {
			count := func(d time.Duration) (mallocs, requests uint64) {
				spec := load.Spec{Exchanges: http1.Get(s.URL()), Connections: 16, Duration: d, Schedule: schedule}
				require.NoError(t, spec.Normalize())
				to, wants, err := newTargets(t.Context(), &spec)
				require.NoError(t, err)
				w := newWindow(t.Context(), spec, to, wants, &sources{})
				loops, err := w.newLoops()
				require.NoError(t, err)
				defer loops[0].closeAll()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				loops[0].run()
				runtime.ReadMemStats(&after)
				return after.Mallocs - before.Mallocs, loops[0].requests
			}
			count(100 * time.Millisecond)
			mallocs, requests := count(time.Second)
			require.Greater(t, requests, uint64(2000))
			assert.Less(t, float64(mallocs)/float64(requests), 0.01, "%d in %d requests", mallocs, requests)
		})
	}
}

// TestAccepted: the kernel opens connections before the server takes them up,
// which this one does one at a time.
func TestAccepted(t *testing.T) {
	const n, each = 20, 10 * time.Millisecond
	for name, c := range map[string]struct {
		change func(*load.Spec)
		served int
		all    bool
	}{
		"all":             {func(*load.Spec) {}, n, true},
		"in the lead-in":  {func(sp *load.Spec) { sp.LeadIn = 2 * n * each }, n, true},
		"one never":       {func(sp *load.Spec) { sp.Timeout = 2 * n * each }, n - 1, false},
		"new connections": {func(sp *load.Spec) { sp.Close, sp.Timeout = true, n*each }, n, false},
		"two loops":       {func(sp *load.Spec) { sp.CPUs = []int{-1, -1} }, n, true},
	} {
		t.Run(name, func(t *testing.T) {
			var one sync.Mutex
			accepted := 0
			s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
				one.Lock()
				time.Sleep(each)
				accepted++
				mine := accepted
				one.Unlock()
				if mine > c.served && !c.all {
					_, _ = p.Read(make([]byte, 1<<10))
					<-p.server.done
					return
				}
				for p.next() && p.send(okResponse) {
				}
			})
			spec := load.Spec{Exchanges: http1.Get(s.url()), Connections: n, Duration: 2 * n * each}
			c.change(&spec)
			m, err := New().Run(t.Context(), spec)
			require.NoError(t, err)
			if !c.all {
				assert.Zero(t, m.Accepted)
				return
			}
			assert.GreaterOrEqual(t, m.Accepted, n*each)
			assert.LessOrEqual(t, m.Accepted, spec.LeadIn+spec.Duration+time.Second)
		})
	}
}

func TestSources(t *testing.T) {
	var s sources
	v4 := newAddr(t, "127.0.0.1")
	seen := make(map[string]int)
	for range 3 * blockSize {
		seen[s.next(v4).String()]++
	}
	assert.Equal(t, map[string]int{"invalid IP": blockSize, "127.1.0.1": blockSize, "127.1.0.2": blockSize}, seen)
	assert.False(t, s.next(newAddr(t, "::1")).IsValid())
	assert.False(t, s.next(newAddr(t, "10.0.0.1")).IsValid())
}

// Connections beyond the first block come from other local addresses.
func TestSourceAddressesAreUsed(t *testing.T) {
	seen := make(chan string, 10)
	s := serveRaw(t, "127.0.0.1:0", func(p *peer) {
		host, _, _ := net.SplitHostPort(p.RemoteAddr().String())
		select {
		case seen <- host:
		default:
		}
		always(okResponse)(p)
	})
	e := New()
	e.sources.opened.Store(5 * blockSize)
	_, err := e.Run(t.Context(), load.Spec{Exchanges: http1.Get(s.url()), Connections: 1, Duration: 20 * time.Millisecond})
	require.NoError(t, err)
	assert.Equal(t, "127.1.0.5", <-seen)
}

func TestThreadsAreNotLeftPinned(t *testing.T) {
	s := startNull(t, "127.0.0.1:0")
	for range 5 {
		measure(t, load.Spec{Exchanges: http1.Get(s.URL()), Connections: 1, Duration: 10 * time.Millisecond, CPUs: []int{core(t)}})
	}
	want := affinity(t, syscall.Getpid())
	tasks, err := taskIDs()
	require.NoError(t, err)
	pinned := 0
	for _, tid := range tasks {
		if affinity(t, tid) != want {
			pinned++
		}
	}
	assert.Zero(t, pinned)
}

// core is a core that this process may be pinned to.
func core(t *testing.T) int {
	t.Helper()
	cpus, err := host.Allowed()
	require.NoError(t, err)
	return cpus[0]
}

// withIPv6 leaves out what needs IPv6 on loopback where there is none.
func withIPv6(t *testing.T, addrs ...string) []string {
	t.Helper()
	ln, err := net.Listen("tcp", "[::1]:0") //nolint:noctx // loopback
	if err != nil {
		t.Logf("without IPv6: %v", err)
		return slices.DeleteFunc(addrs, func(a string) bool { return strings.HasPrefix(a, "[::1]") })
	}
	_ = ln.Close()
	return addrs
}

// TestServerThatClosesAtOnce: whatever ends between the opening of the
// connections and the window, no connection gets two requests and the window ends.
func TestServerThatClosesAtOnce(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 5 {
		m, err := New().Run(ctx, load.Spec{
			Exchanges: http1.Get("http://" + ln.Addr().String() + "/"), Connections: 32, Duration: 50 * time.Millisecond,
			Timeout: 500 * time.Millisecond, CPUs: []int{core(t), core(t)},
		})
		require.NoError(t, err)
		assert.Zero(t, m.OK)
		assert.Equal(t, m.Requests, m.Errors.Total())
	}
}
