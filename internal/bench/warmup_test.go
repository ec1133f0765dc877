package bench_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// binned is an engine whose throughput follows a script, bin after bin; the last value stays.
type binned struct {
	*stage
	script []uint64
	next   int
}

func (e *binned) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	m, err := e.stage.Run(ctx, spec)
	for range int(spec.Duration / record.BinWidth) {
		m.Bins = append(m.Bins, record.Bin{OK: e.script[min(e.next, len(e.script)-1)]})
		e.next++
	}
	m.Bins = append(m.Bins, record.Bin{OK: 1}) // what was answered after the end
	return m, err
}

func repeat(n int, v uint64) (out []uint64) {
	for i := range n {
		out = append(out, v+uint64(i%2)) // a constant would have no variance
	}
	return out
}

func TestTheWarmUpWaitsForASteadyState(t *testing.T) {
	climb := []uint64{}
	for i := range 60 {
		climb = append(climb, uint64(1000<<(i/4)))
	}
	for _, c := range []struct {
		name   string
		script []uint64
		limit  time.Duration
		label  string
		steps  int
	}{
		{"flat", repeat(1, 1000), 8 * time.Second, "flat", 4},
		{"warm-up", append(repeat(8, 500), repeat(20, 1000)...), 8 * time.Second, "warm-up", 4},
		{"late", append(repeat(12, 500), repeat(20, 1000)...), 8 * time.Second, "warm-up", 5},
		{"slowdown", append(repeat(8, 1000), repeat(20, 500)...), 8 * time.Second, "slowdown", 4},
		{"never steady", climb, 6 * time.Second, "no steady state", 6},
		{"a look", repeat(1, 1000), 0, record.TooShort, 1},
		{"short", repeat(1, 1000), 3500 * time.Millisecond, record.TooShort, 3},
	} {
		s := &stage{}
		b := s.bench(1)
		b.Run.Plan, b.Run.Experiments[0].Passes = []record.Block{{Trials: []record.PlannedTrial{{Arm: "a", Levels: []int{0, 1}}}}}, 1
		b.Engine, b.Run.WarmupMax = &binned{stage: s, script: c.script}, c.limit
		require.NoError(t, b.Blocks(t.Context()))
		require.Len(t, s.trials, 1)
		assert.Equal(t, c.label, s.trials[0].Steady, c.name)
		assert.Len(t, s.trials[0].Windows, c.steps+2, "%s: what is measured does not depend on the label", c.name)
		assert.True(t, s.trials[0].Windows[c.steps-1].Warmup)
		assert.False(t, s.trials[0].Windows[c.steps].Warmup)
	}
}

func TestWithoutAWarmUpNothingIsSaidOfIt(t *testing.T) {
	s := &stage{}
	b := s.bench(1)
	b.Run.Warmup = 0
	require.NoError(t, b.Blocks(t.Context()))
	assert.Empty(t, s.trials[0].Steady)
	assert.Len(t, s.trials[0].Windows, 4)
}
