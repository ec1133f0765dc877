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
// Intervals are at confidence 1 - alpha/m for the m measured claims that can be
// tested (Bonferroni), so that the whole ledger has at most the chance alpha of a
// false verdict. Inside a claim no correction is needed for an answer in which all
// conditions agree (intersection-union test, Berger 1982); "depends" is a union, so
// each of the conditions that disagree has to be told at the claim's alpha over the
// number of its conditions. Where an experiment may stop at several looks, each look
// has its part of alpha.
func Evaluate(l *Ledger, t *sample.Table) []Verdict {
	e := newEvaluation(l, t)
	verdicts := make([]Verdict, 0, len(l.Claims))
	for _, c := range l.Claims {
		verdicts = append(verdicts, e.claim(c))
	}
	return verdicts
}

type evaluation struct {
	table  *sample.Table
	alphas []float64 // of a claim's intervals, by the experiment that its blocks are of
}

func newEvaluation(l *Ledger, t *sample.Table) *evaluation {
	e := &evaluation{table: t}
	alpha := l.Alpha / float64(max(1, e.testable(l)))
	for x := range t.Run.Experiments {
		e.alphas = append(e.alphas, alphaAt(alpha, Looks(t.Run.Experiments[x].Blocks), t.Done(x)))
	}
	return e
}

// testable counts the measured claims of which the machine and the arms of the run
// allow a condition. What cannot be tested takes no share of alpha.
func (e *evaluation) testable(l *Ledger) (n int) {
	for i := range l.Claims {
		if slices.ContainsFunc(l.Claims[i].Comparisons, func(c Comparison) bool { return e.impossible(c) == (sample.Lack{}) }) {
			n++
		}
	}
	return n
}

// alpha is that of an interval of blocks, those of the strictest experiment.
func (e *evaluation) alpha(blocks []int) float64 {
	least := 1.0
	for _, b := range blocks {
		least = min(least, e.alphas[e.table.Run.Plan[b].Experiment])
	}
	return least
}

func (e *evaluation) claim(c Claim) Verdict {
	v := Verdict{ID: c.ID, Kind: c.Kind(), Margin: c.Margin, Section: c.Section, Paraphrase: c.Paraphrase, Conditions: []Condition{}}
	switch v.Kind {
	case NotMeasurable:
		v.Verdict, v.Reason = NotTestable, "no measurement can tell: "+c.NotMeasurable
	case FactCheck:
		e.facts(&v, c.Facts)
	default:
		count := 0 // of the conditions
		for _, cmp := range c.Comparisons {
			count += len(e.levels(cmp))
		}
		for _, cmp := range c.Comparisons {
			levels := e.levels(cmp)
			for _, level := range levels {
				v.Conditions = append(v.Conditions, e.condition(c, cmp, level, count))
			}
			if len(levels) == 0 { // nothing compared is no answer, neither for nor against
				v.Conditions = append(v.Conditions, e.nowhere(c, cmp))
			}
		}
		if c.Chain {
			v.Chain = e.chain(&c, v.Conditions)
		}
		conclude(&v)
	}
	v.Means = c.Means[v.Verdict]
	return v
}

// levels are the run's levels at which a comparison is to be made. One that
// the run did not visit stands as it is: its cell will say that it has no samples.
func (e *evaluation) levels(cmp Comparison) []record.Level {
	if cmp.metric().OfStart && len(e.table.Run.Levels) > 0 {
		return e.table.Run.Levels[:1]
	}
	levels := cmp.named()
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

// named are the levels that a comparison names.
func (c *Comparison) named() []record.Level {
	levels := c.List()
	for i := range levels {
		if c.Idle > 0 { // they are open loops
			levels[i].Idle = c.Idle
		}
	}
	return levels
}

// among says whether all arms of a comparison are among these.
func (c *Comparison) among(arms []string) bool {
	return !slices.ContainsFunc([]string{c.A, c.AOver, c.B, c.BOver}, func(arm string) bool { return arm != "" && !slices.Contains(arms, arm) })
}

// visits says whether an arm is planned at a level; "" is no arm and is
// everywhere, and so is an arm that is not planned at all, for its cell says why.
func (e *evaluation) visits(arm string, level record.Level) bool {
	if i := slices.Index(e.table.Run.Levels, level); i >= 0 {
		return !e.plans(arm, -1) || e.plans(arm, i)
	}
	return true
}

// plans says whether some block has the arm at a level, given by its index.
func (e *evaluation) plans(arm string, level int) bool {
	return slices.ContainsFunc(e.table.Run.Plan, func(b record.Block) bool { return b.Plans(arm, level) })
}

// condition answers one comparison at one level; it is one of so many of its claim.
func (e *evaluation) condition(c Claim, cmp Comparison, level record.Level, of int) Condition {
	against, name := cmp.against(level)
	bar := cmp.bar(c.Margin)
	out := Condition{Metric: cmp.Metric, A: cmp.A, B: name, Level: level.String(), Group: cmp.Group, Verdict: NotTestable, AtLeast: bar.ratio(), AOver: cmp.AOver, BOver: cmp.BOver}
	if cmp.metric().OfStart {
		out.Level = atStart
	}
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
		out.Verdict, out.apart, out.Reason = Refuted, Refuted, p.Broken
		return out
	case p.Spoiled != (sample.Lack{}):
		return out.without(p.Spoiled)
	case len(p.A) < 2:
		return out.without(sample.Lack{Cause: sample.NoSample, Detail: fmt.Sprintf("%d complete blocks have both sides at %s; at least 2 are needed", len(p.A), record.PlainLevel(level.String()))})
	}
	alpha := e.alpha(p.Blocks)
	var err error
	if out.Ratio, err = e.interval(m, &p, alpha); err != nil {
		return out.without(sample.Lack{Cause: sample.NoSample, Detail: err.Error()})
	}
	if !out.Ratio.Bounded() {
		out.Ratio = stats.Interval{}
		out.Verdict, out.Reason = Inconclusive, "the blocks differ too much for any interval"
		return out
	}
	out.decide(bar, &p)
	if strict, err := e.interval(m, &p, alpha/float64(of)); err == nil {
		out.apart = valueOf(bar.position(strict))
	}
	if why := e.contradicted(m, &p, alpha, bar, out.Verdict); why != "" {
		out.Verdict, out.apart, out.Reason = Inconclusive, Inconclusive, why
	}
	return out
}

// interval is that of a ratio. Where arms share the generator's cores, what it and
// others took of them could have been A's, or B's: the interval reaches as far.
func (e *evaluation) interval(m *sample.Metric, p *sample.Pairs, alpha float64) (stats.Interval, error) {
	i, err := e.table.Interval(m, p, 1-alpha)
	i.Low *= 1 - p.LimitB.Taken
	i.High /= 1 - p.LimitA.Taken
	return i, err
}

// contradicted says why the signed-rank interval forbids an answer, if it does. It
// has a vote only where so many blocks can reach the confidence at all.
func (e *evaluation) contradicted(m *sample.Metric, p *sample.Pairs, alpha float64, bar bar, value Value) string {
	if value == Inconclusive || stats.SignedRankReach(len(p.A)) < 1-alpha {
		return ""
	}
	better, worse := p.A, p.B
	if !m.HigherIsBetter {
		better, worse = p.B, p.A
	}
	robust, err := stats.RobustRatio(better, worse, 1-alpha)
	if err != nil || valueOf(bar.position(robust)) == value {
		return ""
	}
	return fmt.Sprintf("the t interval and the signed-rank interval (%s) disagree", ratioRange(robust))
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
