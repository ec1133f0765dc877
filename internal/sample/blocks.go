package sample

import (
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

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

// countBlock sorts a block by its trials, which have their starts in the table.
func (t *Table) countBlock(trials []*record.Trial) {
	n, absent := trials[0].Block, []string{}
	for _, p := range t.Run.Plan[n].Trials {
		missing := slices.ContainsFunc(t.Run.Missing, func(m record.Missing) bool { return m.Arm == p.Arm })
		if t.Start(p.Arm, n) == nil && !missing {
			absent = append(absent, p.Arm)
		}
	}
	if len(absent) == 0 {
		t.Blocks.Counted = append(t.Blocks.Counted, n)
		return
	}
	t.Blocks.Partial = append(t.Blocks.Partial, Partial{Block: n, Experiment: t.Run.ExperimentOf(n).Name, Number: t.Run.Plan[n].Number, Trials: len(trials), Absent: absent})
}

// Done is how many blocks of an experiment count.
func (t *Table) Done(experiment int) (n int) {
	for _, b := range t.Blocks.Counted {
		if t.Run.Plan[b].Experiment == experiment {
			n++
		}
	}
	return n
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
