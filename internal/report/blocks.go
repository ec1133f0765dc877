package report

import (
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// countBlocks tells which blocks count, by the same rule as the verdicts
// (record.CompleteBlocks), and what the others lack.
func countBlocks(run *record.Run, trials []record.Trial) Blocks {
	b := Blocks{Planned: len(run.Plan), Counted: []int{}, Partial: []PartialBlock{}}
	complete := record.CompleteBlocks(run, trials)
	missing := make(map[string]bool, len(run.Missing))
	for _, m := range run.Missing {
		missing[m.Arm] = true
	}
	for start, end := 0, 0; start < len(trials); start = end {
		n := trials[start].Block
		had := map[string]bool{}
		for end = start; end < len(trials) && trials[end].Block == n; end++ {
			had[trials[end].Arm] = true
		}
		if complete[n] {
			b.Counted = append(b.Counted, n)
			continue
		}
		absent := []string{}
		if n < len(run.Plan) {
			for _, p := range run.Plan[n] {
				if !had[p.Arm] && !missing[p.Arm] {
					absent = append(absent, p.Arm)
				}
			}
		}
		b.Partial = append(b.Partial, PartialBlock{Block: n, Trials: end - start, Absent: absent})
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
