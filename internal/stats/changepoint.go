package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

const (
	// penaltyFactor times ln n is the price of a change point, in units of -2 log
	// likelihood: the setting of Barrett et al. (OOPSLA 2017).
	penaltyFactor = 15

	// resolution is the smallest standard deviation, as a part of the series'
	// mean, that a segment is believed to have. A quarter-second's median latency is
	// stored to 1/32 of an octave (2.2%) and its throughput is a count, so runs of exactly equal
	// values occur by rounding, and their likelihood would be infinite.
	resolution = 0.005

	// trendPenalty and trendResolution are the same two for a series of runs, which is
	// short and of which a run is known to 2%: with 15 ln n, a step of three times
	// that after ten of twenty runs was not seen. docs/statistics.md has the simulation.
	trendPenalty    = 5
	trendResolution = 0.015
)

// Changepoints finds where the mean or the variance of a series changes: the
// first index of each new segment, rising, none for a steady series. It
// minimizes the sum over segments of -2 log likelihood under a normal
// distribution with a mean and variance of its own, plus 15 ln n a change, exactly, by
// PELT (Killick, Fearnhead & Eckley, JASA 2012). Every segment has at least
// minSegment >= 2 values, so a series shorter than twice that has no change.
//
// A segment's standard deviation counts as at least 0.5% of the series' mean.
// Multiplying the series by a factor changes nothing; adding a constant may.
func Changepoints(x []float64, minSegment int) ([]int, error) {
	return changepoints(x, minSegment, penaltyFactor, resolution)
}

// TrendChangepoints is Changepoints for a series with one value a run: it prices a
// change at 5 ln n and believes no standard deviation below 1.5%.
func TrendChangepoints(x []float64, minSegment int) ([]int, error) {
	return changepoints(x, minSegment, trendPenalty, trendResolution)
}

func changepoints(x []float64, minSegment int, factor, resolution float64) ([]int, error) {
	if minSegment < 2 {
		return nil, fmt.Errorf("find change points: segments of %d values have no variance, at least 2 are needed", minSegment)
	}
	if err := checkFinite(x); err != nil {
		return nil, fmt.Errorf("find change points: %w", err)
	}
	if len(x) < 2*minSegment {
		return nil, nil
	}
	s := newSegmentCost(x, resolution)
	if s.floor == 0 {
		return nil, nil // all values are 0
	}
	return s.pelt(minSegment, factor*math.Log(float64(len(x)))), nil
}

// segmentCost gives the cost of any segment in constant time from running sums.
type segmentCost struct {
	sum, squares []float64 // of the first k centered values
	floor        float64   // smallest variance
}

func newSegmentCost(x []float64, resolution float64) *segmentCost {
	mean, variance := stat.PopMeanVariance(x, nil)
	s := &segmentCost{
		sum:     make([]float64, len(x)+1),
		squares: make([]float64, len(x)+1),
		floor:   math.Max(resolution*resolution*mean*mean, 1e-9*variance), // the second for a series around 0
	}
	for k, v := range x {
		d := v - mean // centered, so that the squares do not cancel
		s.sum[k+1] = s.sum[k] + d
		s.squares[k+1] = s.squares[k] + d*d
	}
	return s
}

// cost is -2 log likelihood of x[from:to] at its best mean and its best
// variance not below the floor. Since both are maximized over, splitting
// a segment never raises the cost, which is what pruning relies on.
func (s *segmentCost) cost(from, to int) float64 {
	n := float64(to - from)
	sum := s.sum[to] - s.sum[from]
	variance := math.Max(0, (s.squares[to]-s.squares[from]-sum*sum/n)/n)
	used := math.Max(variance, s.floor)
	return n * (math.Log(2*math.Pi*used) + variance/used)
}

// pelt is dynamic programming over the start of the last segment. A start is
// dropped once a later one is at least as good whatever follows. A later start t
// only competes for ends from t+minSegment on, so the comparison waits until then.
func (s *segmentCost) pelt(minSegment int, penalty float64) []int {
	n := len(s.sum) - 1
	best := make([]float64, n+1) // best[t]: least cost of the first t values
	start := make([]int, n+1)    // where its last segment starts
	best[0] = -penalty
	open := []int{0}
	for end := minSegment; end <= n; end++ {
		if t := end - minSegment; t >= minSegment {
			kept := open[:0]
			for _, from := range open {
				if best[from]+s.cost(from, t) < best[t] {
					kept = append(kept, from)
				}
			}
			open = append(kept, t)
		}
		best[end] = math.Inf(1)
		for _, from := range open {
			if c := best[from] + s.cost(from, end) + penalty; c < best[end] {
				best[end], start[end] = c, from
			}
		}
	}
	var changes []int
	for at := start[n]; at > 0; at = start[at] {
		changes = append(changes, at)
	}
	slices.Reverse(changes)
	return changes
}
