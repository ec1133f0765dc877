package record

// CompleteBlocks tells which blocks count: those in which every planned arm
// has a trial, less the arms that could take no part in the run at all.
//
// A failed trial is a trial: otherwise one server that crashes would hide all
// others. An absent one is not: otherwise the last block of an interrupted
// run would favor the arms that happened to come first.
func CompleteBlocks(run *Run, trials []Trial) map[int]bool {
	had := map[int]map[string]bool{}
	for i := range trials {
		t := &trials[i]
		if had[t.Block] == nil {
			had[t.Block] = map[string]bool{}
		}
		had[t.Block][t.Arm] = true
	}
	missing := map[string]bool{}
	for _, m := range run.Missing {
		missing[m.Arm] = true
	}
	complete := map[int]bool{}
	for block, arms := range had {
		if block < 0 || block >= len(run.Plan) {
			continue // not of this run
		}
		whole := true
		for _, p := range run.Plan[block] {
			whole = whole && (arms[p.Arm] || missing[p.Arm])
		}
		if whole {
			complete[block] = true
		}
	}
	return complete
}

// DisturbedBlocks tells in which blocks the machine itself was not what it was
// in the others, by the canary's gate, and why. Such a block is kept and is no
// part of any analysis: what happened to its pairs happened between them.
func DisturbedBlocks(trials []Trial) map[int]string {
	disturbed := map[int]string{}
	for i := range trials {
		for _, w := range trials[i].Windows {
			for _, g := range w.Gates {
				if g.Name == GateCanary {
					disturbed[trials[i].Block] = g.Detail
				}
			}
		}
	}
	return disturbed
}

// CountedBlocks tells which blocks an analysis stands on: the complete ones
// that were not disturbed.
func CountedBlocks(run *Run, trials []Trial) map[int]bool {
	counted := CompleteBlocks(run, trials)
	for block := range DisturbedBlocks(trials) {
		delete(counted, block)
	}
	return counted
}
