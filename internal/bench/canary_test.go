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
	"github.com/hellobench/hellobench/internal/sample"
)

// machine is an engine for the null server whose rates follow a script, window after window.
type machine struct {
	*stage
	rates []uint64
	at    int
}

func (m *machine) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	out, err := m.stage.Run(ctx, spec)
	if spec.Connections == 64 {
		out.Completed, out.OK, out.Requests = m.rates[m.at], m.rates[m.at], m.rates[m.at]
		m.at++
	}
	return out, err
}

// TestCanary: a block around which the null server was not the same leaves the
// analysis, and no other does.
func TestCanary(t *testing.T) {
	arms := []record.Arm{
		{Name: "a", Server: "a", Route: "/"},
		{Name: "null", Server: "null", Route: "/"},
		{Name: "null~again", Server: "null", Route: "/", Replicate: "null"},
	}
	for _, c := range []struct {
		name   string
		rates  []uint64
		gated  map[int]string
		resume int // trials that stand in the journal already
	}{
		{"quiet", []uint64{100, 101, 99, 100, 110, 91}, map[int]string{}, 0},
		{"a machine that is lent", []uint64{100, 101, 99, 55, 100, 100}, map[int]string{1: "1.8x slower than before the block"}, 0},
		{"a burst", []uint64{100, 101, 99, 160, 100, 100}, map[int]string{1: "1.6x faster than before the block"}, 0},
		{"the other way of taking turns", []uint64{100, 101, 99, 77, 77, 100}, map[int]string{}, 0},
		{"slow throughout a block, which is the same for all arms", []uint64{100, 101, 99, 100, 70, 71}, map[int]string{}, 0},
		{"it failed once", []uint64{100, 101, 0, 100, 100, 100}, map[int]string{}, 0},
		{"resumed between blocks", []uint64{71, 70}, map[int]string{}, 6},
		{"resumed in a block, with another null server", []uint64{70}, map[int]string{}, 7},
	} {
		run := &record.Run{
			Arms: arms, Levels: []record.Level{{Connections: 8}, {Connections: 64}}, Window: time.Second, Warmup: time.Second,
			Engine: record.EngineChoice{Ceiling: 100},
		}
		run.Plan = plan.Blocks(arms, func(a record.Arm) [][]int {
			if a.Canary() {
				return [][]int{{1}}
			}
			return [][]int{{0}}
		}, 3, 1)
		byName := map[string]record.Arm{}
		for _, a := range arms {
			byName[a.Name] = a
		}
		s := &stage{}
		var done []record.Trial
		for i := range c.resume {
			done = append(done, record.Trial{Block: i / 3, Arm: run.Plan[i/3][i%3].Arm, Windows: []record.Window{{
				Load: record.Measurement{Completed: 100, Duration: time.Second},
			}}})
		}
		b := &bench.Bench{Run: run, Launcher: s, Engine: &machine{stage: s, rates: c.rates}, Sink: s, Arms: byName, Done: done}
		require.NoError(t, b.Blocks(t.Context()))
		require.Len(t, s.trials, 9-c.resume, c.name)
		for _, trial := range s.trials {
			switch trial.Position {
			case 0:
				assert.Equal(t, "null", trial.Arm, "the canary begins each block")
				assert.Len(t, trial.Windows, 1, "without a warm-up")
			case 2:
				assert.Equal(t, "null~again", trial.Arm)
			default:
				assert.Len(t, trial.Windows, 2)
			}
		}
		disturbed := map[int]string{}
		for i := range s.trials {
			if why := sample.DisturbedBy(&s.trials[i]); why != "" {
				disturbed[s.trials[i].Block] = why
			}
		}
		assert.Len(t, disturbed, len(c.gated), "%s: %v", c.name, disturbed)
		for block, text := range c.gated {
			assert.Contains(t, disturbed[block], text, c.name)
		}
		for _, trial := range s.trials {
			for _, g := range trial.Windows[len(trial.Windows)-1].Gates {
				assert.NotEqual(t, record.GateCeiling, g.Name, "that the generator limits the null server is what it is for")
			}
		}
	}
}
