package bench_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// restless is a server that goes on working after it was asked: for so many
// readings of its clock.
type restless struct {
	*stage
	readings int
	left     int
	clock    time.Duration
	leftAt   []int // when a window's connections were opened, and when it began
}

func (r *restless) Launch(ctx context.Context, arm record.Arm, env map[string]string) (bench.Server, error) {
	s, err := r.stage.Launch(ctx, arm, env)
	return restlessServer{s, r}, err
}

type restlessServer struct {
	bench.Server
	*restless
}

func (s restlessServer) Clock() func() time.Duration {
	if s.left > 0 {
		s.left--
		s.clock += time.Second
	}
	return reads(s.clock)
}

func (r *restless) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	r.leftAt = append(r.leftAt, r.left)
	r.left = r.readings // for the connections
	opened := spec.Opened
	spec.Opened = func() {
		opened()
		r.leftAt = append(r.leftAt, r.left)
		r.left = r.readings // for the requests
	}
	return r.stage.Run(ctx, spec)
}

func restlessRun(t *testing.T, readings int) *restless {
	t.Helper()
	r := &restless{stage: &stage{}, readings: readings}
	b := r.of(planned([]record.Arm{{Name: "a"}}, []record.Level{{Connections: 1}, {Connections: 8}}, 1, 1))
	b.Launcher, b.Engine = r, r
	require.NoError(t, b.Blocks(t.Context()))
	require.Len(t, r.trials, 1)
	require.Empty(t, r.trials[0].Failure)
	require.Len(t, r.trials[0].Windows, 2)
	return r
}

// TestAWindowBeginsAtRest: neither what the window before left to do nor the
// opening of connections is part of a window.
func TestAWindowBeginsAtRest(t *testing.T) {
	r := restlessRun(t, 5)
	assert.Equal(t, []int{0, 0, 0, 0}, r.leftAt, "before the connections and before the requests of both windows")
	for _, w := range r.trials[0].Windows {
		assert.False(t, w.Restless)
	}
	r = restlessRun(t, 1_000_000)
	assert.Positive(t, r.leftAt[3], "a server that never rests is measured all the same")
	assert.True(t, r.trials[0].Windows[0].Restless, "and its windows say so")
}

// passing is a server whose processes end and are born: the clocks of those that
// stay say less than the tree.
type passing struct {
	bench.Server
	stage *stage
}

func (p passing) Clock() func() time.Duration { return reads(p.stage.cpu / 4) }

type passingLauncher struct{ *stage }

func (l passingLauncher) Launch(ctx context.Context, arm record.Arm, env map[string]string) (bench.Server, error) {
	s, err := l.stage.Launch(ctx, arm, env)
	return passing{s, l.stage}, err
}

// TestProcessesThatEndedAreMetered: a second of processor time, of which the clock of
// the processes that stay has a quarter, in a window that is as long as the reading.
func TestProcessesThatEndedAreMetered(t *testing.T) {
	s := &stage{}
	run := planned([]record.Arm{{Name: "a"}}, []record.Level{{Connections: 1}}, 1, 1)
	run.Experiments[0].Window = 50 * time.Millisecond
	b := s.of(run)
	b.Launcher, b.Engine = passingLauncher{s}, lasting{s}
	require.NoError(t, b.Blocks(t.Context()))
	require.Empty(t, s.trials[0].Failure)
	assert.InDelta(t, 1, s.trials[0].Windows[0].Server.CPU.Total().Seconds(), 0.2)
}

// lasting takes as long as the window.
type lasting struct{ *stage }

func (l lasting) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	ended := spec.Ended
	spec.Ended = func() { time.Sleep(spec.Duration); ended() }
	return l.stage.Run(ctx, spec)
}
