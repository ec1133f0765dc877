package sample

import "github.com/hellobench/hellobench/internal/record"

// Blocks says which blocks count.
//
// A block counts if every arm that was planned in it, and could take part in the
// run, had its turn, and the canary was the same before and after. An arm whose
// trial failed had its turn, for otherwise one server that crashes would hide all
// others; it has no value in that block. One that is absent had none, for
// otherwise the last block of an interrupted run would favor the arms that came
// first. Where no block counts Provisional is true, and everything measured is shown.
type Blocks struct {
	Planned     int         `json:"planned"` // in the plan; the run may stop earlier
	Counted     []int       `json:"counted"`
	Partial     []Partial   `json:"partial"`
	Disturbed   []Disturbed `json:"disturbed"` // complete, and left out because of the canary
	Provisional bool        `json:"provisional"`
}

// Partial is a block that does not count.
type Partial struct {
	Block  int      `json:"block"`
	Trials int      `json:"trials"` // that it has
	Absent []string `json:"absent"` // arms without a trial
}

// Disturbed is a block during which the machine itself changed. It is kept and is
// no part of any analysis: what happened to its pairs happened between them.
type Disturbed struct {
	Block  int    `json:"block"`
	Reason string `json:"reason"`
}

// Complete is the number of complete blocks, disturbed or not.
func (b *Blocks) Complete() int { return len(b.Counted) + len(b.Disturbed) }

// blocksOf sorts the blocks of trials that are in the order of their blocks.
func blocksOf(run *record.Run, trials []*record.Trial) Blocks {
	b := Blocks{Planned: len(run.Plan), Counted: []int{}, Partial: []Partial{}, Disturbed: []Disturbed{}}
	missing := make(map[string]bool, len(run.Missing))
	for _, m := range run.Missing {
		missing[m.Arm] = true
	}
	for start, end := 0, 0; start < len(trials); start = end {
		n, disturbed := trials[start].Block, ""
		had := map[string]bool{}
		for end = start; end < len(trials) && trials[end].Block == n; end++ {
			had[trials[end].Arm] = true
			if why := DisturbedBy(trials[end]); why != "" {
				disturbed = why
			}
		}
		absent := []string{}
		for _, p := range run.Plan[n] {
			if !had[p.Arm] && !missing[p.Arm] {
				absent = append(absent, p.Arm)
			}
		}
		switch {
		case len(absent) > 0:
			b.Partial = append(b.Partial, Partial{Block: n, Trials: end - start, Absent: absent})
		case disturbed != "":
			b.Disturbed = append(b.Disturbed, Disturbed{n, disturbed})
		default:
			b.Counted = append(b.Counted, n)
		}
	}
	b.Provisional = len(b.Counted) == 0 && len(trials) > 0
	return b
}

// DisturbedBy says how a trial of the canary found the machine changed, "" if it did not.
func DisturbedBy(t *record.Trial) (why string) {
	for i := range t.Windows {
		for _, g := range t.Windows[i].Gates {
			if g.Name == record.GateCanary {
				why = g.Detail
			}
		}
	}
	return why
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
