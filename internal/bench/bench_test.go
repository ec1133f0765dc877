package bench_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/plan"
	"github.com/hellobench/hellobench/internal/record"
)

// The stage: servers and a generator without sockets, so that what is tested
// is the loop alone. Real servers are in the tests of runners and cli.
type stage struct {
	launches      []string
	envs          []map[string]string
	running       int
	most          int // that ran at the same time
	trials        []record.Trial
	events        []bench.Event
	failLaunch    string
	dieAfter      int // windows of one server
	windows       int
	specs         []load.Spec
	cancel        func()
	cancelAt      int
	full          bool
	verifyFailure error
	instances     int
	cpu           time.Duration // that the servers used in each window
}

func (s *stage) Launch(_ context.Context, arm record.Arm, env map[string]string) (bench.Server, error) {
	s.launches, s.envs = append(s.launches, arm.Name), append(s.envs, env)
	if arm.Name == s.failLaunch {
		return nil, errors.New("it printed: no")
	}
	s.running++
	s.most = max(s.most, s.running)
	return &actor{stage: s}, nil
}

type actor struct {
	*stage
	asked int // windows
}

func (a *actor) Ports() (ports []int) {
	for i := range max(a.instances, 1) {
		ports = append(ports, i+1)
	}
	return ports
}

func (a *actor) Runtime(context.Context) map[string]string {
	return map[string]string{"implementation": "actor"}
}
func (a *actor) Startup() time.Duration { return time.Millisecond }

func (a *actor) Usage(bool) (record.Usage, error) {
	return record.Usage{CPU: record.CPU{User: a.cpu}, PSS: 1}, nil
}

func (a *actor) Clock() func() time.Duration { return reads(a.cpu) }

// reads is a clock that was read.
func reads(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

func (a *actor) Stop() error { a.running--; return nil }

func (a *actor) Verify(_ context.Context, route string) (all []http1.Exchange, err error) {
	for _, port := range a.Ports() {
		all = append(all, http1.Exchange{URL: "http://127.0.0.1:" + strconv.Itoa(port) + route, Want: http1.Expectation{Exact: []byte("x")}})
	}
	return all, a.verifyFailure
}

func (a *actor) Alive() error {
	if a.asked++; a.dieAfter > 0 && a.asked >= a.dieAfter {
		return errors.New("ended by itself")
	}
	return nil
}

func (s *stage) Name() string { return "stage" }
func (s *stage) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	spec.Opened()
	spec.Began()
	s.windows++
	s.specs = append(s.specs, spec)
	if s.cancel != nil && s.windows == s.cancelAt {
		s.cancel()
		return &record.Measurement{}, ctx.Err()
	}
	s.cpu += time.Second
	spec.Ended()
	n := uint64(spec.Connections)
	return &record.Measurement{
		Connections: spec.Connections, Established: spec.Connections, Duration: spec.Duration, LeadIn: spec.LeadIn,
		Requests: n, OK: n, Completed: n, InFlight: spec.Duration * time.Duration(spec.Connections),
	}, nil
}

func (s *stage) Append(trials []*record.Trial) error {
	if s.full {
		return errors.New("no space left on device")
	}
	for _, t := range trials {
		s.trials = append(s.trials, *t)
	}
	return nil
}

// planned is a run of one experiment of all arms at all levels.
func planned(arms []record.Arm, levels []record.Level, blocks, passes int) *record.Run {
	e := record.Experiment{Name: "one", Blocks: record.Range{Min: blocks, Max: blocks}, Passes: passes, Window: time.Second}
	for _, a := range arms {
		e.Arms = append(e.Arms, a.Name)
	}
	for i := range levels {
		e.Levels = append(e.Levels, i)
	}
	run := &record.Run{Arms: arms, Levels: levels, Experiments: []record.Experiment{e}}
	run.Plan = plan.Blocks(run.Experiments, func(x int, _ string) []int { return run.Experiments[x].Levels }, 1)
	return run
}

func (s *stage) of(run *record.Run) *bench.Bench {
	b := &bench.Bench{Run: run, Launcher: s, Engine: s, Sink: s, Arms: map[string]record.Arm{}, Observe: func(ev bench.Event) { s.events = append(s.events, ev) }}
	for _, a := range run.Arms {
		b.Arms[a.Name] = a
	}
	return b
}

func (s *stage) bench(blocks int) *bench.Bench {
	arms := []record.Arm{{Name: "a", Route: "/"}, {Name: "b", Route: "/json", Close: true}}
	run := planned(arms, []record.Level{{Connections: 1}, {Connections: 8}}, blocks, 2)
	run.Warmup, run.Experiments[0].LeadIn = time.Second, time.Millisecond
	return s.of(run)
}

// TestBlocksFollowThePlan: the servers of a block are up together, and are asked in
// turns, round after round.
func TestBlocksFollowThePlan(t *testing.T) {
	s := &stage{}
	b := s.bench(3)
	require.NoError(t, b.Blocks(t.Context()))
	var want []string
	for _, block := range b.Run.Plan {
		for _, p := range block.Trials {
			want = append(want, p.Arm)
		}
	}
	assert.Equal(t, want, s.launches)
	assert.Zero(t, s.running)
	assert.Equal(t, 2, s.most)
	require.Len(t, s.trials, 6)
	for i, trial := range s.trials {
		assert.Equal(t, i/2, trial.Block)
		assert.Equal(t, i%2, trial.Position)
		require.Len(t, trial.Windows, 5)
		assert.True(t, trial.Windows[0].Warmup)
		assert.Empty(t, trial.Failure)
		assert.Equal(t, trial.Setup["PYTHONHASHSEED"], s.envs[i]["PYTHONHASHSEED"])
		for j, w := range trial.Windows[1:] {
			assert.Equal(t, j/2, w.Pass)
			assert.Equal(t, time.Second, w.Server.CPU.Total(), "usage is a difference")
			assert.Equal(t, time.Second, w.Others, "and that of the other server is known, too")
			require.Len(t, w.Gates, 1, "for that server was to be idle")
			assert.Equal(t, record.GateResident, w.Gates[0].Name)
		}
	}
	assert.NotEqual(t, s.envs[0], s.envs[1], "the set-up is drawn anew for every start")
	for _, spec := range s.specs {
		assert.Equal(t, []byte("x"), spec.Exchanges[0].Want.Exact)
		assert.Equal(t, spec.Exchanges[0].URL == "http://127.0.0.1:1/json", spec.Close)
	}

	var got, rounds []string
	for _, ev := range s.events {
		if ev.Kind == bench.WindowEnds && !ev.Window.Warmup {
			got = append(got, fmt.Sprint(ev.Arm, ev.Window.Level))
		}
	}
	for i := range b.Run.Plan {
		for pass := range 2 {
			for _, r := range plan.Pass(&b.Run.Plan[i], b.Run.Levels, pass) {
				for _, j := range r.Trials {
					rounds = append(rounds, fmt.Sprint(b.Run.Plan[i].Trials[j].Arm, b.Run.Levels[r.Level]))
				}
			}
		}
	}
	assert.Equal(t, rounds, got)
	last := s.events[len(s.events)-1]
	assert.Equal(t, bench.BlockEnds, last.Kind)
	assert.Zero(t, last.Remaining)
	assert.InDelta(t, 1, last.Done, 1e-9)
}

// TestInstances: every window is dealt to all instances of the server, and the
// warm-up reaches each of them, however many they are.
func TestInstances(t *testing.T) {
	for _, n := range []int{2, 20} {
		s := &stage{instances: n}
		b := s.bench(1)
		for i := range b.Run.Levels {
			b.Run.Levels[i].Connections *= n
		}
		require.NoError(t, b.Blocks(t.Context()))
		for _, spec := range s.specs {
			assert.Len(t, spec.Exchanges, n)
			require.NoError(t, spec.Normalize())
		}
		ports := strings.Fields(s.trials[0].Setup["port"])
		require.Len(t, ports, n)
		assert.Equal(t, strconv.Itoa(n), ports[n-1])
		assert.Equal(t, max(16, n), s.trials[0].Windows[0].Load.Connections)
	}
}

func TestAFailureIsOneTrial(t *testing.T) {
	s := &stage{failLaunch: "a"}
	require.NoError(t, s.bench(2).Blocks(t.Context()))
	require.Len(t, s.trials, 4)
	for _, trial := range s.trials {
		assert.Equal(t, trial.Arm == "a", trial.Failure == "it printed: no")
		assert.Equal(t, trial.Arm == "b", len(trial.Windows) == 5, "the other goes on")
	}
	assert.True(t, slices.ContainsFunc(s.events, func(ev bench.Event) bool {
		return ev.Kind == bench.ArmFailed && ev.Arm == "a" && ev.Failure == "it printed: no"
	}))

	s = &stage{dieAfter: 2}
	require.NoError(t, s.bench(1).Blocks(t.Context()))
	assert.Contains(t, s.trials[0].Failure, "ended by itself")
	assert.Len(t, s.trials[0].Windows, 1, "the window in which it died is no measurement")
	assert.Zero(t, s.running)

	s = &stage{verifyFailure: errors.New("wrong body")}
	require.NoError(t, s.bench(1).Blocks(t.Context()))
	assert.Equal(t, "wrong body", s.trials[0].Failure)
	assert.Empty(t, s.trials[0].Fault, "nobody says that it was the server's")

	s = &stage{verifyFailure: fmt.Errorf("verify: %w", record.Fault{Err: errors.New("wrong body")})}
	require.NoError(t, s.bench(1).Blocks(t.Context()))
	assert.Equal(t, "verify: wrong body", s.trials[0].Failure)
	assert.Equal(t, record.ServerFault, s.trials[0].Fault)
	assert.Zero(t, s.windows, "no load before the answers are verified")
}

func TestInterruptStopsTheServersAndKeepsWholeBlocks(t *testing.T) {
	for at := 1; at <= 20; at += 3 {
		ctx, cancel := context.WithCancel(t.Context())
		s := &stage{cancel: cancel, cancelAt: at}
		err := s.bench(2).Blocks(ctx)
		require.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, s.running)
		assert.Len(t, s.trials, (at-1)/10*2, "a block has ten windows and two trials")
		cancel()
	}
}

func TestResumeRunsWhatIsLeft(t *testing.T) {
	s := &stage{}
	b := s.bench(3)
	b.Done = []record.Trial{{Block: 0, Arm: "a"}, {Block: 0, Arm: "b"}}
	require.NoError(t, b.Blocks(t.Context()))
	require.Len(t, s.trials, 4)
	assert.Equal(t, 1, s.trials[0].Block)
}

func TestAFullDiskStopsTheRun(t *testing.T) {
	s := &stage{full: true}
	require.ErrorContains(t, s.bench(2).Blocks(t.Context()), "no space left")
	assert.Len(t, s.launches, 2)
	assert.Zero(t, s.running)
}

// TestExperimentsEndOneByOne: one is narrow at its first look, the other never; and a
// budget ends what goes beyond the least number of blocks.
func TestExperimentsEndOneByOne(t *testing.T) {
	two := func() *record.Run {
		run := planned([]record.Arm{{Name: "a"}, {Name: "b"}}, []record.Level{{Connections: 1}}, 6, 1)
		e := run.Experiments[0]
		e.Blocks = record.Range{Min: 2, Max: 6}
		run.Experiments = []record.Experiment{e, e}
		run.Plan = plan.Blocks(run.Experiments, func(int, string) []int { return []int{0} }, 1)
		return run
	}
	count := func(s *stage, run *record.Run) (n [2]int) {
		for _, trial := range s.trials {
			n[run.Plan[trial.Block].Experiment]++
		}
		return n
	}
	s, run := &stage{}, two()
	b := s.of(run)
	var asked []int
	b.Looks = func(int) []int { return []int{2, 4, 6} }
	b.Enough = func(x int) (bool, int, error) {
		asked = append(asked, x)
		return x == 1, 5, nil
	}
	require.NoError(t, b.Blocks(t.Context()))
	assert.Equal(t, [2]int{12, 4}, count(s, run), "six blocks of two trials, and two blocks")
	assert.ElementsMatch(t, []int{1, 0, 0, 0}, asked)

	s, run = &stage{}, two()
	run.Budget = time.Nanosecond
	require.NoError(t, s.of(run).Blocks(t.Context()))
	assert.Equal(t, [2]int{4, 4}, count(s, run), "the least number, and no more")
}
