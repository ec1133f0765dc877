package claims

import (
	"math"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// Pairing compares any two arms of a run as the ledger's conditions are
// compared: paired by block, with the same gates, noise floor and estimator. So
// a ranking and a verdict on the same two arms cannot contradict each other.
type Pairing struct{ e *evaluation }

// Pair prepares the comparisons of a run, each at this confidence.
func Pair(run *record.Run, trials []record.Trial, confidence float64) *Pairing {
	return &Pairing{index(run, trials, confidence)}
}

// Paired is how one arm compares with another in one metric at one level.
type Paired struct {
	Ratio  stats.Interval // above 1 where the first arm is better
	Blocks int            // pairs that entered
	Floor  float64        // of the noise, a ratio from 1; 1 where it is not known

	boundA, boundB bool // the generator limited the arm
}

// Apart says whether chance alone does not explain the difference.
func (p *Paired) Apart() bool { return p.Ratio.Low > p.Floor || p.Ratio.High < 1/p.Floor }

// Ahead says whether the first arm is clearly the better one: a second one
// that the generator limited could have been any better.
func (p *Paired) Ahead() bool { return p.Ratio.Low > p.Floor && !p.boundB }

// Behind says whether the first arm is clearly the worse one.
func (p *Paired) Behind() bool { return p.Ratio.High < 1/p.Floor && !p.boundA }

// Ratio compares arm a with arm b. ok is false where the blocks with a sound
// value of both are fewer than two, or no more than half.
func (p *Pairing) Ratio(metric Metric, a, b string, level record.Level) (r Paired, ok bool) {
	m := metrics[metric]
	values := p.e.pairs(m, operand{place: place{a, level}}, operand{place: place{b, level}}, false)
	if values.spoiled != (lack{}) || len(values.a) < 2 {
		return r, false
	}
	i, err := stats.PairedRatio(values.a, values.b, p.e.confidence)
	if !m.higherIsBetter {
		i, err = stats.PairedRatio(values.b, values.a, p.e.confidence)
	}
	if err != nil || !i.Bounded() || math.IsInf(i.High, 0) {
		return r, false
	}
	floor, _ := p.e.floor(m, a, level)
	return Paired{Ratio: i, Blocks: len(values.a), Floor: max(1, floor), boundA: values.boundA, boundB: values.boundB}, true
}

// Sound is an empty text where an arm has a sound value in more than half of
// the blocks that count, else the reason why it has not.
func (p *Pairing) Sound(metric Metric, arm string, level record.Level) string {
	return p.e.pairs(metrics[metric], operand{place: place{arm, level}}, operand{figure: 1}, false).spoiled.detail
}
