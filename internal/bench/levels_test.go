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
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/plan"
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

// trialAt runs one trial of one arm at one closed level and then another.
func trialAt(t *testing.T, arm record.Arm, level record.Level, change func(*bench.Bench, *queue)) (record.Trial, *queue) {
	t.Helper()
	q := &queue{stage: &stage{}}
	run := &record.Run{Arms: []record.Arm{arm}, Levels: []record.Level{{Connections: 8}, level}, Window: time.Second, LongWindow: 3 * time.Second}
	run.Plan = plan.Blocks(run.Arms, func(record.Arm) [][]int { return [][]int{{0}, {1}} }, 1, 1)
	b := &bench.Bench{Run: run, Launcher: q, Engine: q, Sink: q, Arms: map[string]record.Arm{arm.Name: arm}}
	if change != nil {
		change(b, q)
	}
	require.NoError(t, b.Blocks(t.Context()))
	require.Len(t, q.trials, 1)
	return q.trials[0], q
}

func TestShareOfCapacity(t *testing.T) {
	trial, q := trialAt(t, record.Arm{Name: "a"}, record.Level{Kind: record.Share, Share: 0.5}, nil)
	require.Empty(t, trial.Failure)
	assert.Equal(t, []float64{500}, q.rates)
	assert.Equal(t, record.Level{Kind: record.Share, Share: 0.5}, trial.Windows[1].Level, "the rate differs from trial to trial, the level does not")
	assert.InDelta(t, 500, trial.Windows[1].Load.Offered, 1e-9)
}

func TestSearchUnderTheObjective(t *testing.T) {
	trial, q := trialAt(t, record.Arm{Name: "a"}, record.Level{Kind: record.SLO}, nil)
	require.Empty(t, trial.Failure)
	require.Len(t, trial.Windows, 2, "of a search one window is kept")
	w := trial.Windows[1]
	assert.LessOrEqual(t, w.Load.Offered, 700.)
	assert.Greater(t, w.Load.Offered, 700/1.05)
	assert.Equal(t, record.Level{Kind: record.SLO}, w.Level)
	require.NotEmpty(t, w.Probes)
	total := 0
	for _, p := range w.Probes {
		assert.Equal(t, p.Rate <= 700, p.Passed)
		assert.Equal(t, 2, p.Trials, "two that agree are most of three")
		total += p.Trials
	}
	assert.Len(t, q.rates, total)
	assert.LessOrEqual(t, len(w.Probes), 10)

	trial, _ = trialAt(t, record.Arm{Name: "a"}, record.Level{Kind: record.SLO}, func(_ *bench.Bench, q *queue) { q.holdsNothing = true })
	require.Empty(t, trial.Failure, "that it is held nowhere is a finding")
	require.Len(t, trial.Windows, 2)
	assert.Equal(t, []record.Probe{{Rate: 1000. / 16, Trials: 2, Passed: false}}, trial.Windows[1].Probes)
}

// keeper of idle connections of which some were lost.
type kept struct {
	open   int
	closed *bool
}

func (k kept) Open() int { return k.open }
func (k kept) Close()    { *k.closed = true }

func TestIdleConnections(t *testing.T) {
	for _, tc := range []struct {
		open int
		want []string
	}{{1000, nil}, {990, nil}, {989, []string{record.GateIdleConnections}}, {0, []string{record.GateIdleConnections}}} {
		closed := false
		trial, _ := trialAt(t, record.Arm{Name: "a"}, record.Level{Kind: record.Idle, Rate: 100, Idle: 1000}, func(b *bench.Bench, _ *queue) {
			b.Hold = func(_ context.Context, _ string, _, n int) (bench.Held, error) {
				assert.Equal(t, 1000, n)
				return kept{tc.open, &closed}, nil
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
	trial, _ := trialAt(t, record.Arm{Name: "a", Beside: "/cpu"}, record.Level{Kind: record.Open, Rate: 100}, func(b *bench.Bench, q *queue) {
		b.Launcher = launcher{q, other.URL}
		b.Engine = slow{q}
	})
	require.Empty(t, trial.Failure)
	assert.Positive(t, trial.Windows[1].Beside)
	assert.Equal(t, 3*time.Second, trial.Windows[1].Load.Duration, "a long window")
	trial, _ = trialAt(t, record.Arm{Name: "a"}, record.Level{Kind: record.Open, Rate: 100}, nil)
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

func (a addressed) URLs(path string) []string { return []string{a.url + path} }

// slow takes a real moment for a window.
type slow struct{ *queue }

func (s slow) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	opened := spec.Opened
	spec.Opened = func() { opened(); time.Sleep(30 * time.Millisecond) }
	return s.queue.Run(ctx, spec)
}
