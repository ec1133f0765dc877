// Package plan turns arms, levels and a seed into the order of a run:
// randomized multiple interleaved trials (Abedi & Brecht, ICPE 2017). It is
// pure: the same input gives the same plan on every machine.
package plan

import (
	"math/rand/v2"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// Blocks plans n blocks. Each holds every arm once, in an order of its own,
// and each trial visits every level of its arm once: one group of them after
// the other, and those of a group in an order of its own. Block i depends on
// the seed and on i alone, so that a longer plan begins like a shorter one. The
// canary is not shuffled: it is the first and the last of each block.
func Blocks(arms []record.Arm, groups func(arm record.Arm) [][]int, n int, seed uint64) [][]record.PlannedTrial {
	blocks := make([][]record.PlannedTrial, n)
	for b := range blocks {
		rng := rand.New(rand.NewPCG(seed, uint64(b)))
		block := make([]record.PlannedTrial, len(arms))
		for i, a := range order(rng, arms) {
			levels := []int{}
			for _, group := range groups(a) {
				levels = append(levels, shuffled(rng, group)...)
			}
			block[i] = record.PlannedTrial{Arm: a.Name, Levels: levels, Seed: rng.Uint64()}
		}
		blocks[b] = block
	}
	return blocks
}

// order is the arms shuffled, between the two of the canary.
func order(rng *rand.Rand, arms []record.Arm) []record.Arm {
	var first, last, shuffled []record.Arm
	for _, i := range rng.Perm(len(arms)) {
		switch a := arms[i]; {
		case !a.Canary():
			shuffled = append(shuffled, a)
		case a.Replicate == "":
			first = append(first, a)
		default:
			last = append(last, a)
		}
	}
	return slices.Concat(first, shuffled, last)
}

func shuffled(rng *rand.Rand, levels []int) []int {
	out := slices.Clone(levels)
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
