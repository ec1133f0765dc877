package enginetest_test

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// leadIn is how long the load of these tests goes on before the window.
const leadIn = 60 * time.Millisecond

// testLeadInDelay: a server that takes D answers N connections N/D times a
// second, in a window of any length; connections in step would make it a whole
// number of D. What the server's timer adds is in the latency too. A busy machine
// gets five windows.
func testLeadInDelay(t *testing.T, e load.Engine) {
	const n, delay = 32, 50 * time.Millisecond
	share := within(10*time.Millisecond, 30*time.Millisecond).Seconds() // 1% or 3%
	for _, window := range []time.Duration{300 * time.Millisecond, 325 * time.Millisecond} {
		wrong := "never tried"
		for try := 0; try < 5 && wrong != ""; try++ {
			s := newServer(t, func(x *exchange) bool { return x.after(delay, okay) })
			sp := spec(s.url(), n, window)
			sp.LeadIn = leadIn
			m := measure(t, e, sp)
			assert.Equal(t, leadIn, m.LeadIn)
			ideal := n / m.Latency.Mean.Seconds()
			if wrong = ""; math.Abs(m.Throughput()/ideal-1) > share || math.Abs(m.LittlesLaw()-1) > share {
				wrong = fmt.Sprintf("throughput is %.1f/s and should be %.1f/s; Little's law %.3f", m.Throughput(), ideal, m.LittlesLaw())
				t.Log(wrong)
			}
		}
		assert.Empty(t, wrong, "window %v", window)
	}
}

// testLeadInCounts: the server has all requests, the window those that were due in it.
func testLeadInCounts(t *testing.T, e load.Engine) {
	t.Run("open loop", func(t *testing.T) {
		const window = 200 * time.Millisecond
		for _, c := range []struct {
			connections int
			think       time.Duration
		}{
			{0, pause},
			{16, 70 * time.Millisecond}, // longer than the lead-in, and more than the connections carry
		} {
			schedule := load.Schedule{Rate: 400, Poisson: true, Seed: 5}
			var before, inside int64
			for times, at := schedule.Times(), time.Duration(0); ; {
				if at = times.Next(); at >= leadIn+window {
					break
				} else if at < leadIn {
					before++
				} else {
					inside++
				}
			}
			s := newServer(t, func(x *exchange) bool { return x.after(c.think, okay) })
			sp := spec(s.url(), c.connections, window)
			sp.Schedule, sp.LeadIn = &schedule, leadIn
			m := measure(t, e, sp)
			assert.Equal(t, record.Errors{}, m.Errors, "first: %s", m.FirstError)
			assert.Equal(t, before+inside, s.received.Load())
			assert.EqualValues(t, inside, m.Requests)
			assert.EqualValues(t, inside, m.Scheduled)
			assert.EqualValues(t, inside, m.Slip.Count)
			assert.GreaterOrEqual(t, *m.Latency.P50, c.think)
		}
	})
	t.Run("closed loop", func(t *testing.T) {
		const n = 8
		s := newServer(t, func(x *exchange) bool { return x.after(pause, okay) })
		var before int64
		sp := spec(s.url(), n, short)
		sp.LeadIn = leadIn
		sp.Began = func() { before = s.received.Load() }
		m := measure(t, e, sp)
		assert.Equal(t, record.Errors{}, m.Errors, "first: %s", m.FirstError)
		assert.Equal(t, s.received.Load(), s.answered.Load(), "all requests were waited for")
		assert.Greater(t, before, int64(n), "the lead-in is a load")
		assert.InDelta(t, before, s.received.Load()-int64(m.Requests), n, "what was sent before, but for what was under way")
	})
}

// testLeadInErrors: what fails in the lead-in only is no error of the window.
func testLeadInErrors(t *testing.T, e load.Engine) {
	for name, answer := range map[string]func(*exchange) bool{
		"status": func(x *exchange) bool { return x.after(pause, response("500 Oh", hello)) },
		"body":   func(x *exchange) bool { return x.after(pause, response("200 OK", "Goodbye")) },
		"reset":  func(x *exchange) bool { time.Sleep(pause); return x.reset() },
	} {
		for _, open := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, open loop %v", name, open), func(t *testing.T) {
				var well atomic.Bool
				s := newServer(t, func(x *exchange) bool {
					if well.Load() {
						return x.after(pause, okay)
					}
					return answer(x)
				})
				sp := spec(s.url(), 4, short)
				sp.LeadIn = leadIn
				if open {
					sp.Schedule = &load.Schedule{Rate: 400}
				}
				m := measure(t, e, sp)
				assert.Equal(t, m.Requests, m.Errors.Total(), "a server that always fails")
				assert.Zero(t, m.Completed)

				// It is well a while before the window, so that no failure is under way.
				sp.Opened = func() { time.AfterFunc(leadIn/2, func() { well.Store(true) }) }
				m = measure(t, e, sp)
				assert.Equal(t, record.Errors{}, m.Errors, "a server that came to its senses: %s", m.FirstError)
				assert.NotZero(t, m.OK)
			})
		}
	}
}

// testEdges: what is called at the edges of the window is called in time, while
// the load goes on. A busy machine gets five windows for the time.
func testEdges(t *testing.T, e load.Engine) {
	slack := within(3*time.Millisecond, 50*time.Millisecond)
	for _, lead := range []time.Duration{0, leadIn} {
		for _, open := range []bool{false, true} {
			t.Run(fmt.Sprintf("lead-in %v, open loop %v", lead, open), func(t *testing.T) {
				late := true
				for try := 0; try < 5 && late; try++ {
					s := newServer(t, func(x *exchange) bool { return x.after(pause, okay) })
					sp := spec(s.url(), 4, 200*time.Millisecond)
					sp.LeadIn = lead
					if open {
						sp.Schedule = &load.Schedule{Rate: 500}
					}
					opened, began, ended := atEdges(t, e, s, sp)
					late = (began.Sub(opened)-lead).Abs() > slack || (ended.Sub(began)-sp.Duration).Abs() > slack
				}
				assert.False(t, late)
			})
		}
	}
}

// atEdges is when a window called what is called at its edges.
func atEdges(t *testing.T, e load.Engine, s *server, sp load.Spec) (opened, began, ended time.Time) {
	t.Helper()
	var calls []string
	sp.Opened = func() {
		calls, opened = append(calls, "opened"), time.Now()
		assert.Zero(t, s.received.Load(), "no request before")
	}
	sp.Began = func() {
		calls, began = append(calls, "began"), time.Now()
		assert.Equal(t, sp.LeadIn > 0, s.received.Load() > 0, "requests before it: %d", s.received.Load())
	}
	sp.Ended = func() { calls, ended = append(calls, "ended"), time.Now() }
	m := measure(t, e, sp)
	require.Equal(t, []string{"opened", "began", "ended"}, calls)
	assert.NotZero(t, m.CPU.Total())
	return opened, began, ended
}

// testLeadInCancel ends the context before the window begins.
func testLeadInCancel(t *testing.T, e load.Engine) {
	s := newServer(t, func(x *exchange) bool { return x.after(pause, okay) })
	for _, open := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		sp := spec(s.url(), 4, 20*time.Second)
		sp.LeadIn = 20 * time.Second
		if open {
			sp.Schedule = &load.Schedule{Rate: 200}
		}
		sp.Opened = func() { time.AfterFunc(100*time.Millisecond, cancel) }
		sp.Began = func() { assert.Fail(t, "the window has not begun") }
		begin := time.Now()
		m, err := e.Run(ctx, sp)
		require.ErrorIs(t, err, ctx.Err())
		assert.Less(t, time.Since(begin), 5*time.Second)
		require.NotNil(t, m)
		assert.Zero(t, m.Duration)
		assert.Zero(t, m.Requests)
		assert.Zero(t, m.Scheduled)
		assert.Zero(t, m.Completed)
		assert.Zero(t, m.InFlight)
		assert.Zero(t, m.CPU)
		assert.Empty(t, m.Bins)
	}
}
