package vegeta

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

const hello = "Hello, World!\n"

// answer says hello after a while.
func answer(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(d)
		_, _ = io.WriteString(w, hello)
	}
}

func closedLoop(url string, n int, d time.Duration) load.Spec {
	return load.Spec{Exchanges: []http1.Exchange{{URL: url, Want: http1.Expectation{Exact: []byte(hello)}}}, Connections: n, Duration: d, Timeout: 5 * time.Second}
}

func TestResultsAreVegetas(t *testing.T) {
	var fail atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fail.Load() {
			w.WriteHeader(http.StatusTeapot)
		}
		answer(time.Millisecond)(w, r)
	}))
	defer s.Close()
	var out bytes.Buffer
	e := New(Options{Results: &out})

	closed, err := e.Run(t.Context(), closedLoop(s.URL, 2, 100*time.Millisecond))
	require.NoError(t, err)
	fail.Store(true)
	spec := closedLoop(s.URL, 2, 100*time.Millisecond)
	spec.Schedule = &load.Schedule{Rate: 200}
	open, err := e.Run(t.Context(), spec)
	require.NoError(t, err)
	require.EqualValues(t, 20, open.Errors.Status)

	decode := vegeta.NewDecoder(&out)
	metrics := map[string]*vegeta.Metrics{"window 1": {}, "window 2": {}}
	var sent []time.Time
	for {
		var r vegeta.Result
		if err := decode(&r); errors.Is(err, io.EOF) {
			break
		} else if !assert.NoError(t, err) {
			break
		}
		require.Contains(t, metrics, r.Attack)
		assert.Equal(t, s.URL, r.URL)
		metrics[r.Attack].Add(&r)
		if r.Attack == "window 2" {
			sent = append(sent, r.Timestamp)
		}
	}
	for _, m := range metrics {
		m.Close()
	}
	m := metrics["window 1"]
	assert.Equal(t, closed.Requests, m.Requests)
	assert.InDelta(t, 1, m.Success, 1e-9)
	assert.InDelta(t, float64(len(hello)), m.BytesIn.Mean, 1e-9)
	assert.InEpsilon(t, float64(closed.Latency.Mean), float64(m.Latencies.Mean), 0.002)
	assert.InEpsilon(t, float64(closed.Latency.Max), float64(m.Latencies.Max), 0.002)
	m = metrics["window 2"]
	assert.Equal(t, map[string]int{"418": 20}, m.StatusCodes)
	assert.Equal(t, []string{"status 418, expected 200"}, m.Errors)
	assert.Zero(t, m.Success)
	// The times are those of the schedule, not of the sends.
	assert.Equal(t, 95*time.Millisecond, m.Latest.Sub(m.Earliest))
	for _, at := range sent {
		assert.Zero(t, at.Sub(m.Earliest)%(5*time.Millisecond))
	}
}

// slowWriter takes its time for every write.
type slowWriter struct {
	each time.Duration
	n    atomic.Int64
}

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(w.each)
	w.n.Add(int64(len(p)))
	return len(p), nil
}

func TestSlowWriterHoldsUpNoWorker(t *testing.T) {
	s := httptest.NewServer(answer(2 * time.Millisecond))
	defer s.Close()
	out := &slowWriter{each: 30 * time.Millisecond}
	e := New(Options{Results: out})
	e.buf = bufio.NewWriterSize(out, 512) // a write every few results
	e.encode = vegeta.NewEncoder(e.buf)
	begin := time.Now()
	m, err := e.Run(t.Context(), closedLoop(s.URL, 4, 250*time.Millisecond))
	require.NoError(t, err)
	require.Greater(t, time.Since(begin), 2*m.Duration, "the writer is the slower one")
	// With workers waiting for the writer, it would be 0.2.
	assert.Greater(t, m.LittlesLaw(), 0.5)
	assert.Greater(t, out.n.Load(), int64(m.OK*30), "everything is written when Run returns")
}

type brokenWriter struct{}

var errBroken = errors.New("disk full")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestBrokenWriterIsReported(t *testing.T) {
	s := httptest.NewServer(answer(time.Millisecond))
	defer s.Close()
	m, err := New(Options{Results: brokenWriter{}}).Run(t.Context(), closedLoop(s.URL, 1, 20*time.Millisecond))
	require.ErrorIs(t, err, errBroken)
	require.NotNil(t, m)
	assert.NotZero(t, m.OK)
}

func TestTLS(t *testing.T) {
	var protos sync.Map
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protos.Store(r.Proto, true)
		answer(time.Millisecond)(w, r)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of our refusals
	s.StartTLS()
	defer s.Close()

	seen := func() (list []string) {
		protos.Range(func(k, _ any) bool { list = append(list, k.(string)); return true })
		protos.Clear()
		return list
	}
	for _, c := range []struct {
		name        string
		opts        Options
		proto       string
		connections int
	}{
		{"HTTP/1.1", Options{InsecureSkipVerify: true}, "HTTP/1.1", 8},
		{"HTTP/2", Options{InsecureSkipVerify: true, HTTP2: true}, "HTTP/2.0", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := New(c.opts).Run(t.Context(), closedLoop(s.URL, 8, 100*time.Millisecond))
			require.NoError(t, err)
			assert.Equal(t, record.Errors{}, m.Errors, m.FirstError)
			assert.Equal(t, m.Requests, m.OK)
			assert.NotZero(t, m.OK)
			assert.Equal(t, c.connections, m.Established)
			assert.Equal(t, []string{c.proto}, seen())
			assert.Zero(t, m.Reconnects)
		})
	}
	t.Run("HTTP/2 with more requests than a connection takes", func(t *testing.T) {
		m, err := New(Options{InsecureSkipVerify: true, HTTP2: true}).Run(t.Context(), closedLoop(s.URL, 270, 250*time.Millisecond))
		require.NoError(t, err)
		assert.Equal(t, record.Errors{}, m.Errors, m.FirstError)
		assert.Equal(t, m.Requests, m.OK)
		assert.NotZero(t, m.OK)
	})
	t.Run("verifies", func(t *testing.T) {
		m, err := New(Options{}).Run(t.Context(), closedLoop(s.URL, 2, 30*time.Millisecond))
		require.NoError(t, err)
		assert.Equal(t, record.Errors{Connect: m.Requests}, m.Errors)
		assert.NotZero(t, m.Requests)
		assert.Contains(t, m.FirstError, "certificate")
		assert.Zero(t, m.Established)
	})
	t.Run("HTTP/2 needs TLS", func(t *testing.T) {
		_, err := New(Options{HTTP2: true}).Run(t.Context(), closedLoop("http://127.0.0.1:1/", 2, time.Second))
		require.ErrorIs(t, err, load.ErrUnsupported)
	})
}

func TestClientIsLeftAlone(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "hellobench", r.UserAgent())
		assert.Empty(t, r.Header.Get("Accept-Encoding"))
		assert.Empty(t, r.Header.Get("X-Vegeta-Attack"))
		answer(time.Millisecond)(w, r)
	}))
	defer s.Close()
	m, err := New(Options{}).Run(t.Context(), closedLoop(s.URL, 1, 30*time.Millisecond))
	require.NoError(t, err)
	assert.Equal(t, record.Errors{}, m.Errors)
	assert.NotZero(t, m.OK)
}

// TestOverload asks for more than the generator can send: the window ends
// all the same, and what was not sent is not forgotten.
func TestOverload(t *testing.T) {
	s := httptest.NewServer(answer(0))
	defer s.Close()
	spec := closedLoop(s.URL, 8, 50*time.Millisecond)
	spec.Timeout = 150 * time.Millisecond
	spec.Schedule = &load.Schedule{Rate: 5e6}
	begin := time.Now()
	m, err := New(Options{}).Run(t.Context(), spec)
	require.NoError(t, err)
	assert.Less(t, time.Since(begin), 5*time.Second)
	assert.EqualValues(t, 250_000, m.Scheduled)
	assert.Less(t, m.Requests, m.Scheduled)
	assert.Equal(t, m.Scheduled, m.OK+m.Errors.Total())
	assert.Greater(t, m.Slip.Max, spec.Duration/2)
	assert.Greater(t, m.Latency.Max, spec.Duration/2, "being late is in the latency")
}

// TestOneProcessor runs an open loop as on a machine with one core. A pacer that
// holds the processor while it waits keeps responses from being seen: the median
// latency was 6 ms then.
func TestOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := httptest.NewServer(answer(0))
	defer s.Close()
	spec := closedLoop(s.URL, 16, 500*time.Millisecond)
	spec.Schedule = &load.Schedule{Rate: 1000}
	m, err := New(Options{}).Run(t.Context(), spec)
	require.NoError(t, err)
	assert.EqualValues(t, 500, m.OK)
	assert.Less(t, *m.Latency.P50, 2*time.Millisecond)
}

func TestCPUIsThatOfTheWindow(t *testing.T) {
	s := httptest.NewServer(answer(0))
	defer s.Close()
	for range int(1e8) { // before the window: must not be counted
		runtime.KeepAlive(s)
	}
	m, err := New(Options{}).Run(t.Context(), closedLoop(s.URL, 4, 250*time.Millisecond))
	require.NoError(t, err)
	assert.NotZero(t, m.CPU.User)
	assert.NotZero(t, m.CPU.System)
	assert.Less(t, m.CPU.Total(), time.Duration(math.Ceil(float64(runtime.NumCPU())*1.5*float64(m.Duration))))
}

func TestNothingIsLeftBehind(t *testing.T) {
	var open atomic.Int64
	s := httptest.NewUnstartedServer(answer(time.Millisecond))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	s.Start()
	defer s.Close()
	before := runtime.NumGoroutine()
	spec := closedLoop(s.URL, 16, 60*time.Millisecond)
	spec.Schedule = &load.Schedule{Rate: 100} // leaves most connections unused
	m, err := New(Options{}).Run(t.Context(), spec)
	require.NoError(t, err)
	require.Equal(t, 16, m.Established)
	assert.Eventually(t, func() bool { return open.Load() == 0 }, time.Second, time.Millisecond, "connections")
	for end := time.Now().Add(time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), before, "goroutines")
}
