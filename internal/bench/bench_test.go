package bench_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/bench"
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
	trials        []record.Trial
	events        []bench.Event
	failLaunch    string
	dieAfter      int // windows
	windows       int
	specs         []load.Spec
	cancel        func()
	cancelAt      int
	full          bool
	verifyFailure error
	instances     int
}

func (s *stage) Launch(_ context.Context, arm record.Arm, env map[string]string) (bench.Server, error) {
	s.launches, s.envs = append(s.launches, arm.Name), append(s.envs, env)
	if arm.Name == s.failLaunch {
		return nil, errors.New("it printed: no")
	}
	s.running++
	return &actor{s}, nil
}

type actor struct{ *stage }

func (a *actor) URLs(path string) (urls []string) {
	for _, port := range a.Ports() {
		urls = append(urls, "http://127.0.0.1:"+strconv.Itoa(port)+path)
	}
	return urls
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
func (a *actor) Usage() (record.Usage, error) {
	return record.Usage{CPU: record.CPU{User: time.Duration(a.windows) * time.Second}}, nil
}
func (a *actor) Stop() error       { a.running--; return nil }
func (a *actor) Status(string) int { return 200 }

func (a *actor) Verify(context.Context, string) ([]byte, error) { return []byte("x"), a.verifyFailure }

func (a *actor) Alive() error {
	if a.dieAfter > 0 && a.windows >= a.dieAfter {
		return errors.New("ended by itself")
	}
	return nil
}

func (s *stage) Name() string { return "stage" }
func (s *stage) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	spec.Opened()
	s.windows++
	s.specs = append(s.specs, spec)
	if s.cancel != nil && s.windows == s.cancelAt {
		s.cancel()
		return &record.Measurement{}, ctx.Err()
	}
	n := uint64(spec.Connections)
	return &record.Measurement{
		Connections: spec.Connections, Established: spec.Connections, Duration: spec.Duration,
		Requests: n, OK: n, Completed: n, InFlight: spec.Duration * time.Duration(spec.Connections),
	}, nil
}

func (s *stage) Append(t *record.Trial) error {
	if s.full {
		return errors.New("no space left on device")
	}
	s.trials = append(s.trials, *t)
	return nil
}

func (s *stage) bench(blocks int) *bench.Bench {
	arms := []record.Arm{{Name: "a", Route: "/"}, {Name: "b", Route: "/json", Close: true}}
	run := &record.Run{Arms: arms, Levels: []record.Level{{Connections: 1}, {Connections: 8}}, Window: time.Second, Warmup: time.Second}
	run.Plan = plan.Blocks(arms, func(record.Arm) [][]int { return [][]int{{0, 1}} }, blocks, 1)
	return &bench.Bench{
		Run: run, Launcher: s, Engine: s, Sink: s, Arms: map[string]record.Arm{"a": arms[0], "b": arms[1]},
		Observe: func(ev bench.Event) { s.events = append(s.events, ev) },
	}
}

func TestBlocksFollowThePlan(t *testing.T) {
	s := &stage{}
	b := s.bench(3)
	require.NoError(t, b.Blocks(t.Context()))
	var want []string
	for _, block := range b.Run.Plan {
		for _, p := range block {
			want = append(want, p.Arm)
		}
	}
	assert.Equal(t, want, s.launches)
	assert.Zero(t, s.running)
	require.Len(t, s.trials, 6)
	for i, trial := range s.trials {
		assert.Equal(t, i/2, trial.Block)
		assert.Equal(t, i%2, trial.Position)
		require.Len(t, trial.Windows, 3)
		assert.True(t, trial.Windows[0].Warmup)
		planned := b.Run.Plan[i/2][i%2]
		for j, l := range planned.Levels {
			assert.Equal(t, b.Run.Levels[l], trial.Windows[j+1].Level)
		}
		assert.Equal(t, time.Second, trial.Windows[1].Server.CPU.Total(), "usage is a difference")
		assert.Empty(t, trial.Failure)
		assert.Empty(t, trial.Windows[1].Gates)
		assert.Equal(t, trial.Setup["PYTHONHASHSEED"], s.envs[i]["PYTHONHASHSEED"])
	}
	assert.NotEqual(t, s.envs[0], s.envs[1], "the set-up is drawn anew for every start")
	last := s.events[len(s.events)-1]
	assert.Equal(t, bench.TrialEnds, last.Kind)
	assert.Zero(t, last.Remaining)
	for _, spec := range s.specs {
		assert.Equal(t, []byte("x"), spec.Expect.Body)
		assert.Equal(t, spec.URLs[0] == "http://127.0.0.1:1/json", spec.Close)
	}
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
			assert.Len(t, spec.URLs, n)
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
	}

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

func TestInterruptStopsTheServerAndKeepsWhatIsDone(t *testing.T) {
	for at := 1; at <= 6; at++ {
		ctx, cancel := context.WithCancel(t.Context())
		s := &stage{cancel: cancel, cancelAt: at}
		err := s.bench(1).Blocks(ctx)
		require.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, s.running)
		assert.Len(t, s.trials, (at-1)/3)
		cancel()
	}
}

func TestResumeRunsWhatIsLeft(t *testing.T) {
	s := &stage{}
	b := s.bench(3)
	b.Done = []record.Trial{{Block: 0, Arm: "a"}, {Block: 0, Arm: "b"}, {Block: 1, Arm: b.Run.Plan[1][0].Arm}}
	require.NoError(t, b.Blocks(t.Context()))
	require.Len(t, s.trials, 3)
	assert.Equal(t, 1, s.trials[0].Block)
	assert.Equal(t, 1, s.trials[0].Position)
}

func TestAFullDiskStopsTheRun(t *testing.T) {
	s := &stage{full: true}
	require.ErrorContains(t, s.bench(2).Blocks(t.Context()), "no space left")
	assert.Len(t, s.launches, 1)
	assert.Zero(t, s.running)
}
