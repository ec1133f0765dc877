package claims_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
)

const chainText = `schema: 1
alpha: 0.05
claims:
  - id: why
    section: S
    paraphrase: P
    margin: 0.1
    chain: true
    comparisons:
      - {group: one, metric: throughput, a: a, b: b, connections: [64]}
      - {group: two, metric: throughput, a: b, b: c, connections: [64]}
`

// apart gives each pair of arms an experiment of its own, so that the whole is not
// measured in the rounds of the steps. The whole is times as large as the steps say.
func apart(times float64) (*record.Run, []record.Trial) {
	run, trials := rigged(24, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	pairs := [][]string{{"a", "b"}, {"b", "c"}, {"a", "c"}}
	run.Experiments = nil
	for i, arms := range pairs {
		run.Experiments = append(run.Experiments, record.Experiment{Name: arms[0] + arms[1], Arms: arms, Levels: []int{0, 1}, Blocks: record.Range{Min: 8, Max: 8}, Passes: 1})
		for b := i; b < len(run.Plan); b += len(pairs) {
			run.Plan[b].Experiment = i
			run.Plan[b].Trials = slices.DeleteFunc(run.Plan[b].Trials, func(p record.PlannedTrial) bool { return !slices.Contains(arms, p.Arm) })
		}
	}
	trials = slices.DeleteFunc(trials, func(t record.Trial) bool { return !slices.Contains(pairs[t.Block%3], t.Arm) })
	for i := range trials {
		if trials[i].Block%3 == 2 && trials[i].Arm == "a" {
			for w := range trials[i].Windows {
				m := &trials[i].Windows[w].Load
				m.Completed = uint64(float64(m.Completed) * times)
			}
		}
	}
	return run, trials
}

// TestChain: two steps of 2x each explain 4x, and do not explain 5x.
func TestChain(t *testing.T) {
	for _, tc := range []struct {
		times  float64
		closes bool
	}{{1, true}, {1.25, false}} {
		run, trials := apart(tc.times)
		v := judge(t, ledger(t, chainText), run, trials)
		require.NotNil(t, v.Chain)
		assert.Equal(t, claims.Supported, v.Verdict, v.Reason)
		assert.InEpsilon(t, 4, v.Chain.Product.Mid, 0.02)
		assert.InEpsilon(t, 4*tc.times, v.Chain.Whole.Ratio.Mid, 0.02)
		assert.InEpsilon(t, tc.times, v.Chain.Unexplained.Mid, 0.02)
		assert.Equal(t, tc.closes, v.Chain.Closes)
		assert.Equal(t, 8, v.Chain.Whole.Blocks)
	}
	run, trials := rigged(4, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	for i := range run.Plan {
		run.Plan[i].Trials = run.Plan[i].Trials[:3] // without c
	}
	run.Arms = run.Arms[:3]
	v := judge(t, ledger(t, chainText), run, trials)
	assert.Equal(t, "the step two has no ratio", v.Chain.Reason)
	assert.False(t, v.Chain.Closes)
}
