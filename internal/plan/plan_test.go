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

// upTo gives every arm the levels from 0 to n-1.
func upTo(n int) func(record.Arm) [][]int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return func(record.Arm) [][]int { return [][]int{all} }
}

// TestLevelsOfTheirOwn: an arm visits its own levels and no others.
func TestLevelsOfTheirOwn(t *testing.T) {
	own := map[string][]int{"a": {0, 2}, "b": {1}, "c": {}}
	arms := []record.Arm{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	for _, block := range plan.Blocks(arms, func(a record.Arm) [][]int { return [][]int{own[a.Name], {3, 4}} }, 20, 1) {
		for _, p := range block {
			n := len(own[p.Arm])
			assert.ElementsMatch(t, own[p.Arm], p.Levels[:n])
			assert.ElementsMatch(t, []int{3, 4}, p.Levels[n:], "what needs the others' figures comes after them")
		}
	}
	assert.Equal(t, []int{0, 2}, own["a"], "what is given is not shuffled")
}

func TestBlocks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var arms []record.Arm
		for _, name := range rapid.SliceOfNDistinct(rapid.StringN(1, 8, -1), 1, 6, rapid.ID).Draw(rt, "arms") {
			arms = append(arms, record.Arm{Name: name})
		}
		levels := rapid.IntRange(1, 8).Draw(rt, "levels")
		n := rapid.IntRange(1, 12).Draw(rt, "blocks")
		seed := rapid.Uint64().Draw(rt, "seed")
		blocks := plan.Blocks(arms, upTo(levels), n, seed)
		require.Len(rt, blocks, n)
		for _, block := range blocks {
			var names, want []string
			for _, p := range block {
				names = append(names, p.Arm)
				visited := slices.Sorted(slices.Values(p.Levels))
				for i, l := range visited {
					require.Equal(rt, i, l, "each level once")
				}
				require.Len(rt, visited, levels)
			}
			for _, a := range arms {
				want = append(want, a.Name)
			}
			assert.ElementsMatch(rt, want, names, "each arm once")
		}
		assert.Equal(rt, blocks, plan.Blocks(arms, upTo(levels), n+3, seed)[:n], "a longer plan begins like a shorter one")
	})
}

// TestOrderIsFair counts how often each arm comes first: a biased shuffle
// would give one arm the quiet or the noisy places.
func TestOrderIsFair(t *testing.T) {
	arms := []record.Arm{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	first := map[string]int{}
	for _, block := range plan.Blocks(arms, upTo(4), 3000, 7) {
		first[block[0].Arm]++
	}
	for name, n := range first {
		assert.InDelta(t, 1000, n, 130, "arm %s (5 standard deviations)", name)
	}
	assert.NotEqual(t, plan.Blocks(arms, upTo(4), 20, 1), plan.Blocks(arms, upTo(4), 20, 2))
}

// TestCanary: the null server is the first and the last of each block, whatever the order of the rest.
func TestCanary(t *testing.T) {
	arms := []record.Arm{{Name: "null~again", Server: "null", Replicate: "null"}, {Name: "a"}, {Name: "null", Server: "null"}, {Name: "b"}}
	orders := map[string]bool{}
	for _, block := range plan.Blocks(arms, upTo(1), 20, 1) {
		require.Len(t, block, 4)
		assert.Equal(t, "null", block[0].Arm)
		assert.Equal(t, "null~again", block[3].Arm)
		orders[block[1].Arm+block[2].Arm] = true
	}
	assert.Len(t, orders, 2)
}
