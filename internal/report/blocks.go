package report

import (
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// countBlocks decides which blocks count.
//
// The method says that a block is complete or does not count: comparing arms
// is fair only where each had its turn under the same conditions. Two readings
// were rejected. To ask that every trial be free of failure would let one
// server that crashes hide all the others. To count whatever is there would
// let the last block of an interrupted run favor the arms that happened to
// come first. So a block is complete if every arm planned in it, less those
// that could not take part at all, has a trial, failed or not.
func countBlocks(run *record.Run, trials []record.Trial) Blocks {
	b := Blocks{Planned: len(run.Plan), Counted: []int{}, Partial: []PartialBlock{}}
	missing := make(map[string]bool, len(run.Missing))
	for _, m := range run.Missing {
		missing[m.Arm] = true
	}
	var all []string // for blocks that the plan does not list
	for _, a := range run.Arms {
		all = append(all, a.Name)
	}
	for start := 0; start < len(trials); {
		end := start
		had := map[string]bool{}
		for ; end < len(trials) && trials[end].Block == trials[start].Block; end++ {
			had[trials[end].Arm] = true
		}
		n := trials[start].Block
		planned := all
		if n < len(run.Plan) {
			planned = planned[:0:0]
			for _, p := range run.Plan[n] {
				planned = append(planned, p.Arm)
			}
		}
		absent := []string{}
		for _, arm := range planned {
			if !had[arm] && !missing[arm] {
				absent = append(absent, arm)
			}
		}
		if len(absent) == 0 {
			b.Counted = append(b.Counted, n)
		} else {
			b.Partial = append(b.Partial, PartialBlock{Block: n, Trials: end - start, Absent: absent})
		}
		start = end
	}
	b.Provisional = len(b.Counted) == 0 && len(trials) > 0
	return b
}

// counted keeps the trials of the blocks that count, all of them where none does.
func counted(b Blocks, trials []record.Trial) []record.Trial {
	if b.Provisional {
		return trials
	}
	return slices.DeleteFunc(slices.Clone(trials), func(t record.Trial) bool {
		_, ok := slices.BinarySearch(b.Counted, t.Block)
		return !ok
	})
}
