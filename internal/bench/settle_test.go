package bench_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/plan"
	"github.com/hellobench/hellobench/internal/record"
)

// restless is a server that goes on working after it was asked: for so many
// readings of what it has used.
type restless struct {
	*stage
	readings int
	left     int
	cpu      time.Duration
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

func (s restlessServer) Usage() (record.Usage, error) {
	if s.left > 0 {
		s.left--
		s.cpu += time.Second
	}
	return record.Usage{CPU: record.CPU{User: s.cpu}}, nil
}

func (r *restless) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	r.leftAt = append(r.leftAt, r.left)
	r.left = r.readings // for the connections
	opened := spec.Opened
	spec.Opened = func() {
		opened()
		r.leftAt = append(r.leftAt, r.left)
		r.left = r.readings // for the requests
		r.cpu += time.Minute
	}
	return r.stage.Run(ctx, spec)
}

func restlessRun(t *testing.T, readings int) *restless {
	t.Helper()
	r := &restless{stage: &stage{}, readings: readings}
	arm := record.Arm{Name: "a"}
	run := &record.Run{Arms: []record.Arm{arm}, Levels: []record.Level{{Connections: 1}, {Connections: 8}}, Window: time.Second}
	run.Plan = plan.Blocks(run.Arms, func(record.Arm) [][]int { return [][]int{{0, 1}} }, 1, 1)
	b := &bench.Bench{Run: run, Launcher: r, Engine: r, Sink: r, Arms: map[string]record.Arm{"a": arm}}
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
		assert.Equal(t, time.Minute+time.Second, w.Server.CPU.Total(), "the window's own, and one reading at its end")
	}
	r = restlessRun(t, 1_000_000)
	assert.Positive(t, r.leftAt[3], "a server that never rests is measured all the same")
	assert.True(t, r.trials[0].Windows[0].Restless, "and its windows say so")
}
