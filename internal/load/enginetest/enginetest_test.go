// Package enginetest_test checks that a load engine keeps the contract of
// load.Engine. Every engine runs the same suite, against servers that are
// written on bare listeners so that each fault is exact: the byte where a
// response breaks off and the way it does are the test's to choose.
//
// Counts are compared exactly, on both sides of the connection. Times are
// compared with tolerances that tell a wrong engine from a right one on a
// machine that is busy with other tests; HELLOBENCH_TRUTH=1 sets those that a
// right engine meets on a quiet one. What an engine does beyond the contract (TLS, HTTP/2, result files)
// is for its own tests.
package enginetest_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// testEngine tests the engines that newEngine returns, each test a new one.
func testEngine(t *testing.T, newEngine func() load.Engine) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, func() load.Engine)
	}{
		{"keep-alive", one(testKeepAlive)},
		{"opened", one(testOpened)},
		{"close", one(testClose)},
		{"request", one(testRequest)},
		{"methods and bodies", one(testExchanges)},
		{"Unix socket", one(testUnixSocket)},
		{"formats", testFormats},
		{"large body", one(testLargeBody)},
		{"wrong answers", testWrongAnswers},
		{"broken answers", testBrokenAnswers},
		{"odd answers", testOddAnswers},
		{"garbled answers", testGarbled},
		{"late bytes", one(testLateBytes)},
		{"hostile servers", testHostile},
		{"silent ends", one(testSilentEnds)},
		{"refused", one(testRefused)},
		{"no answer", testNoAnswer},
		{"killed", one(testKilled)},
		{"server ends connections", one(testServerEnds)},
		{"dropped requests", one(testDropped)},
		{"names and IPv6", one(testHosts)},
		{"refuses bad specifications", one(testBadSpec)},
		{"several targets", one(testSeveralTargets)},
		{"known delay", one(testKnownDelay)},
		{"first byte", testFirstByte},
		{"open loop", one(testOpenLoop)},
		{"empty schedule", one(testEmptySchedule)},
		{"coordinated omission", testStall},
		{"cancel", one(testCancel)},
		{"lead-in, known delay", one(testLeadInDelay)},
		{"lead-in, counts", one(testLeadInCounts)},
		{"lead-in, errors", one(testLeadInErrors)},
		{"lead-in, cancel", one(testLeadInCancel)},
		{"edges", one(testEdges)},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newEngine) })
	}
}

// one is a test that uses one engine for all its windows. The others run
// windows beside one another, each with its own.
func one(test func(*testing.T, load.Engine)) func(*testing.T, func() load.Engine) {
	return func(t *testing.T, newEngine func() load.Engine) {
		t.Helper()
		test(t, newEngine())
	}
}

// hello is the body that the servers send unless a test says otherwise.
const hello = "Hello, World!\n"

// within is the tolerance for a time: strict on a machine that is said to be
// quiet.
func within(strict, loose time.Duration) time.Duration {
	if os.Getenv("HELLOBENCH_TRUTH") == "1" {
		return strict
	}
	return loose
}

// spec is a closed loop of n connections that expects hello.
func spec(url string, n int, d time.Duration) load.Spec {
	return load.Spec{
		Exchanges: []http1.Exchange{{URL: url, Want: http1.Expectation{Exact: []byte(hello)}}}, Connections: n, Duration: d, Timeout: 5 * time.Second,
	}
}

// measure runs a window and checks what holds for every measurement.
func measure(t *testing.T, e load.Engine, s load.Spec) *record.Measurement {
	t.Helper()
	begin := time.Now()
	m, err := e.Run(t.Context(), s)
	elapsed := time.Since(begin)
	require.NoError(t, err)
	require.NotNil(t, m)
	checkSums(t, m)
	assert.Equal(t, e.Name(), m.Engine)
	assert.Equal(t, s.Connections, m.Connections)
	assert.Equal(t, s.Duration, m.Duration)
	assert.Less(t, elapsed, s.Duration+s.Timeout+time.Second, "the window must end")
	if s.Schedule != nil {
		assert.InDelta(t, s.Schedule.Rate, m.Offered, 1e-9)
		require.NotNil(t, m.Service)
		require.NotNil(t, m.Slip)
		assert.EqualValues(t, m.OK, m.Service.Count, "service time of correct responses")
		return m
	}
	assert.GreaterOrEqual(t, elapsed, s.Duration, "the window must last")
	assert.Zero(t, m.Offered)
	assert.Zero(t, m.Scheduled)
	assert.Nil(t, m.Service)
	assert.Nil(t, m.Slip)
	assert.LessOrEqual(t, m.LittlesLaw(), 1.001, "no more than one request in flight a connection")
	return m
}

// checkSums checks the identities between the fields of a measurement.
func checkSums(t *testing.T, m *record.Measurement) {
	t.Helper()
	asked := m.Requests
	if m.Offered > 0 { // a request that could not be sent in time is a timeout
		asked = m.Scheduled
		assert.LessOrEqual(t, m.Requests, asked, "no request without a place in the schedule")
	}
	assert.Equal(t, asked, m.OK+m.Errors.Total(), "every request is correct or in one class: %v", m.Errors)
	assert.LessOrEqual(t, m.Sent, m.Requests)
	if m.LeadIn == 0 {
		assert.LessOrEqual(t, m.Completed, m.Sent, "what was completed inside the window was sent inside it")
		assert.LessOrEqual(t, m.Completed, m.OK)
	}
	assert.GreaterOrEqual(t, m.InFlight, time.Duration(0))
	require.NotNil(t, m.Latency)
	assert.EqualValues(t, m.OK, m.Latency.Count, "latency of correct responses only")
	if f := m.FirstByte; f != nil {
		assert.EqualValues(t, m.OK, f.Count, "first bytes of correct responses only")
		assert.LessOrEqual(t, f.Mean.Seconds(), 1.002*m.Latency.Mean.Seconds(), "the first byte comes before the last, to three digits")
	}
	assert.Equal(t, m.Errors.Total() == 0, m.FirstError == "", "first error %q", m.FirstError)
	whole := int(m.Duration / record.BinWidth)
	assert.Contains(t, []int{whole, whole + 1}, len(m.Bins), "bins")
	var binned uint64
	for _, b := range m.Bins {
		binned += b.OK
		assert.Equal(t, b.OK == 0, b.P50 == 0, "a bin has a median if anything was completed in it")
	}
	assert.LessOrEqual(t, binned, m.Completed)
	if m.Duration%record.BinWidth == 0 {
		assert.Equal(t, m.Completed, binned, "the bins cover the window")
	}
}

// checkAllOK checks that nothing failed, and the counts of both sides.
func checkAllOK(t *testing.T, m *record.Measurement, s *server) {
	t.Helper()
	assert.NotZero(t, m.OK)
	assert.Equal(t, record.Errors{}, m.Errors, "first: %s", m.FirstError)
	assert.EqualValues(t, m.Requests, s.received.Load(), "requests on both sides")
	assert.EqualValues(t, m.OK, s.answered.Load(), "responses on both sides")
}

// testCancel ends windows from outside: the call returns at once with what
// was measured so far.
func testCancel(t *testing.T, e load.Engine) {
	begun := make(chan struct{}, 1) // holds a token once a request has come
	begin := func() {
		select {
		case begun <- struct{}{}:
		default:
		}
	}
	quick := newServer(t, func(x *exchange) bool { begin(); return x.after(5*time.Millisecond, okay) })
	silent := newServer(t, func(x *exchange) bool { begin(); return x.silence() })
	patience := within(200*time.Millisecond, 3*time.Second)
	for _, c := range []struct {
		name string
		url  string
		open *load.Schedule
		some bool // responses are expected
	}{
		{"closed loop", quick.url(), nil, true},
		{"closed loop, no answers", silent.url(), nil, false},
		{"open loop", quick.url(), &load.Schedule{Rate: 200}, true},
		{"open loop, no answers", silent.url(), &load.Schedule{Rate: 200}, false},
		{"open loop, next send is far", quick.url(), &load.Schedule{Rate: 0.2}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := spec(c.url, 4, 20*time.Second)
			s.Schedule = c.open
			var ended time.Time
			select {
			case <-begun: // of the test before
			default:
			}
			go func() {
				<-begun
				time.Sleep(150 * time.Millisecond)
				ended = time.Now()
				cancel()
			}()
			m, err := e.Run(ctx, s)
			returned := time.Now()
			require.ErrorIs(t, err, context.Canceled)
			assert.Less(t, returned.Sub(ended), patience, "time from cancel to return")
			require.NotNil(t, m)
			require.NotNil(t, m.Latency)
			assert.GreaterOrEqual(t, m.Requests, m.OK+m.Errors.Total())
			assert.EqualValues(t, m.OK, m.Latency.Count)
			assert.Equal(t, c.some, m.OK > 0, "%d responses", m.OK)
			assert.Zero(t, m.Errors.Total(), "a request that was given up is no error: %v", m.Errors)
		})
	}
	t.Run("before it begins", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begin := time.Now()
		_, err := e.Run(ctx, spec(quick.url(), 4, 20*time.Second))
		require.ErrorIs(t, err, context.Canceled)
		assert.Less(t, time.Since(begin), patience)
	})
}

// testBadSpec asks for what cannot be run.
func testBadSpec(t *testing.T, e load.Engine) {
	one, other := "http://127.0.0.1:1/", "http://127.0.0.1:2/"
	for name, s := range map[string]load.Spec{
		"no target":      {Connections: 1, Duration: time.Second},
		"few for two":    {Exchanges: http1.Get(one, other), Connections: 1, Duration: time.Second},
		"two schemes":    {Exchanges: http1.Get(one, "https://127.0.0.1:2/"), Connections: 2, Duration: time.Second},
		"no connections": {Exchanges: http1.Get("http://127.0.0.1:1/"), Duration: time.Second},
		"no duration":    {Exchanges: http1.Get("http://127.0.0.1:1/"), Connections: 1},
		"not HTTP":       {Exchanges: http1.Get("ftp://127.0.0.1/"), Connections: 1, Duration: time.Second},
	} {
		m, err := e.Run(t.Context(), s)
		require.Error(t, err, name)
		assert.Nil(t, m, name)
	}
	m, err := e.Run(t.Context(), load.Spec{Exchanges: http1.Get(one, other), Connections: 2, Duration: time.Second, Schedule: &load.Schedule{Rate: 1}})
	require.ErrorContains(t, err, "a schedule for 2 servers: only a closed loop can use several")
	assert.Nil(t, m)
}
