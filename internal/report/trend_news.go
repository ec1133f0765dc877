package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/hellobench/hellobench/internal/stats"
)

// TrendNews is something that no run before the newest one showed: a change that
// it takes the newest run to see, or a server that fails since.
//
// It is derived from the list of runs alone. Whoever calls with one more run every
// week hears of each change once, whether or not he called the week before.
type TrendNews struct {
	Arm    string       `json:"arm"`
	Level  string       `json:"level"`
	Over   string       `json:"over,omitempty"`
	Run    int          `json:"run"`              // the first that changed, or that failed
	Change *TrendChange `json:"change,omitempty"` // none: the server fails
}

// leastChange is how far the medians before and after a change differ at least.
const leastChange = 0.03

// findChanges looks into each stretch by itself, one run after the other: a change
// is one that some run was the first to show, and what follows is looked at from
// there on. So a later run takes nothing back, and finds no change twice.
func (s *TrendSerie) findChanges(t *Trend) error {
	for i := range t.Stretches {
		points := t.PointsOf(s, i)
		from := 0
		for n := range points {
			c, at, err := changeIn(points[from : n+1])
			if err != nil {
				return fmt.Errorf("%s at %s: %w", s.Arm, s.Level, err)
			}
			if c != nil {
				c.Seen = points[n].Run
				s.Changes = append(s.Changes, *c)
				from += at
			}
		}
	}
	return nil
}

// apart says whether the medians of two segments differ by more than standard errors
// explain, which come from the median deviation of the values from theirs: runs that
// are out of line count for no more than others.
func apart(before, after []float64, medianBefore, medianAfter float64) bool {
	var off []float64
	for _, v := range before {
		off = append(off, math.Abs(math.Log(v/medianBefore)))
	}
	for _, v := range after {
		off = append(off, math.Abs(math.Log(v/medianAfter)))
	}
	slices.Sort(off)
	const sdOfDeviation, errorOfMedian = 1.4826, 1.2533 // of normal values
	const least, errors = 0.015, 4.0                    // the noise of a run is no less
	noise := max(sdOfDeviation*stats.SortedMedian(off), least) * errorOfMedian * math.Sqrt(1/float64(len(before))+1/float64(len(after)))
	return math.Abs(math.Log(medianAfter/medianBefore)) > errors*noise
}

// changeIn finds the first change among points, and the index of the point after it.
func changeIn(points []TrendPoint) (*TrendChange, int, error) {
	x := make([]float64, len(points))
	for i, p := range points {
		x[i] = p.Ratio
	}
	at, err := stats.TrendChangepoints(x, TrendSegment)
	if err != nil {
		return nil, 0, err
	}
	edges := slices.Concat([]int{0}, at, []int{len(x)})
	for i, k := range at {
		from, to := edges[i], edges[i+2]
		before, after := stats.SortedMedian(slices.Sorted(slices.Values(x[from:k]))), stats.SortedMedian(slices.Sorted(slices.Values(x[k:to])))
		// The segments are of three values at least, so that the newest one may begin
		// too early: the first run that changed is the first one nearer to what follows.
		isAfter := func(v float64) bool { return math.Abs(math.Log(v/after)) < math.Abs(math.Log(v/before)) }
		for k > from && isAfter(x[k-1]) {
			k--
		}
		for k < to && !isAfter(x[k]) {
			k++
		}
		if math.Abs(math.Log(after/before)) <= math.Log1p(leastChange) { // it is the spread that changed, or one run that was out of line
			continue
		}
		if !apart(x[from:k], x[k:to], before, after) { // one run that was out of line made a segment of its neighbors
			continue
		}
		if holds(x[from:k], func(v float64) bool { return !isAfter(v) }) && holds(x[k:to], isAfter) {
			return &TrendChange{Run: points[k].Run, Before: before, After: after}, k, nil
		}
	}
	return nil, 0, nil
}

// holds says whether a few runs are on one side of a change and not now and then.
func holds(x []float64, side func(float64) bool) bool {
	n := 0
	for _, v := range x {
		if side(v) {
			n++
		}
	}
	return n >= TrendSegment && 4*n >= 3*len(x)
}

// changes are those that the newest run showed first. A change is one however many
// levels and arms show it, and no matter which of them needs more runs to do so.
// Near a change of an A/A ratio there is none: the machine or the harness changed.
func (t *Trend) changes() (out []TrendNews) {
	newest := len(t.Runs) - 1
	for i := range t.Series {
		s := &t.Series[i]
		for _, c := range s.Changes {
			if s.Noise || c.Seen != newest || t.explained(s, &c) {
				continue
			}
			out = append(out, TrendNews{Arm: s.Arm, Level: s.Level, Over: s.Over, Run: c.Run, Change: &c})
		}
	}
	return out
}

// explained says whether a change is that of an A/A pair, or was seen before: in
// another level of the arm, or in another arm at the very same run.
func (t *Trend) explained(s *TrendSerie, c *TrendChange) bool {
	for i := range t.Series {
		other := &t.Series[i]
		for _, k := range other.Changes {
			near := max(k.Run-c.Run, c.Run-k.Run) < TrendSegment
			alike := (k.After > k.Before) == (c.After > c.Before) && (k.Run == c.Run || near && other.Arm == s.Arm)
			if other.Noise && near || alike && k.Seen < c.Seen {
				return true
			}
		}
	}
	return false
}

// failures are the servers that fail in the newest run and did not in the one
// before it that measured them.
func (t *Trend) failures() (out []TrendNews) {
	newest := len(t.Runs) - 1
	for _, c := range t.Runs[newest].failed {
		for _, r := range slices.Backward(t.Runs[:newest]) {
			if slices.Contains(r.failed, c) {
				break // it is known
			}
			if slices.Contains(r.sound, c) {
				out = append(out, TrendNews{Arm: c.arm, Level: c.level, Run: newest})
				break
			}
		}
	}
	return out
}

// armAt is an arm at a level.
type armAt struct{ arm, level string }

// soundness is where the servers of a run worked, and where they broke down or
// did not even start.
func soundness(d *Document) (sound, failed []armAt) {
	for _, a := range d.Arms {
		if a.Role != Competitor {
			continue
		}
		died := slices.ContainsFunc(d.Failures, func(f Failure) bool { return f.Arm == a.Name })
		for _, l := range d.Levels {
			switch cell := d.Cell(a.Name, l.Name); {
			case cell == nil && died, d.breakdown(a.Name, l.Name) != nil:
				failed = append(failed, armAt{a.Name, l.Name})
			case cell != nil && !cell.spoiled() && !d.Invalid():
				sound = append(sound, armAt{a.Name, l.Name})
			}
		}
	}
	return sound, failed
}
