package bench_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// A server with a thread a connection, which has them only while a window lasts.
type threaded struct {
	*stage
	inWindow atomic.Bool
}

func (s *threaded) Launch(ctx context.Context, arm record.Arm, env map[string]string) (bench.Server, error) {
	server, err := s.stage.Launch(ctx, arm, env)
	return &threadedActor{server.(*actor), s}, err
}

func (s *threaded) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	began := spec.Began
	spec.Began = func() {
		began()
		s.inWindow.Store(true)
		time.Sleep(spec.Duration)
		s.inWindow.Store(false)
	}
	return s.stage.Run(ctx, spec)
}

type threadedActor struct {
	*actor
	threads *threaded
}

func (a *threadedActor) Usage(bool) (record.Usage, error) {
	u := record.Usage{Threads: 1, PSS: 10}
	if a.threads.inWindow.Load() {
		u.Threads, u.PSS = 257, 500
	}
	return u, nil
}

func TestThreadsAndMemoryAreThoseOfTheMiddle(t *testing.T) {
	s := &threaded{stage: &stage{}}
	b := s.bench(1)
	b.Run.Experiments[0].Window, b.Run.Warmup = 200*time.Millisecond, 0
	b.Launcher, b.Engine = s, s
	require.NoError(t, b.Blocks(t.Context()))
	require.NotEmpty(t, s.trials)
	for _, trial := range s.trials {
		assert.Equal(t, 1, trial.Idle.Threads)
		for _, w := range trial.Windows {
			if w.Pass == 0 { // to read it stops the server for a moment
				assert.Zero(t, w.Server.Threads)
				continue
			}
			assert.Equal(t, 257, w.Server.Threads)
			assert.EqualValues(t, 500, w.Server.PSS)
		}
	}
}

// The stage's generator completes as many requests as there are connections in
// each window: 8 a second at 8 connections.
func TestADisprovedCeilingIsMeasuredAgain(t *testing.T) {
	for name, c := range map[string]struct {
		ceiling, again, want float64
		gated                bool
		calibrations         int
	}{
		"far above":           {100, 0, 100, false, 0},
		"too near":            {12, 0, 12, true, 0},
		"disproved":           {5, 40, 40, false, 1},
		"disproved once more": {5, 6, 8, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stage{}
			b := s.bench(1)
			b.Run.Levels, b.Run.Experiments[0].Passes = b.Run.Levels[1:], 1
			b.Run.Plan = []record.Block{{Trials: []record.PlannedTrial{{Arm: "a", Levels: []int{0}}}}}
			b.Run.Warmup, b.Run.Engine.Ceiling = 0, c.ceiling
			calibrations := 0
			b.Recalibrate = func(_ context.Context, level record.Level, arm record.Arm) error {
				calibrations++
				assert.Equal(t, "a", arm.Name)
				b.Run.Engine.Raise(level, c.again)
				return nil
			}
			require.NoError(t, b.Blocks(t.Context()))
			assert.InDelta(t, c.want, b.Run.Engine.Ceiling, 1e-9)
			assert.Equal(t, c.calibrations, calibrations)
			gated := false
			for _, g := range s.trials[0].Windows[0].Gates {
				gated = gated || g.Name == record.GateCeiling
			}
			assert.Equal(t, c.gated, gated)
		})
	}
}
