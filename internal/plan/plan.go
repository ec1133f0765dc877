// Package plan turns arms, levels and a seed into the order of a run:
// randomized multiple interleaved trials (Abedi & Brecht, ICPE 2017). It is
// pure: the same input gives the same plan on every machine.
package plan

import (
	"math/rand/v2"

	"github.com/hellobench/hellobench/internal/record"
)

// Blocks plans n blocks. Each holds every arm once, in an order of its own,
// and each trial visits every level once, in an order of its own. Block i
// depends on the seed and on i alone, so that a longer plan begins like a shorter one.
func Blocks(arms []record.Arm, levels, n int, seed uint64) [][]record.PlannedTrial {
	blocks := make([][]record.PlannedTrial, n)
	for b := range blocks {
		rng := rand.New(rand.NewPCG(seed, uint64(b)))
		block := make([]record.PlannedTrial, len(arms))
		for i, a := range rng.Perm(len(arms)) {
			block[i] = record.PlannedTrial{Arm: arms[a].Name, Levels: rng.Perm(levels), Seed: rng.Uint64()}
		}
		blocks[b] = block
	}
	return blocks
}
