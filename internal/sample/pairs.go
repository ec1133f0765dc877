package sample

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// Cause says why there is no value.
type Cause string

// The causes.
const (
	NoCores  Cause = "cores"  // the servers have too few cores
	NoArm    Cause = "arm"    // an arm, or the runtime that it needs, was no part of the run
	Gated    Cause = "gate"   // validity gates left no sound values: noise, errors, a load that was not delivered
	NoSample Cause = "sample" // nothing was measured there, or too little
)

// Lack is a cause with what is behind it; the zero value lacks nothing.
type Lack struct {
	Cause  Cause
	Detail string
}

// String is the cause in plain words, with what is behind it.
func (l Lack) String() string {
	words := map[Cause]string{NoCores: "too few cores", NoArm: "an arm did not run", Gated: "a validity gate failed", NoSample: "no sample"}
	return words[l.Cause] + ": " + strings.TrimPrefix(l.Detail, "not testable here: ")
}

// Side is one side of a comparison: an arm at a level, or a figure.
type Side struct {
	Arm    string
	Level  record.Level
	Over   *Side   // what its value is divided by; nil: by nothing
	Figure float64 // in the metric's unit; 0: the arm
	Alone  bool    // without the arm's replicate
}

// Pairs are the values of two sides in the blocks that have both.
type Pairs struct {
	A, B           []float64
	Blocks         []int // that they are of
	LimitA, LimitB Limit
	Gates          []string
	Spoiled        Lack   // why there is no answer, if there can be none
	Broken         string // how A's server failed, where that is the answer
}

// Limit is by how much a side may have been better than what was measured. What a side is
// divided by limits it the other way: its values are too large, and so the other side's limit.
type Limit struct {
	Bound bool    // the generator limited the arm in some block
	Taken float64 // of an arm that shares the generator's cores: the largest share of those that others took
}

// Pairs takes the values of both sides from the blocks that count and in which both
// were measured side by side. A block in which one of them has no sound value leaves
// the comparison; where half of the blocks or more do, what remains is a selection and
// no sample: a server that crashes under load must not be judged by the times when it
// did not. Failures of A in more than half of the blocks are in Broken.
func (t *Table) Pairs(m *Metric, a, b Side) Pairs {
	var p Pairs
	gates := map[string]bool{}
	var spoiled []Lack
	broken, blocks := 0, 0
	readA, readB := t.reader(m, a), t.reader(m, b)
	for _, block := range t.Blocks.Counted {
		if !readA.planned(block) || !readB.planned(block) {
			continue
		}
		blocks++
		va, whyA := readA.value(block, gates, &p.LimitA, &p.LimitB)
		vb, whyB := readB.value(block, gates, &p.LimitB, &p.LimitA)
		if why := cmp.Or(whyA, whyB); why != (Lack{}) {
			spoiled = append(spoiled, why)
			if readA.failed(block) {
				broken++
				p.Broken = whyA.Detail
			}
			continue
		}
		p.A, p.B, p.Blocks = append(p.A, va), append(p.B, vb), append(p.Blocks, block)
	}
	p.Gates = slices.Sorted(maps.Keys(gates))
	if len(spoiled) > 0 && len(p.A) <= len(spoiled) {
		p.Spoiled = Lack{spoiled[0].Cause, fmt.Sprintf("%d of %d blocks give no value: %s", len(spoiled), blocks, spoiled[0].Detail)}
	}
	if broken < 2 || broken <= len(p.A) {
		p.Broken = ""
	} else {
		p.Broken = fmt.Sprintf("it failed in %d of %d blocks: %s", broken, blocks, p.Broken)
	}
	return p
}

// reader reads a metric of one side.
type reader struct {
	Side
	metric    *Metric
	plan      []bool // by block; nil: everywhere
	starts    []*record.Trial
	samples   []*Sample
	over      *reader
	installed uint64
	shared    int     // cores that it shares with the generator
	parallel  bool    // it has a process for each of them
	twin      *reader // of the arm's replicate, nil: it has none
}

func (t *Table) reader(m *Metric, s Side) *reader {
	at := place{s.Arm, s.Level}
	r := &reader{Side: s, metric: m, plan: t.planned[at], starts: t.starts[s.Arm], samples: t.samples[at]}
	for _, a := range t.Run.Arms {
		if a.Name == s.Arm && a.Shared && !t.Run.Apart() {
			r.shared = len(t.Run.ServerCPUs) + len(t.Run.LoadCPUs)
			r.parallel = max(a.Workers, a.Instances) >= r.shared
		}
	}
	r.installed = t.installed(s.Arm)
	if m.OfStart {
		r.plan = t.planned[place{arm: s.Arm}]
	}
	if r.plan == nil && s.Figure == 0 {
		r.plan = make([]bool, len(t.Run.Plan))
	}
	if again := t.twins[s.Arm]; again != "" && !s.Alone {
		r.twin = t.reader(m, Side{Arm: again, Level: s.Level})
	}
	if s.Over != nil {
		r.over = t.reader(m, *s.Over)
	}
	return r
}

// installed is the size of an arm's server, 0 where it is not known.
func (t *Table) installed(arm string) uint64 {
	for _, a := range t.Run.Arms {
		for _, s := range t.Run.Servers {
			if a.Name == arm && a.Server == s.Server {
				return s.Size
			}
		}
	}
	return 0
}

// planned says whether a block has the side.
func (r *reader) planned(block int) bool {
	return (r.plan == nil || r.plan[block]) && (r.over == nil || r.over.planned(block))
}

// value is that of a block, over the other side's if there is one. Where the arm was
// entered twice, both starts are its replicates, and the value is their mean, or that
// of the one which the machine did not spoil. A start that the server itself spoiled
// leaves none.
func (r *reader) value(block int, gates map[string]bool, limit, other *Limit) (v float64, why Lack) {
	if r.Figure > 0 {
		return r.Figure, Lack{}
	}
	v, why = r.sound(block, gates, limit)
	if r.twin != nil && r.twin.planned(block) {
		switch again, lack := r.twin.sound(block, gates, limit); {
		case lack == (Lack{}) && why == (Lack{}):
			v = math.Sqrt(v * again)
		case lack == (Lack{}) && !r.broke(block):
			v, why = again, Lack{}
		case r.twin.broke(block):
			why = lack
		}
	}
	if r.over == nil || why != (Lack{}) {
		return v, why
	}
	one, why := r.over.value(block, gates, other, limit)
	if why != (Lack{}) {
		return 0, why
	}
	return v / one, Lack{}
}

// failed says whether the server failed in a block by what it did itself, in either
// start where it was entered twice.
func (r *reader) failed(block int) bool {
	return r.broke(block) || r.twin != nil && r.twin.planned(block) && r.twin.broke(block)
}

// broke is failed of one start.
func (r *reader) broke(block int) bool {
	if s := in(r.samples, block); s != nil {
		return s.Failed != ""
	}
	start := in(r.starts, block)
	return start != nil && start.Failure != ""
}

// sound is the value of a block, or the reason why it has no sound one.
func (r *reader) sound(block int, gates map[string]bool, limit *Limit) (v float64, why Lack) {
	start, s, failure := in(r.starts, block), in(r.samples, block), "it was not measured"
	if start != nil {
		failure = cmp.Or(start.Failure, failure)
		if r.metric.OfStart {
			s = &Sample{Trial: start, installed: r.installed}
		}
	}
	if s == nil {
		return 0, Lack{NoSample, fmt.Sprintf("%s at %s: %s", r.Arm, record.PlainLevel(r.Level.String()), failure)}
	}
	for _, g := range s.Gates {
		gates[g.Name] = true
		if record.LowerBound(g.Name) {
			limit.Bound = true
		} else {
			why = Lack{Gated, fmt.Sprintf("%s: %s", r.Arm, g.Detail)}
		}
	}
	if r.shared > 0 {
		limit.Taken = max(limit.Taken, s.taken(r.shared, r.parallel))
	}
	v, ok := r.metric.Of(s)
	if !ok && (why == (Lack{}) || r.metric.Lacks != "") {
		why = Lack{NoSample, fmt.Sprintf("%s at %s: %s", r.Arm, record.PlainLevel(r.Level.String()), cmp.Or(r.metric.Lacks, "too few requests for this figure"))}
	}
	return v, why
}

// taken is the mean share of so many cores that the server could not have. Of a server
// with a process for each core what stayed idle is included: whether the load or the
// server left it, no figure tells.
func (s *Sample) taken(cores int, parallel bool) (share float64) {
	for _, w := range s.Rounds {
		got := w.Taken(cores)
		if parallel {
			got += w.IdleOf(cores)
		}
		share += got / float64(len(s.Rounds))
	}
	return share
}

// Interval is the ratio of A to B where more is better, of B to A where less is, with
// the t interval whose variance is moderated by that of the metric's other comparisons.
func (t *Table) Interval(m *Metric, p *Pairs, confidence float64) (stats.Interval, error) {
	better, worse := p.A, p.B
	if !m.HigherIsBetter {
		better, worse = p.B, p.A
	}
	return stats.ModeratedRatio(better, worse, t.prior(m), confidence)
}

// prior is how the variances of a metric's comparisons are spread in this run: of
// every arm with the first one of its experiment, at every level.
func (t *Table) prior(m *Metric) stats.Prior {
	if p, known := t.priors[m]; known {
		return p
	}
	var variances, degrees []float64
	for i := range t.Run.Experiments {
		e := &t.Run.Experiments[i]
		for _, l := range e.Levels {
			if !m.varies(t.Run.Levels[l]) {
				continue
			}
			for _, arm := range e.Arms[min(1, len(e.Arms)):] {
				first := Side{Arm: e.Arms[0], Level: t.Run.Levels[l], Alone: true}
				p := t.Pairs(m, Side{Arm: arm, Level: first.Level, Alone: true}, first)
				if d, err := stats.LogRatios(p.A, p.B); err == nil && len(d) > 1 {
					variances, degrees = append(variances, stats.Variance(d)), append(degrees, float64(len(d)-1))
				}
			}
			if m.OfStart {
				break // the level is but a name
			}
		}
	}
	t.priors[m] = stats.FitPrior(variances, degrees)
	return t.priors[m]
}

// Ratio is how one arm compares with another in one metric at one level.
type Ratio struct {
	stats.Interval     // above 1 where the first arm is better
	Blocks         int // pairs that entered

	boundA, boundB bool // the generator limited the arm
}

// Apart says whether chance alone does not explain the difference.
func (r *Ratio) Apart() bool { return r.Low > 1 || r.High < 1 }

// Ahead says whether the first arm is clearly the better one: a second one
// that the generator limited could have been any better.
func (r *Ratio) Ahead() bool { return r.Low > 1 && !r.boundB }

// Behind says whether the first arm is clearly the worse one.
func (r *Ratio) Behind() bool { return r.High < 1 && !r.boundA }

// Compare is the ratio of arm a to arm b, paired by block. ok is false where the
// blocks with a sound value of both are fewer than two, or no more than half.
func (t *Table) Compare(m *Metric, a, b string, level record.Level, confidence float64) (r Ratio, ok bool) {
	p := t.Pairs(m, Side{Arm: a, Level: level}, Side{Arm: b, Level: level})
	if p.Spoiled != (Lack{}) || len(p.A) < 2 {
		return r, false
	}
	i, err := t.Interval(m, &p, confidence)
	if err != nil || !i.Bounded() || math.IsInf(i.High, 0) {
		return r, false
	}
	return Ratio{Interval: i, Blocks: len(p.A), boundA: p.LimitA.Bound, boundB: p.LimitB.Bound}, true
}

// Values are the sound values of one side, in the order of the blocks; they lack
// something where half of the blocks or more have none.
func (t *Table) Values(m *Metric, s Side) ([]float64, Lack) {
	p := t.Pairs(m, s, Side{Figure: 1})
	return p.A, p.Spoiled
}
