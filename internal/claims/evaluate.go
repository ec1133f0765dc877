package claims

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// Evaluate gives every claim of the ledger its verdict from the complete
// blocks of a run.
//
// Intervals are at confidence 1 - alpha/m for m measured claims (Bonferroni), so that
// the whole ledger has at most the chance alpha of a false verdict; inside a
// claim no correction is needed, since it holds only if all of its
// conditions hold (intersection-union test, Berger 1982). Where a run may stop
// at several looks, each look has its part of alpha.
func Evaluate(l *Ledger, run *record.Run, trials []record.Trial) ([]Verdict, error) {
	e, err := newEvaluation(l, run, trials)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, 0, len(l.Claims))
	for _, c := range l.Claims {
		verdicts = append(verdicts, e.claim(c))
	}
	return verdicts, nil
}

func newEvaluation(l *Ledger, run *record.Run, trials []record.Trial) (*evaluation, error) {
	e := index(run, trials, 0)
	alpha, err := alphaAt(l, run.Blocks, e.done)
	if err != nil {
		return nil, fmt.Errorf("evaluate ledger: %w", err)
	}
	e.confidence = 1 - alpha
	return e, nil
}

type evaluation struct {
	run        *record.Run
	confidence float64
	values     map[place]map[int]*sample  // by block
	starts     map[string]map[int]*sample // by arm and block: the trial alone
	failures   map[string]map[int]string  // by arm and block: why a trial has fewer windows than planned
	blocks     []int                      // the complete and undisturbed ones, in order
	done       int                        // complete ones, disturbed or not
}

type place struct {
	arm   string
	level record.Level
}

// sample is one window of one trial, or only the trial where a metric needs no window.
type sample struct {
	trial  *record.Trial
	window *record.Window
}

// index sorts the windows of the complete blocks.
func index(run *record.Run, trials []record.Trial, confidence float64) *evaluation {
	e := &evaluation{run: run, confidence: confidence, values: map[place]map[int]*sample{}, starts: map[string]map[int]*sample{}, failures: map[string]map[int]string{}}
	complete := record.CountedBlocks(e.run, trials)
	e.done = len(record.CompleteBlocks(e.run, trials))
	e.blocks = slices.Sorted(maps.Keys(complete))
	for i := range trials {
		t := &trials[i]
		if !complete[t.Block] {
			continue
		}
		if e.starts[t.Arm] == nil {
			e.starts[t.Arm] = map[int]*sample{}
		}
		e.starts[t.Arm][t.Block] = &sample{trial: t}
		if t.Failure != "" {
			if e.failures[t.Arm] == nil {
				e.failures[t.Arm] = map[int]string{}
			}
			e.failures[t.Arm][t.Block] = t.Failure
		}
		for j := range t.Windows {
			w := &t.Windows[j]
			if w.Warmup {
				continue
			}
			p := place{t.Arm, w.Level}
			if e.values[p] == nil {
				e.values[p] = map[int]*sample{}
			}
			e.values[p][t.Block] = &sample{t, w}
		}
	}
	return e
}

func (e *evaluation) claim(c Claim) Verdict {
	v := Verdict{ID: c.ID, Kind: c.Kind(), Margin: c.Margin, Section: c.Section, Paraphrase: c.Paraphrase, Cells: []Cell{}}
	switch v.Kind {
	case NotMeasurable:
		v.Verdict, v.Reason = NotTestable, "no measurement can tell: "+c.NotMeasurable
	case FactCheck:
		e.facts(&v, c.Facts)
	default:
		for _, cmp := range c.Comparisons {
			levels := e.levels(cmp)
			for _, level := range levels {
				v.Cells = append(v.Cells, e.cell(c, cmp, level))
			}
			if len(levels) == 0 { // nothing compared is no answer, neither for nor against
				v.Cells = append(v.Cells, e.nowhere(c, cmp))
			}
		}
		e.conclude(&v)
	}
	return v
}

// levels are the run's levels at which a comparison is to be made. One that
// the run did not visit stands as it is: its cell will say that it has no samples.
func (e *evaluation) levels(cmp Comparison) []record.Level {
	if metrics[cmp.Metric].ofTrial && len(e.run.Levels) > 0 {
		return e.run.Levels[:1]
	}
	var levels []record.Level
	for _, s := range cmp.Shares {
		levels = append(levels, record.Level{Kind: record.Share, Share: s})
	}
	if cmp.SLO {
		levels = append(levels, record.Level{Kind: record.SLO})
	}
	if len(levels)+len(cmp.Connections)+len(cmp.Rates) == 0 {
		for _, l := range e.run.Levels {
			if !l.Open() && e.visits(cmp.A, l) && e.visits(cmp.B, l) {
				levels = append(levels, l)
			}
		}
	}
	for _, r := range cmp.Rates {
		kind := record.Open
		if cmp.Idle > 0 {
			kind = record.Idle
		}
		levels = append(levels, record.Level{Kind: kind, Rate: r, Idle: cmp.Idle})
	}
	for _, n := range cmp.Connections {
		levels = append(levels, record.Level{Connections: n})
	}
	slices.SortFunc(levels, record.Level.Compare)
	return levels
}

// visits says whether an arm is planned at a level; "" is no arm and is
// everywhere, and so is an arm that is not planned at all, for its cell says why.
func (e *evaluation) visits(arm string, level record.Level) bool {
	i := slices.Index(e.run.Levels, level)
	for _, block := range e.run.Plan {
		for _, p := range block {
			if p.Arm == arm {
				return slices.Contains(p.Levels, i)
			}
		}
	}
	return true
}

// cell answers one condition.
func (e *evaluation) cell(c Claim, cmp Comparison, level record.Level) Cell {
	against, bar := cmp.against(level), cmp.bar(c.Margin)
	cell := Cell{Metric: string(cmp.Metric), A: cmp.A, B: against.name(), Level: level.String(), Group: cmp.Group, Verdict: NotTestable, AtLeast: bar.ratio()}
	if cmp.Baseline > 0 {
		cell.Level += " against " + against.level.String()
	}
	if why := e.forbidden(cmp, level, against); why != (lack{}) {
		return cell.without(why)
	}
	m := metrics[cmp.Metric]
	p := e.pairs(m, operand{place: place{cmp.A, level}, over: cmp.AOver}, against, cmp.ErrorsCount)
	cell.Blocks, cell.Gates = len(p.a), p.gates
	switch {
	case p.broken != "":
		cell.Verdict, cell.Reason = Refuted, p.broken
		return cell
	case p.spoiled != (lack{}):
		return cell.without(p.spoiled)
	case len(p.a) < 2:
		why := lack{Sample, fmt.Sprintf("%d complete blocks have both sides at %v; at least 2 are needed", len(p.a), level)}
		if len(e.blocks) < 2 && e.done > len(e.blocks) {
			why = lack{Gate, fmt.Sprintf("the machine changed during %d of %d blocks, and at least 2 must count", e.done-len(e.blocks), e.done)}
		}
		return cell.without(why)
	}
	better, worse := p.a, p.b
	if !m.higherIsBetter {
		better, worse = p.b, p.a
	}
	t, err := stats.PairedRatio(better, worse, e.confidence)
	if err != nil {
		return cell.without(lack{Sample, err.Error()})
	}
	if !t.Bounded() {
		cell.Verdict, cell.Reason = Inconclusive, "the blocks differ too much for any interval"
		return cell
	}
	cell.Ratio = t
	floor, ok := e.floor(m, cmp.A, level)
	if ok && cmp.Baseline > 0 {
		var other float64
		other, ok = e.floor(m, against.arm, against.level)
		floor = max(floor, other)
	}
	if !ok {
		cell.Verdict, cell.Reason = Inconclusive, "the run has no A/A pair at this level, so its noise is not known"
		return cell
	}
	cell.Floor = floor
	// Few blocks cannot reach every confidence; the check is then as strict as they allow.
	robust, err := stats.RobustRatio(better, worse, min(e.confidence, stats.SignedRankReach(len(better))))
	if err != nil {
		return cell.without(lack{Sample, err.Error()})
	}
	cell.decide(robust, bar, p)
	return cell
}

// nowhere is the condition of a comparison that no level of the run has both sides of.
func (e *evaluation) nowhere(c Claim, cmp Comparison) Cell {
	against, bar := cmp.against(record.Level{}), cmp.bar(c.Margin)
	cell := Cell{Metric: string(cmp.Metric), A: cmp.A, B: against.name(), Level: "no common level", Group: cmp.Group, Verdict: NotTestable, AtLeast: bar.ratio()}
	why := e.impossible(cmp)
	if why == (lack{}) {
		why = lack{Sample, fmt.Sprintf("the run has no closed loop of both %s and %s", cmp.A, against.name())}
	}
	return cell.without(why)
}

// without is the cell with the reason why it has no answer.
func (c Cell) without(why lack) Cell {
	c.Cause, c.Reason = why.cause, why.String()
	return c
}
