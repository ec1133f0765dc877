package sample

import (
	"math"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// CalibrationConfidence is that of the interval which has to hold 1: a sound run
// fails one time in a thousand.
const CalibrationConfidence = 0.999

// Calibration is how the replicates of a run compare with the arms that they repeat,
// in throughput: the ratio over all closed levels and all blocks. The two are the same
// server, so an interval without 1 says that the harness favors one of two equal arms.
// n is the number of pairs of starts; ok is false where there are fewer than two.
func (t *Table) Calibration() (ratio stats.Interval, n int, ok bool) {
	var means []float64
	for _, arm := range t.Run.Arms {
		sums, counts := map[int]float64{}, map[int]float64{}
		for _, p := range t.repeated(arm) {
			for i, block := range p.Blocks {
				sums[block] += math.Log(p.A[i] / p.B[i])
				counts[block]++
			}
		}
		for _, block := range t.Blocks.Counted { // in order, so that the sum is the same each time
			if counts[block] > 0 {
				means = append(means, math.Exp(sums[block]/counts[block]))
			}
		}
	}
	ratio, err := stats.GeoMeanInterval(means, CalibrationConfidence)
	return ratio, len(means), err == nil
}

// repeated are the throughputs of a replicate and of the arm that it repeats, at
// each closed level; there are none of another arm.
func (t *Table) repeated(arm record.Arm) (out []Pairs) {
	if arm.Replicate == "" {
		return nil
	}
	for _, l := range t.Run.Levels {
		if !l.Open() {
			out = append(out, t.Pairs(Throughput, Side{Arm: arm.Name, Level: l, Alone: true}, Side{Arm: arm.Replicate, Level: l, Alone: true}))
		}
	}
	return out
}

// Coverage is what a run would have said of its A/A pairs, comparison by comparison: one
// for each arm that is entered twice, closed level and so many blocks in a row.
type Coverage struct {
	Comparisons int // each of CoverageBlocks blocks
	Covered     int // whose 95% interval contains 1, as 95% of them should
	Apart       int // that would have been called a difference of 10% or more
}

// CoverageBlocks is the number of blocks of a comparison, that of a short run.
const CoverageBlocks = 6

// Coverage compares each replicate with the arm that it repeats, in throughput.
func (t *Table) Coverage() (c Coverage) {
	for _, arm := range t.Run.Arms {
		for _, p := range t.repeated(arm) {
			for end := CoverageBlocks; end <= len(p.A); end += CoverageBlocks {
				from := end - CoverageBlocks
				i, err := stats.ModeratedRatio(p.A[from:end], p.B[from:end], t.prior(Throughput), 0.95)
				if err != nil {
					continue
				}
				c.Comparisons++
				if i.Low <= 1 && 1 <= i.High {
					c.Covered++
				}
				if position := stats.Decide(i, 0.10); position == stats.Beyond || position == stats.Reversed {
					c.Apart++
				}
			}
		}
	}
	return c
}

// Components are the variance components of a metric in an experiment, of the ratio
// of each arm to the first at each level, pooled; ok is false where too little is known.
func (t *Table) Components(m *Metric, experiment int) (c stats.Components, ok bool) {
	e := &t.Run.Experiments[experiment]
	n := 0.0
	for _, l := range e.Levels {
		if !m.varies(t.Run.Levels[l]) {
			continue
		}
		for _, arm := range e.Arms[min(1, len(e.Arms)):] {
			var starts [][]float64
			for _, block := range t.Blocks.Counted {
				if t.Run.Plan[block].Experiment == experiment {
					starts = append(starts, t.rounds(m, arm, e.Arms[0], t.Run.Levels[l], block))
				}
			}
			if one, err := stats.VarianceComponents(starts); err == nil {
				c.Start, c.Round, n = c.Start+one.Start, c.Round+one.Round, n+1
			}
		}
	}
	if n == 0 {
		return c, false
	}
	return stats.Components{Start: c.Start / n, Round: c.Round / n}, true
}

// rounds are the log ratios of two arms in the rounds of a block that both have.
func (t *Table) rounds(m *Metric, a, b string, level record.Level, block int) (logs []float64) {
	x, y := t.At(a, level, block), t.At(b, level, block)
	if x == nil || y == nil || x.Spoiled() || y.Spoiled() {
		return nil
	}
	for i := range x.Rounds {
		for j := range y.Rounds {
			if x.Rounds[i].Pass != y.Rounds[j].Pass {
				continue
			}
			va, okA := m.Of(x.round(i))
			vb, okB := m.Of(y.round(j))
			if okA && okB {
				logs = append(logs, math.Log(va/vb))
			}
		}
	}
	return logs
}

// threshold is the rate at which half of the windows hold the objective, from all
// probes of the start.
func (s *Sample) threshold() float64 {
	var probes []stats.Probe
	low, high := math.Inf(1), 0.0
	for _, w := range s.Rounds {
		for _, p := range w.Probes {
			probes = append(probes, stats.Probe{Rate: p.Rate, Passed: p.Passed})
			low, high = min(low, p.Rate), max(high, p.Rate)
		}
	}
	const beyond = 1.25 // the range that was tried, and some more
	return stats.Threshold(probes, low/beyond, high*beyond)
}
