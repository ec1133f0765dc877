package bench_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/hold"
	"github.com/hellobench/hellobench/internal/record"
)

// queue is a server that answers 1,000 requests/s in a closed loop, and in an
// open one holds the objective up to 700.
type queue struct {
	*stage
	holdsNothing bool
	rates        []float64
}

func (q *queue) Run(_ context.Context, spec load.Spec) (*record.Measurement, error) {
	spec.Opened()
	spec.Began()
	defer spec.Ended()
	h := record.NewHistogram()
	m := &record.Measurement{Connections: spec.Connections, Established: spec.Connections, Duration: spec.Duration}
	rate, latency := 1000., time.Millisecond
	if spec.Schedule != nil {
		rate = spec.Schedule.Rate
		q.rates = append(q.rates, rate)
		m.Offered, m.Scheduled = rate, uint64(rate*spec.Duration.Seconds())
		if rate > 700 || q.holdsNothing {
			latency = time.Second
		}
	}
	n := uint64(rate * spec.Duration.Seconds())
	for range n {
		h.Record(latency)
	}
	m.Requests, m.OK, m.Completed, m.Latency = n, n, n, h.Distribution()
	m.InFlight = spec.Duration * time.Duration(spec.Connections)
	return m, nil
}

// trialAt runs one trial of one arm at one closed level and then another, in so many passes.
func trialAt(t *testing.T, passes int, arm record.Arm, level record.Level, change func(*bench.Bench, *queue)) (record.Trial, *queue) {
	t.Helper()
	q := &queue{stage: &stage{}}
	run := planned([]record.Arm{arm}, []record.Level{{Connections: 8}, level}, 1, passes)
	run.LongWindow = 3 * time.Second
	b := q.of(run)
	b.Launcher, b.Engine, b.Sink = q, q, q
	if change != nil {
		change(b, q)
	}
	require.NoError(t, b.Blocks(t.Context()))
	require.Len(t, q.trials, 1)
	return q.trials[0], q
}

// at are the windows of a trial at a level.
func at(trial record.Trial, level record.Level) (out []record.Window) {
	for _, w := range trial.Windows {
		if w.Level == level {
			out = append(out, w)
		}
	}
	return out
}

func TestShareOfCapacity(t *testing.T) {
	trial, q := trialAt(t, 1, record.Arm{Name: "a"}, record.Level{Share: 0.5}, nil)
	require.Empty(t, trial.Failure)
	assert.Equal(t, []float64{500}, q.rates)
	assert.Equal(t, record.Level{Share: 0.5}, trial.Windows[1].Level, "the rate differs from trial to trial, the level does not")
	assert.InDelta(t, 500, trial.Windows[1].Load.Offered, 1e-9)
}

// TestProbesOfTheObjective: one probe a pass, each at the rate that the others leave
// most open, so that they close in on what the server holds, from both sides.
func TestProbesOfTheObjective(t *testing.T) {
	slo := record.Level{SLO: true}
	trial, q := trialAt(t, 10, record.Arm{Name: "a"}, slo, nil)
	require.Empty(t, trial.Failure)
	windows := at(trial, slo)
	require.Len(t, windows, 10)
	assert.Len(t, q.rates, 10)
	passed := 0
	for _, w := range windows {
		require.Len(t, w.Probes, 1)
		p := w.Probes[0]
		assert.Equal(t, p.Rate <= 700, p.Passed)
		assert.True(t, p.Rate >= 500 && p.Rate <= 1300, "around the capacity: %v", p.Rate)
		if p.Passed {
			passed++
		}
	}
	assert.InDelta(t, 5, passed, 4, "the failing side is seen, too")
	assert.InEpsilon(t, 700, q.rates[9], 0.1)

	trial, _ = trialAt(t, 6, record.Arm{Name: "a"}, slo, func(_ *bench.Bench, q *queue) { q.holdsNothing = true })
	require.Empty(t, trial.Failure, "that it is held nowhere is a finding")
	assert.Len(t, at(trial, slo), 6)
}

func TestIdleConnections(t *testing.T) {
	for _, tc := range []struct {
		open int
		want []string
	}{{1000, nil}, {990, nil}, {989, []string{record.GateIdleConnections}}, {0, []string{record.GateIdleConnections}}} {
		closed := false
		trial, _ := trialAt(t, 1, record.Arm{Name: "a"}, record.Level{Rate: 100, Idle: 1000}, func(b *bench.Bench, _ *queue) {
			b.Hold = func(_ context.Context, _ *http1.Exchange, n int) (func() int, error) {
				assert.Equal(t, 1000, n)
				return func() int { closed = true; return tc.open }, nil
			}
		})
		require.Empty(t, trial.Failure)
		w := trial.Windows[1]
		assert.Equal(t, tc.open, w.Held)
		assert.Equal(t, 3*time.Second, w.Load.Duration, "a long window")
		var names []string
		for _, g := range w.Gates {
			names = append(names, g.Name)
		}
		assert.Equal(t, tc.want, names)
		assert.True(t, closed)
	}
}

// TestBeside: the other route is asked as long as the window lasts, and by
// nobody afterwards.
func TestBeside(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Millisecond) }))
	defer other.Close()
	trial, _ := trialAt(t, 1, record.Arm{Name: "a", Beside: "/cpu"}, record.Level{Rate: 100}, func(b *bench.Bench, q *queue) {
		b.Launcher, b.Beside = launcher{q, other.URL}, hold.Beside
		b.Engine = slow{q}
	})
	require.Empty(t, trial.Failure)
	assert.Positive(t, trial.Windows[1].Beside)
	trial, _ = trialAt(t, 1, record.Arm{Name: "a"}, record.Level{Rate: 100}, nil)
	assert.Zero(t, trial.Windows[1].Beside)
}

// launcher's servers have an address.
type launcher struct {
	*queue
	url string
}

func (l launcher) Launch(ctx context.Context, arm record.Arm, env map[string]string) (bench.Server, error) {
	s, err := l.stage.Launch(ctx, arm, env)
	return addressed{s, l.url}, err
}

type addressed struct {
	bench.Server
	url string
}

func (a addressed) Verify(_ context.Context, route string) ([]http1.Exchange, error) {
	return http1.Get(a.url + route), nil
}

// slow takes a real moment for a window.
type slow struct{ *queue }

func (s slow) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	opened := spec.Opened
	spec.Opened = func() { opened(); time.Sleep(30 * time.Millisecond) }
	return s.queue.Run(ctx, spec)
}
