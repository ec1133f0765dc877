package claims

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// impossible says why a comparison cannot be made in this run, if it cannot.
func (e *evaluation) impossible(cmp Comparison) lack {
	if cores := len(e.run.ServerCPUs); cmp.Cores > cores && cores > 0 {
		return lack{Cores, fmt.Sprintf("needs %d server cores; this run had %d", cmp.Cores, cores)}
	}
	for _, arm := range []string{cmp.A, cmp.B, cmp.AOver, cmp.BOver} {
		if arm == "" {
			continue
		}
		if why := e.absent(arm); why != (lack{}) {
			return why
		}
	}
	return lack{}
}

// forbidden says why a cell can have no answer in this run, if it cannot.
func (e *evaluation) forbidden(c Comparison, level record.Level, against operand) lack {
	if metrics[c.Metric].ofTrial {
		return e.impossible(c) // the level is but a name
	}
	return cmp.Or(e.impossible(c), e.unreachable(level), e.unreachable(against.level))
}

// unreachable says why no trial visits a level, if none does.
func (e *evaluation) unreachable(level record.Level) lack {
	for _, u := range e.run.Unreachable {
		if u.Level == level {
			return lack{Sample, u.Reason}
		}
	}
	return lack{}
}

// absent says why an arm has no samples, if it should have none.
func (e *evaluation) absent(arm string) lack {
	i := slices.IndexFunc(e.run.Arms, func(a record.Arm) bool { return a.Name == arm })
	for _, m := range e.run.Missing {
		switch cores := len(e.run.ServerCPUs); {
		case m.Arm != arm:
		case i >= 0 && cores > 0 && max(e.run.Arms[i].Workers, e.run.Arms[i].Instances) > cores:
			return lack{Cores, m.Reason}
		default:
			return lack{Arm, fmt.Sprintf("%s: %s", arm, m.Reason)}
		}
	}
	if i < 0 {
		return lack{Arm, fmt.Sprintf("%s was not part of this run", arm)}
	}
	return lack{}
}

// operand is one side of a comparison: an arm at a level, or a figure.
type operand struct {
	place
	over   string  // the arm whose value divides it, if any
	figure float64 // in the metric's unit; 0: the place
	words  string  // for the figure
}

func (c *Comparison) against(level record.Level) operand {
	switch {
	case c.Limit > 0:
		return operand{figure: c.Limit, words: fmt.Sprintf("the figure %g", c.Limit)}
	case c.Delay > 0:
		return operand{figure: float64(level.Connections) / c.Delay.Seconds(), words: fmt.Sprintf("connections that only wait %v", c.Delay)}
	case c.Baseline > 0:
		return operand{place: place{c.B, record.Level{Connections: c.Baseline}}, over: c.BOver}
	default:
		return operand{place: place{c.B, level}, over: c.BOver}
	}
}

func (o *operand) name() string { return cmp.Or(o.words, o.arm) }

// pairs are the values of the two sides in the complete blocks.
type pairs struct {
	a, b           []float64
	boundA, boundB bool // the generator limited the arm in some block
	gates          []string
	spoiled        lack   // why there is no answer, if there can be none
	broken         string // how A failed, where that is the answer
}

// pairs takes the values of both sides block by block. A block in which one of
// them has no sound value leaves the comparison; where half of the blocks or
// more do, what remains is a selection and no sample: a server that crashes
// under load must not be judged by the times when it did not. Where errors
// count, the failures of A in half of the blocks or more are the answer.
func (e *evaluation) pairs(m metric, a, b operand, errorsCount bool) pairs {
	var p pairs
	gates := map[string]bool{}
	var spoiled []lack
	broken := 0
	for _, block := range e.blocks {
		va, whyA := e.operand(m, a, block, gates, &p.boundA)
		vb, whyB := e.operand(m, b, block, gates, &p.boundB)
		if why := cmp.Or(whyA, whyB); why != (lack{}) {
			spoiled = append(spoiled, why)
			if errorsCount && e.failed(a.place, block) {
				broken++
				p.broken = whyA.detail
			}
			continue
		}
		p.a, p.b = append(p.a, va), append(p.b, vb)
	}
	p.gates = slices.Sorted(maps.Keys(gates))
	if len(spoiled) > 0 && len(p.a) <= len(spoiled) {
		p.spoiled = lack{spoiled[0].cause, fmt.Sprintf("%d of %d blocks give no value: %s", len(spoiled), len(e.blocks), spoiled[0].detail)}
	}
	if broken < 2 || broken <= len(p.a) {
		p.broken = ""
	} else {
		p.broken = fmt.Sprintf("it failed in %d of %d blocks: %s", broken, len(e.blocks), p.broken)
	}
	return p
}

// operand reads one side in one block.
func (e *evaluation) operand(m metric, o operand, block int, gates map[string]bool, bound *bool) (v float64, why lack) {
	if o.figure > 0 {
		return o.figure, lack{}
	}
	v, why = e.value(m, o.place, block, gates, bound)
	if o.over == "" || why != (lack{}) {
		return v, why
	}
	one, why := e.value(m, place{o.over, o.level}, block, gates, bound)
	if why != (lack{}) {
		return 0, why
	}
	return v / one, lack{}
}

// failed says whether a window failed by what the server did.
func (e *evaluation) failed(at place, block int) bool {
	s := e.values[at][block]
	if s == nil {
		return e.failures[at.arm][block] != ""
	}
	return s.window.ServerFailed() != ""
}

// value reads a metric in one block, or says why it has no sound value there.
func (e *evaluation) value(m metric, at place, block int, gates map[string]bool, bound *bool) (v float64, why lack) {
	s := e.values[at][block]
	if s == nil && m.ofTrial {
		s = e.starts[at.arm][block]
	}
	if s == nil {
		failure := cmp.Or(e.failures[at.arm][block], "it was not measured")
		return 0, lack{Sample, fmt.Sprintf("%s at %v: %s", at.arm, at.level, failure)}
	}
	if s.window != nil && !m.ofTrial {
		for _, g := range s.window.Gates {
			gates[g.Name] = true
			if record.LowerBound(g.Name) {
				*bound = true
			} else {
				why = lack{Gate, fmt.Sprintf("%s: %s", at.arm, g.Detail)}
			}
		}
	}
	v, ok := m.read(s.trial, s.window)
	if !ok && (why == (lack{}) || m.lacks != "") {
		why = lack{Sample, fmt.Sprintf("%s at %v: %s", at.arm, at.level, cmp.Or(m.lacks, "too few requests for this figure"))}
	}
	return v, why
}

// mostFloor stands for any noise beyond it, so that a verdict can be written as JSON.
const mostFloor = 1e6

// floor is the noise of a metric at a level, from the A/A pair of the run on
// the arm's own route, or else from the first one: what waits varies less than
// what calculates.
func (e *evaluation) floor(m metric, name string, level record.Level) (float64, bool) {
	pairs := slices.DeleteFunc(slices.Clone(e.run.Arms), func(a record.Arm) bool { return a.Replicate == "" || a.Canary() })
	if i := slices.IndexFunc(e.run.Arms, func(a record.Arm) bool { return a.Name == name }); i >= 0 {
		slices.SortStableFunc(pairs, func(a, b record.Arm) int {
			return record.ByLikeness(e.run.Arms[i])(a, b)
		})
	}
	for _, arm := range pairs {
		p := e.pairs(m, operand{place: place{arm.Replicate, level}}, operand{place: place{arm.Name, level}}, false)
		if f, err := stats.NoiseFloor(p.a, p.b, e.confidence); err == nil {
			return min(f, mostFloor), true
		}
	}
	return 0, false
}
