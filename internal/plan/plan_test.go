package plan_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hellobench/hellobench/internal/plan"
	"github.com/hellobench/hellobench/internal/record"
)

func experiment(name string, blocks int, arms ...string) record.Experiment {
	return record.Experiment{Name: name, Arms: arms, Levels: []int{0, 1}, Blocks: record.Range{Min: 1, Max: blocks}, Passes: 2}
}

func all(int, string) []int { return []int{0, 1} }

// TestBlocks: every experiment's n-th block comes before any later one, each block has
// every arm once, and a longer plan begins like a shorter one.
func TestBlocks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var experiments []record.Experiment
		for i := range rapid.IntRange(1, 5).Draw(rt, "experiments") {
			arms := rapid.SliceOfNDistinct(rapid.StringN(1, 8, -1), 1, 6, rapid.ID).Draw(rt, "arms")
			experiments = append(experiments, experiment(string(rune('a'+i)), rapid.IntRange(1, 6).Draw(rt, "blocks"), arms...))
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		blocks := plan.Blocks(experiments, all, seed)
		next := make([]int, len(experiments))
		last := 0
		for _, b := range blocks {
			assert.Equal(rt, next[b.Experiment], b.Number)
			next[b.Experiment]++
			assert.GreaterOrEqual(rt, b.Number, last)
			last = b.Number
			var names []string
			for _, p := range b.Trials {
				names = append(names, p.Arm)
			}
			assert.ElementsMatch(rt, experiments[b.Experiment].Arms, names)
		}
		for i, e := range experiments {
			assert.Equal(rt, e.Blocks.Max, next[i])
		}
		longer := slices.Clone(experiments)
		for i := range longer {
			longer[i].Blocks.Max += 2
		}
		first := map[[2]int]record.Block{}
		for _, b := range plan.Blocks(longer, all, seed) {
			first[[2]int{b.Experiment, b.Number}] = b
		}
		for _, b := range blocks {
			assert.Equal(rt, first[[2]int{b.Experiment, b.Number}], b)
		}
	})
}

// TestWhoVisitsNothingIsLeftOut, and a block without any arm is none.
func TestWhoVisitsNothingIsLeftOut(t *testing.T) {
	blocks := plan.Blocks([]record.Experiment{experiment("x", 2, "a", "b"), experiment("y", 2, "b")}, func(_ int, arm string) []int {
		if arm == "b" {
			return nil
		}
		return []int{1}
	}, 1)
	require.Len(t, blocks, 2)
	for _, b := range blocks {
		require.Len(t, b.Trials, 1)
		assert.Equal(t, "a", b.Trials[0].Arm)
		assert.Equal(t, []int{1}, b.Trials[0].Levels)
	}
}

// TestPass: a pass has every level once, with each arm that visits it once; crowds are
// the last, and what needs a capacity comes after the closed loops that show it.
func TestPass(t *testing.T) {
	levels := []record.Level{{Connections: 10_000}, {Share: 0.5}, {Connections: 1}, {Rate: 5}, {SLO: true}}
	b := &record.Block{Seed: 7, Trials: []record.PlannedTrial{{Arm: "a", Levels: []int{0, 1, 2, 3, 4}}, {Arm: "null", Levels: []int{2}}}}
	orders := map[int]bool{}
	for pass := range 20 {
		rounds := plan.Pass(b, levels, pass)
		assert.Equal(t, rounds, plan.Pass(b, levels, pass), "it follows from the seed")
		var order []int
		for _, r := range rounds {
			order = append(order, r.Level)
			if r.Level == 2 {
				assert.ElementsMatch(t, []int{0, 1}, r.Trials)
			} else {
				assert.Equal(t, []int{0}, r.Trials)
			}
		}
		assert.ElementsMatch(t, []int{2, 3}, order[:2])
		assert.ElementsMatch(t, []int{1, 4}, order[2:4])
		assert.Equal(t, 0, order[4])
		orders[order[0]*10+order[2]] = true
	}
	assert.Len(t, orders, 4, "in shuffled order")

	only := &record.Block{Trials: []record.PlannedTrial{{Arm: "a", Levels: []int{0, 1}}}}
	assert.Equal(t, []plan.Round{{Level: 0, Trials: []int{0}}, {Level: 1, Trials: []int{0}}}, plan.Pass(only, levels, 0), "where only a crowd shows the capacity, it is first")
}

// TestOrderIsFair counts how often each arm comes first: a biased shuffle
// would give one arm the quiet or the noisy places.
func TestOrderIsFair(t *testing.T) {
	levels := []record.Level{{Connections: 1}, {Connections: 2}}
	starts, rounds := map[string]int{}, map[string]int{}
	for _, b := range plan.Blocks([]record.Experiment{experiment("x", 3000, "a", "b", "c")}, all, 7) {
		starts[b.Trials[0].Arm]++
		rounds[b.Trials[plan.Pass(&b, levels, 0)[0].Trials[0]].Arm]++
	}
	for _, name := range []string{"a", "b", "c"} {
		assert.InDelta(t, 1000, starts[name], 130, "arm %s (5 standard deviations)", name)
		assert.InDelta(t, 1000, rounds[name], 130, "arm %s", name)
	}
}
