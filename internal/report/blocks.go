package report

import (
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// countBlocks tells which blocks count, by the same rule as the verdicts
// (record.CompleteBlocks less record.DisturbedBlocks), and what is wrong with the others.
func countBlocks(run *record.Run, trials []record.Trial) Blocks {
	b := Blocks{Planned: len(run.Plan), Counted: []int{}, Partial: []PartialBlock{}, Disturbed: []Disturbed{}}
	complete, disturbed := record.CompleteBlocks(run, trials), record.DisturbedBlocks(trials)
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
		if why := disturbed[n]; complete[n] && why != "" {
			b.Disturbed = append(b.Disturbed, Disturbed{n, why})
			continue
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

// canary is what the null server did around each block, those that do not count too.
func canary(arms []Arm, trials []record.Trial) []Canary {
	out := []Canary{}
	for i := range trials {
		t := &trials[i]
		a := slices.IndexFunc(arms, func(a Arm) bool { return a.Name == t.Arm })
		if !arms[a].Canary() || len(t.Windows) == 0 {
			continue
		}
		if n := len(out); n == 0 || out[n-1].Block != t.Block {
			out = append(out, Canary{Block: t.Block})
		}
		c, w := &out[len(out)-1], &t.Windows[len(t.Windows)-1]
		if arms[a].Replicate == "" {
			c.Before = number(w.Load.Throughput())
		} else {
			c.After = number(w.Load.Throughput())
		}
		c.Reason = record.DisturbedBlocks(trials[i : i+1])[t.Block]
	}
	return out
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
