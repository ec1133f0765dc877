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
}

// Pairs are the values of two sides in the blocks that count.
type Pairs struct {
	A, B           []float64
	BoundA, BoundB bool // the generator limited the arm in some block
	Gates          []string
	Spoiled        Lack   // why there is no answer, if there can be none
	Broken         string // how A's server failed, where that is the answer
}

// Pairs takes the values of both sides block by block. A block in which one of
// them has no sound value leaves the comparison; where half of the blocks or
// more do, what remains is a selection and no sample: a server that crashes
// under load must not be judged by the times when it did not. Failures of A
// in more than half of the blocks are in Broken.
func (t *Table) Pairs(m *Metric, a, b Side) Pairs {
	var p Pairs
	gates := map[string]bool{}
	var spoiled []Lack
	broken := 0
	readA, readB := t.reader(m, a), t.reader(m, b)
	for _, block := range t.Blocks.Counted {
		va, whyA := readA.value(block, gates, &p.BoundA)
		vb, whyB := readB.value(block, gates, &p.BoundB)
		if why := cmp.Or(whyA, whyB); why != (Lack{}) {
			spoiled = append(spoiled, why)
			if readA.failed(block) {
				broken++
				p.Broken = whyA.Detail
			}
			continue
		}
		p.A, p.B = append(p.A, va), append(p.B, vb)
	}
	p.Gates = slices.Sorted(maps.Keys(gates))
	if len(spoiled) > 0 && len(p.A) <= len(spoiled) {
		p.Spoiled = Lack{spoiled[0].Cause, fmt.Sprintf("%d of %d blocks give no value: %s", len(spoiled), len(t.Blocks.Counted), spoiled[0].Detail)}
	}
	if broken < 2 || broken <= len(p.A) {
		p.Broken = ""
	} else {
		p.Broken = fmt.Sprintf("it failed in %d of %d blocks: %s", broken, len(t.Blocks.Counted), p.Broken)
	}
	return p
}

// reader reads a metric of one side.
type reader struct {
	Side
	metric  *Metric
	starts  []*record.Trial // by block; nil where the arm has none
	samples []*Sample
	over    *reader
}

func (t *Table) reader(m *Metric, s Side) *reader {
	r := &reader{Side: s, metric: m, starts: t.starts[s.Arm], samples: t.samples[place{s.Arm, s.Level}]}
	if s.Over != nil {
		r.over = t.reader(m, *s.Over)
	}
	return r
}

// value is that of a block, over the other side's if there is one.
func (r *reader) value(block int, gates map[string]bool, bound *bool) (v float64, why Lack) {
	if r.Figure > 0 {
		return r.Figure, Lack{}
	}
	v, why = r.sound(block, gates, bound)
	if r.over == nil || why != (Lack{}) {
		return v, why
	}
	one, why := r.over.value(block, gates, bound)
	if why != (Lack{}) {
		return 0, why
	}
	return v / one, Lack{}
}

// failed says whether the server failed in a block by what it did itself.
func (r *reader) failed(block int) bool {
	if s := in(r.samples, block); s != nil {
		return s.Failed != ""
	}
	start := in(r.starts, block)
	return start != nil && start.Failure != ""
}

// sound is the value of a block, or the reason why it has no sound one.
func (r *reader) sound(block int, gates map[string]bool, bound *bool) (v float64, why Lack) {
	start, s, failure := in(r.starts, block), in(r.samples, block), "it was not measured"
	if start != nil {
		failure = cmp.Or(start.Failure, failure)
		if r.metric.OfStart {
			s = &Sample{Trial: start}
		}
	}
	if s == nil {
		return 0, Lack{NoSample, fmt.Sprintf("%s at %v: %s", r.Arm, r.Level, failure)}
	}
	for _, g := range s.Gates {
		gates[g.Name] = true
		if record.LowerBound(g.Name) {
			*bound = true
		} else {
			why = Lack{Gated, fmt.Sprintf("%s: %s", r.Arm, g.Detail)}
		}
	}
	v, ok := r.metric.Of(s)
	if !ok && (why == (Lack{}) || r.metric.Lacks != "") {
		why = Lack{NoSample, fmt.Sprintf("%s at %v: %s", r.Arm, r.Level, cmp.Or(r.metric.Lacks, "too few requests for this figure"))}
	}
	return v, why
}

// mostFloor is written for any noise beyond it, so that a verdict can be written as JSON.
const mostFloor = 1e6

// Floor is the A/A noise of a metric at a level: the ratio that chance alone
// reaches, from the pair on the arm's own route, or else from the first one: what
// waits varies less than what calculates. ok is false without a pair.
func (t *Table) Floor(m *Metric, name string, level record.Level, confidence float64) (floor float64, ok bool) {
	pairs := slices.DeleteFunc(slices.Clone(t.Run.Arms), func(a record.Arm) bool { return a.Replicate == "" || a.Canary() })
	if i := slices.IndexFunc(t.Run.Arms, func(a record.Arm) bool { return a.Name == name }); i >= 0 {
		slices.SortStableFunc(pairs, record.ByLikeness(t.Run.Arms[i]))
	}
	for _, arm := range pairs {
		p := t.Pairs(m, Side{Arm: arm.Replicate, Level: level}, Side{Arm: arm.Name, Level: level})
		if f, err := stats.NoiseFloor(p.A, p.B, confidence); err == nil {
			return min(f, mostFloor), true
		}
	}
	return 0, false
}

// Ratio is how one arm compares with another in one metric at one level.
type Ratio struct {
	stats.Interval         // above 1 where the first arm is better
	Blocks         int     // pairs that entered
	Floor          float64 // of the noise, a ratio from 1; 1 where it is not known

	boundA, boundB bool // the generator limited the arm
}

// Apart says whether chance alone does not explain the difference.
func (r *Ratio) Apart() bool { return r.Low > r.Floor || r.High < 1/r.Floor }

// Ahead says whether the first arm is clearly the better one: a second one
// that the generator limited could have been any better.
func (r *Ratio) Ahead() bool { return r.Low > r.Floor && !r.boundB }

// Behind says whether the first arm is clearly the worse one.
func (r *Ratio) Behind() bool { return r.High < 1/r.Floor && !r.boundA }

// Compare is the ratio of arm a to arm b, paired by block. ok is false where the
// blocks with a sound value of both are fewer than two, or no more than half.
func (t *Table) Compare(m *Metric, a, b string, level record.Level, confidence float64) (r Ratio, ok bool) {
	p := t.Pairs(m, Side{Arm: a, Level: level}, Side{Arm: b, Level: level})
	if p.Spoiled != (Lack{}) || len(p.A) < 2 {
		return r, false
	}
	better, worse := p.A, p.B
	if !m.HigherIsBetter {
		better, worse = p.B, p.A
	}
	i, err := stats.PairedRatio(better, worse, confidence)
	if err != nil || !i.Bounded() || math.IsInf(i.High, 0) {
		return r, false
	}
	floor, _ := t.Floor(m, a, level, confidence)
	return Ratio{Interval: i, Blocks: len(p.A), Floor: max(1, floor), boundA: p.BoundA, boundB: p.BoundB}, true
}

// Values are the sound values of one side, in the order of the blocks; they lack
// something where half of the blocks or more have none.
func (t *Table) Values(m *Metric, s Side) ([]float64, Lack) {
	p := t.Pairs(m, s, Side{Figure: 1})
	return p.A, p.Spoiled
}
