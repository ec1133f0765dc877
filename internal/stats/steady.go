package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Label is what a start did on its way to a steady state.
type Label string

// The labels of Barrett et al. (OOPSLA 2017).
const (
	Flat          Label = "flat"            // steady from the first bin on
	WarmUp        Label = "warm-up"         // ends in its best steady state
	Slowdown      Label = "slowdown"        // was better before than where it ended
	NoSteadyState Label = "no steady state" // still changed in the last quarter
)

// segment is a run of bins between two change points: bins[from:to].
type segment struct {
	from, to int
	mean, sd float64
}

const (
	// minStartSegment is one second of quarter-second bins: shorter than the
	// warm-up of the quickest runtime under test, longer than one garbage collection.
	minStartSegment = 4

	// minStartBins leaves room for a change and for the last quarter to hold a whole segment.
	minStartBins = 4 * minStartSegment

	// sameLevel is the relative difference of two segments that does not matter:
	// the half-width at which throughput counts as known.
	sameLevel = 0.03
)

// ClassifyStart labels a start from its throughput in equal bins of time, from the
// first request on, at least 16 of them. The bins are segmented by Changepoints with
// segments of at least four bins, and each segment is compared with the last.
//
// A segment is equivalent to the last one if their means differ by at most the
// last one's standard deviation or 3% of its mean, whichever is more. The
// steady state is the run of equivalent segments at the end. If it starts in the
// last quarter, or is no longer than the shortest segment, which any series ends with, there is none; if it is everything, the start is flat; if no segment
// is better than it, the start is a warm-up; else a slowdown.
//
// Source: Barrett et al., Virtual Machine Warmup Blows Hot and Cold (OOPSLA
// 2017). It differs in that outliers are kept, that the tolerance is relative
// (theirs is in seconds of an iteration) and that the last quarter is meant
// where they had the last 500 of 2,000 iterations.
func ClassifyStart(bins []float64) (Label, error) {
	if len(bins) < minStartBins {
		return "", fmt.Errorf("classify start: %d bins, at least %d are needed", len(bins), minStartBins)
	}
	changes, err := Changepoints(bins, minStartSegment)
	if err != nil {
		return "", fmt.Errorf("classify start: %w", err)
	}
	label, _ := classify(segments(bins, changes))
	return label, nil
}

func segments(bins []float64, changes []int) []segment {
	out := make([]segment, 0, len(changes)+1)
	from := 0
	for _, to := range append(changes, len(bins)) {
		mean, sd := stat.MeanStdDev(bins[from:to], nil)
		out = append(out, segment{from, to, mean, sd})
		from = to
	}
	return out
}

// classify also finds the first bin of the steady state, which is 0 for a flat
// start and -1 where there is none.
func classify(s []segment) (label Label, steadyFrom int) {
	last := s[len(s)-1]
	tolerance := math.Max(last.sd, sameLevel*math.Abs(last.mean))
	equivalent := func(g segment) bool { return math.Abs(g.mean-last.mean) <= tolerance }

	first := len(s) - 1
	for first > 0 && equivalent(s[first-1]) {
		first--
	}
	steadyFrom = s[first].from
	if first == 0 {
		return Flat, 0
	}
	if 4*steadyFrom > 3*last.to || last.to-steadyFrom <= minStartSegment {
		return NoSteadyState, -1
	}
	for _, g := range s[:first] {
		if !equivalent(g) && g.mean > last.mean {
			return Slowdown, steadyFrom
		}
	}
	return WarmUp, steadyFrom
}
