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
// and each trial visits every level of its arm once, in an order of its own;
// levels gives them by the arm's name. Block i depends on the seed and on i
// alone, so that a longer plan begins like a shorter one.
func Blocks(arms []record.Arm, levels func(arm record.Arm) []int, n int, seed uint64) [][]record.PlannedTrial {
	blocks := make([][]record.PlannedTrial, n)
	for b := range blocks {
		rng := rand.New(rand.NewPCG(seed, uint64(b)))
		block := make([]record.PlannedTrial, len(arms))
		for i, a := range rng.Perm(len(arms)) {
			own := slices.Clone(levels(arms[a]))
			rng.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
			block[i] = record.PlannedTrial{Arm: arms[a].Name, Levels: own, Seed: rng.Uint64()}
		}
		blocks[b] = block
	}
	return blocks
}
