package sample

import "github.com/hellobench/hellobench/internal/record"

// Blocks says which blocks count.
//
// A block counts if every arm that was planned in it, and could take part in the
// run, had its turn. An arm whose trial failed had its turn, for otherwise one server
// that crashes would hide all others; it has no value in that block. One that is
// absent had none. Where no block counts Provisional is true, and everything
// measured is shown.
type Blocks struct {
	Planned     int       `json:"planned"` // in the plan; the run may stop earlier
	Counted     []int     `json:"counted"`
	Partial     []Partial `json:"partial"`
	Provisional bool      `json:"provisional"`
}

// Partial is a block that does not count.
type Partial struct {
	Block      int      `json:"block"` // in the plan
	Experiment string   `json:"experiment"`
	Number     int      `json:"number"` // among the blocks of the experiment, from 0
	Trials     int      `json:"trials"` // that it has
	Absent     []string `json:"absent"` // arms without a trial
}

// blocksOf sorts the blocks of trials that are in the order of their blocks.
func blocksOf(run *record.Run, trials []*record.Trial) Blocks {
	b := Blocks{Planned: len(run.Plan), Counted: []int{}, Partial: []Partial{}}
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
		absent := []string{}
		for _, p := range run.Plan[n].Trials {
			if !had[p.Arm] && !missing[p.Arm] {
				absent = append(absent, p.Arm)
			}
		}
		if len(absent) > 0 {
			b.Partial = append(b.Partial, Partial{Block: n, Experiment: run.ExperimentOf(n).Name, Number: run.Plan[n].Number, Trials: end - start, Absent: absent})
		} else {
			b.Counted = append(b.Counted, n)
		}
	}
	b.Provisional = len(b.Counted) == 0 && len(trials) > 0
	return b
}

// Shown are the blocks of which a report shows the figures: those that count, or
// all where none does.
func (t *Table) Shown() []int {
	if !t.Blocks.Provisional {
		return t.Blocks.Counted
	}
	var all []int
	for _, trial := range t.Trials {
		if n := len(all); n == 0 || all[n-1] != trial.Block {
			all = append(all, trial.Block)
		}
	}
	return all
}
