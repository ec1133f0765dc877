// Package plan turns experiments and a seed into the order of a run: randomized
// multiple interleaved trials (Abedi & Brecht, ICPE 2017), side by side within a
// block (duet benchmarking; Bulej et al., ICPE 2020). It is pure: the same input
// gives the same plan on every machine.
package plan

import (
	"math/rand/v2"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// Visits is the levels of an arm in an experiment, as indices.
type Visits func(experiment int, arm string) []int

// Blocks plans every block of every experiment: first each experiment's first one,
// in shuffled order, then each one's second, and so on, so that all are as far as
// the others whenever a run ends. Within a block the servers start in shuffled
// order. A block depends on the seed, its experiment and its number alone, so that a
// longer plan begins like a shorter one. An arm that visits nothing is left out.
func Blocks(experiments []record.Experiment, visits Visits, seed uint64) (plan []record.Block) {
	most := 0
	for _, e := range experiments {
		most = max(most, e.Blocks.Max)
	}
	for n := range most {
		wave := rand.New(rand.NewPCG(seed, uint64(n)))
		for _, x := range wave.Perm(len(experiments)) {
			if e := &experiments[x]; n < e.Blocks.Max {
				if b := block(e, x, n, visits, seed); len(b.Trials) > 0 {
					plan = append(plan, b)
				}
			}
		}
	}
	return plan
}

func block(e *record.Experiment, x, n int, visits Visits, seed uint64) record.Block {
	rng := rand.New(rand.NewPCG(seed, uint64(x+1)<<32|uint64(n)))
	b := record.Block{Experiment: x, Number: n, Seed: rng.Uint64()}
	for _, i := range rng.Perm(len(e.Arms)) {
		if levels := visits(x, e.Arms[i]); len(levels) > 0 {
			b.Trials = append(b.Trials, record.PlannedTrial{Arm: e.Arms[i], Levels: levels, Seed: rng.Uint64()})
		}
	}
	return b
}

// Round is one visit of every arm that visits the level, one after the other.
type Round struct {
	Level  int   // index into the run's levels
	Trials []int // of the block, by position, in the order of the round
}

// Pass is the rounds of one pass of a block: every level once. Levels come in
// shuffled order within a group: those of few connections, those that depend on
// the arm's capacity, which the former show, and those of a crowd, which leave a
// server behind that has grown. A capacity that only a crowd shows comes after that.
func Pass(b *record.Block, levels []record.Level, pass int) (rounds []Round) {
	rng := rand.New(rand.NewPCG(b.Seed, uint64(pass)))
	for _, group := range groups(b, levels) {
		for _, i := range rng.Perm(len(group)) {
			r := Round{Level: group[i]}
			for _, j := range rng.Perm(len(b.Trials)) {
				if slices.Contains(b.Trials[j].Levels, r.Level) {
					r.Trials = append(r.Trials, j)
				}
			}
			rounds = append(rounds, r)
		}
	}
	return rounds
}

func groups(b *record.Block, levels []record.Level) [][]int {
	var all, few, ofCapacity, crowd []int
	for _, t := range b.Trials {
		all = append(all, t.Levels...)
	}
	slices.Sort(all)
	shown := false
	for _, i := range slices.Compact(all) {
		switch l := levels[i]; {
		case l.Kind().OfCapacity():
			ofCapacity = append(ofCapacity, i)
		case l.Crowd():
			crowd = append(crowd, i)
		default:
			few = append(few, i)
			shown = shown || !l.Open()
		}
	}
	if shown {
		return [][]int{few, ofCapacity, crowd}
	}
	return [][]int{few, crowd, ofCapacity}
}
