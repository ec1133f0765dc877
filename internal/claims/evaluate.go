package claims

import (
	"fmt"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// Evaluate gives every claim of the ledger its verdict from the blocks of a run
// that count.
//
// Intervals are at confidence 1 - alpha/m for m measured claims (Bonferroni), so that
// the whole ledger has at most the chance alpha of a false verdict; inside a
// claim no correction is needed, since it holds only if all of its
// conditions hold (intersection-union test, Berger 1982). Where a run may stop
// at several looks, each look has its part of alpha.
func Evaluate(l *Ledger, t *sample.Table) ([]Verdict, error) {
	e, err := newEvaluation(l, t)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, 0, len(l.Claims))
	for _, c := range l.Claims {
		verdicts = append(verdicts, e.claim(c))
	}
	return verdicts, nil
}

type evaluation struct {
	table      *sample.Table
	confidence float64 // of each interval
}

func newEvaluation(l *Ledger, t *sample.Table) (*evaluation, error) {
	alpha, err := alphaAt(l, t.Run.Blocks, t.Blocks.Complete())
	if err != nil {
		return nil, fmt.Errorf("evaluate ledger: %w", err)
	}
	return &evaluation{table: t, confidence: 1 - alpha}, nil
}

func (e *evaluation) claim(c Claim) Verdict {
	v := Verdict{ID: c.ID, Kind: c.Kind(), Margin: c.Margin, Section: c.Section, Paraphrase: c.Paraphrase, Conditions: []Condition{}}
	switch v.Kind {
	case NotMeasurable:
		v.Verdict, v.Reason = NotTestable, "no measurement can tell: "+c.NotMeasurable
	case FactCheck:
		e.facts(&v, c.Facts)
	default:
		for _, cmp := range c.Comparisons {
			levels := e.levels(cmp)
			for _, level := range levels {
				v.Conditions = append(v.Conditions, e.condition(c, cmp, level))
			}
			if len(levels) == 0 { // nothing compared is no answer, neither for nor against
				v.Conditions = append(v.Conditions, e.nowhere(c, cmp))
			}
		}
		e.conclude(&v)
	}
	return v
}

// levels are the run's levels at which a comparison is to be made. One that
// the run did not visit stands as it is: its cell will say that it has no samples.
func (e *evaluation) levels(cmp Comparison) []record.Level {
	if cmp.metric().OfStart && len(e.table.Run.Levels) > 0 {
		return e.table.Run.Levels[:1]
	}
	levels := cmp.List()
	for i := range levels {
		if cmp.Idle > 0 { // they are open loops
			levels[i].Kind, levels[i].Idle = record.Idle, cmp.Idle
		}
	}
	if len(levels) > 0 {
		return levels
	}
	for _, l := range e.table.Run.Levels {
		if !l.Open() && e.visits(cmp.A, l) && e.visits(cmp.B, l) {
			levels = append(levels, l)
		}
	}
	slices.SortFunc(levels, record.Level.Compare)
	return levels
}

// visits says whether an arm is planned at a level; "" is no arm and is
// everywhere, and so is an arm that is not planned at all, for its cell says why.
func (e *evaluation) visits(arm string, level record.Level) bool {
	i := slices.Index(e.table.Run.Levels, level)
	for _, block := range e.table.Run.Plan {
		for _, p := range block {
			if p.Arm == arm {
				return slices.Contains(p.Levels, i)
			}
		}
	}
	return true
}

// condition answers one comparison at one level.
func (e *evaluation) condition(c Claim, cmp Comparison, level record.Level) Condition {
	against, name := cmp.against(level)
	bar := cmp.bar(c.Margin)
	out := Condition{Metric: cmp.Metric, A: cmp.A, B: name, Level: level.String(), Group: cmp.Group, Verdict: NotTestable, AtLeast: bar.ratio()}
	if cmp.Baseline > 0 {
		out.Level += " against " + against.Level.String()
	}
	if why := e.forbidden(cmp, level, against.Level); why != (sample.Lack{}) {
		return out.without(why)
	}
	m := cmp.metric()
	p := e.table.Pairs(m, side(cmp.A, cmp.AOver, level), against)
	out.Blocks, out.Gates = len(p.A), p.Gates
	switch {
	case cmp.ErrorsCount && p.Broken != "":
		out.Verdict, out.Reason = Refuted, p.Broken
		return out
	case p.Spoiled != (sample.Lack{}):
		return out.without(p.Spoiled)
	case len(p.A) < 2:
		return out.without(e.tooFew(len(p.A), level))
	}
	better, worse := p.A, p.B
	if !m.HigherIsBetter {
		better, worse = p.B, p.A
	}
	t, err := stats.PairedRatio(better, worse, e.confidence)
	if err != nil {
		return out.without(sample.Lack{Cause: sample.NoSample, Detail: err.Error()})
	}
	if !t.Bounded() {
		out.Verdict, out.Reason = Inconclusive, "the blocks differ too much for any interval"
		return out
	}
	out.Ratio = t
	var ok bool
	if out.Floor, ok = e.floor(m, &cmp, level, against); !ok {
		out.Verdict, out.Reason = Inconclusive, "the run has no A/A pair at this level, so its noise is not known"
		return out
	}
	// Few blocks cannot reach every confidence; the check is then as strict as they allow.
	robust, err := stats.RobustRatio(better, worse, min(e.confidence, stats.SignedRankReach(len(better))))
	if err != nil {
		return out.without(sample.Lack{Cause: sample.NoSample, Detail: err.Error()})
	}
	out.decide(robust, bar, &p)
	return out
}

// floor is the noise at the level, and at that of the baseline where there is one.
func (e *evaluation) floor(m *sample.Metric, cmp *Comparison, level record.Level, against sample.Side) (floor float64, ok bool) {
	floor, ok = e.table.Floor(m, cmp.A, level, e.confidence)
	if ok && cmp.Baseline > 0 {
		var other float64
		other, ok = e.table.Floor(m, against.Arm, against.Level, e.confidence)
		floor = max(floor, other)
	}
	return floor, ok
}

// tooFew says why so few blocks have both sides.
func (e *evaluation) tooFew(pairs int, level record.Level) sample.Lack {
	if b := &e.table.Blocks; len(b.Counted) < 2 && len(b.Disturbed) > 0 {
		return sample.Lack{Cause: sample.Gated, Detail: fmt.Sprintf("the machine changed during %d of %d blocks, and at least 2 must count", len(b.Disturbed), b.Complete())}
	}
	return sample.Lack{Cause: sample.NoSample, Detail: fmt.Sprintf("%d complete blocks have both sides at %v; at least 2 are needed", pairs, level)}
}

// nowhere is the condition of a comparison that no level of the run has both sides of.
func (e *evaluation) nowhere(c Claim, cmp Comparison) Condition {
	_, name := cmp.against(record.Level{})
	out := Condition{Metric: cmp.Metric, A: cmp.A, B: name, Level: "no common level", Group: cmp.Group, Verdict: NotTestable, AtLeast: cmp.bar(c.Margin).ratio()}
	why := e.impossible(cmp)
	if why == (sample.Lack{}) {
		why = sample.Lack{Cause: sample.NoSample, Detail: fmt.Sprintf("the run has no closed loop of both %s and %s", cmp.A, name)}
	}
	return out.without(why)
}

// without is the condition with the reason why it has no answer.
func (c Condition) without(why sample.Lack) Condition {
	c.Cause, c.Reason = why.Cause, why.String()
	return c
}
