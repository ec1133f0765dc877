package enginetest_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
)

// testOpenLoop sends what the schedule says, whatever the connections.
func testOpenLoop(t *testing.T, e load.Engine) {
	const window = 300 * time.Millisecond
	for _, c := range []struct {
		schedule    load.Schedule
		connections int
		think       time.Duration
	}{
		{load.Schedule{Rate: 400}, 16, pause},
		{load.Schedule{Rate: 400, Poisson: true, Seed: 7}, 16, pause},
		{load.Schedule{Rate: 400, Poisson: true, Seed: 8}, 0, pause},
		{load.Schedule{Rate: 200}, 0, 100 * time.Millisecond}, // 20 at a time, over the end of the window
		{load.Schedule{Rate: 100}, 1, 12 * time.Millisecond},  // more than the connection can carry
	} {
		t.Run(fmt.Sprintf("%+v over %d, %v", c.schedule, c.connections, c.think), func(t *testing.T) {
			s := newServer(t, func(x *exchange) bool { return x.after(c.think, okay) })
			sp := spec(s.url(), c.connections, window)
			sp.Schedule = &c.schedule
			var want uint64
			for times := c.schedule.Times(); times.Next() < window; {
				want++
			}
			m := measure(t, e, sp)
			checkAllOK(t, m, s)
			assert.Equal(t, want, m.Scheduled, "entries of the schedule in the window")
			assert.Equal(t, want, m.Requests)
			assert.EqualValues(t, want, m.Slip.Count)
			if c.connections == 1 { // they wait for the connection, and some go out after the window
				assert.Less(t, m.Delivered(), 0.95)
				assert.InDelta(t, float64(window/c.think), m.Sent, 4, "what the connection could carry inside the window")
			} else {
				assert.GreaterOrEqual(t, m.Delivered(), 0.9, "the last may be due at the very end")
				assert.Less(t, *m.Slip.P50, within(2*time.Millisecond, 2*time.Second))
			}
			if c.connections > 0 {
				assert.LessOrEqual(t, s.accepted.Load(), int64(c.connections))
			}
			assert.GreaterOrEqual(t, *m.Latency.P50, c.think)
			assert.GreaterOrEqual(t, m.Latency.Mean, m.Service.Mean, "latency is service and slip together")
			assert.InDelta(t, m.Latency.Mean.Seconds(), (m.Service.Mean + m.Slip.Mean).Seconds(), 0.001+0.002*m.Latency.Mean.Seconds())
		})
	}
}

// testEmptySchedule has no send time in the window.
func testEmptySchedule(t *testing.T, e load.Engine) {
	const window = 100 * time.Millisecond
	s := newServer(t, func(x *exchange) bool { return x.send(okay) })
	sp := spec(s.url(), 2, window)
	sp.Schedule = &load.Schedule{Rate: 0.001, Poisson: true, Seed: 1}
	require.Greater(t, sp.Schedule.Times().Next(), 10*time.Second)
	begin := time.Now()
	m := measure(t, e, sp)
	assert.Less(t, time.Since(begin), window+3*time.Second)
	assert.Zero(t, m.Requests)
	assert.Zero(t, m.Scheduled)
	assert.Zero(t, s.received.Load())
	assert.Zero(t, m.Latency.Count)
}

// testStall stops the server once for S in a window of T. The requests that
// were due meanwhile wait for S down to nothing, so the quantile p of the
// latency is at least S - (1-p)T where that is above the service time, and no
// noise of the machine makes it less. An engine that counts from the actual
// send, and sends late, sees next to nothing of it. From above it is held to
// the times at which the server did answer.
func testStall(t *testing.T, newEngine func() load.Engine) {
	const (
		stall  = 300 * time.Millisecond
		window = 2 * time.Second
		rate   = 200
	)
	for _, connections := range []int{100, 1} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			t.Parallel() // the load is small, the windows are long
			e := newEngine()
			var mu sync.Mutex
			var until time.Time
			var came, left []time.Time
			s := newServer(t, func(x *exchange) bool {
				mu.Lock()
				now, i := time.Now(), len(came)
				came, left = append(came, now), append(left, now)
				if until.IsZero() && now.Sub(came[0]) > window/4 {
					until = now.Add(stall)
				}
				wait := until.Sub(now)
				mu.Unlock()
				time.Sleep(max(0, wait))
				mu.Lock()
				left[i] = time.Now()
				mu.Unlock()
				return x.send(okay)
			})
			sp := spec(s.url(), connections, window)
			sp.Schedule = &load.Schedule{Rate: rate}
			m := measure(t, e, sp)
			checkAllOK(t, m, s)
			require.EqualValues(t, 400, m.Requests)
			h, err := m.Latency.Histogram()
			require.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			truth := knownLatencies(came, left, time.Second/rate)
			for _, p := range []float64{0.5, 0.8, 0.9, 0.95, 0.99} {
				least := stall - time.Duration((1-p)*float64(window))
				got, known := h.Quantile(p), truth[int(p*float64(len(truth)))-1]
				assert.GreaterOrEqual(t, got, least-15*time.Millisecond, "p%g: three gaps of the schedule below the theory", 100*p)
				assert.InDelta(t, known.Seconds(), got.Seconds(), within(15*time.Millisecond, 150*time.Millisecond).Seconds(), "p%g against the server's own times", 100*p)
			}
		})
	}
}

// knownLatencies is what the server knows of the latencies of a constant
// schedule, sorted: when each request left, against when it was due. The
// schedule began where no request came before it was due and the most
// punctual one came in time.
func knownLatencies(came, left []time.Time, gap time.Duration) []time.Duration {
	begin := came[0]
	for i, c := range came {
		if b := c.Add(-time.Duration(i) * gap); b.Before(begin) {
			begin = b
		}
	}
	latencies := make([]time.Duration, len(left))
	for i, l := range left {
		latencies[i] = l.Sub(begin.Add(time.Duration(i) * gap))
	}
	slices.Sort(latencies)
	return latencies
}
