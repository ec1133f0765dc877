package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// Trend is how ratios between arms moved over many runs. Absolute figures of
// machines that are shared move for reasons of their own, so none is in it.
type Trend struct {
	Reference string       `json:"reference"` // the arm over which every figure is taken, block by block
	Runs      []TrendRun   `json:"runs"`      // by time
	Stretches []Stretch    `json:"stretches"` // by time; every run is in one
	Since     int          `json:"since"`     // the first run of the newest stretch
	Series    []TrendSerie `json:"series"`
	News      []TrendNews  `json:"news"` // what the newest run showed first
}

// Stretch is runs one after the other that one machine measured by one method.
// Only within one is a ratio that changed a change of what was measured.
type Stretch struct {
	First   int         `json:"first"`   // index into Runs
	Changed Differences `json:"changed"` // in what it differs from the one before; none in the first
}

// TrendRun is one run of a trend.
type TrendRun struct {
	ID      string    `json:"id"`
	Start   time.Time `json:"start"`
	Method  string    `json:"method"`
	Machine string    `json:"machine"` // processor, cores and kind
	Invalid bool      `json:"invalid"` // the machine spoiled it, so it has no points
	Failed  []string  `json:"failed"`  // arms that did not start, or broke down where a run has to answer for it

	sound, failed []armAt
}

// TrendSerie is the throughput of one arm at one level over that of another:
// the reference's, or the null server's where the arm is the reference itself.
type TrendSerie struct {
	Arm     string        `json:"arm"`
	Over    string        `json:"over"`
	Level   string        `json:"level"`
	Noise   bool          `json:"noise"`   // the A/A pair: if this moves, the harness or the machine does, and no other series tells anything
	Points  []TrendPoint  `json:"points"`  // of the runs that have it
	Changes []TrendChange `json:"changes"` // within a stretch
}

// TrendPoint is the ratio in one run.
type TrendPoint struct {
	Run    int     `json:"run"`   // index into Runs
	Ratio  float64 `json:"ratio"` // geometric mean over the blocks
	Low    float64 `json:"low"`   // its interval
	High   float64 `json:"high"`
	Blocks int     `json:"blocks"`
}

// TrendChange is where a series went from one level to another.
type TrendChange struct {
	Run    int     `json:"run"`  // the first after it
	Seen   int     `json:"seen"` // the run that showed it first
	Before float64 `json:"before"`
	After  float64 `json:"after"` // medians of the runs to both sides
}

// TrendSegment is how many runs there are at least between two changes: a single
// run that is out of line is no change.
const TrendSegment = 3

// Same says whether two documents are of one run.
func (d *Document) Same(o *Document) bool {
	return d.Asked.ID == o.Asked.ID && d.Asked.Seed == o.Asked.Seed && d.Asked.Start.Equal(o.Asked.Start)
}

// NewTrend puts runs in order of time and finds where their ratios changed
// (stats.TrendChangepoints). reference is an arm of every run, by default the one
// that the newest run entered twice.
func NewTrend(docs []*Document, reference string) (*Trend, error) {
	docs = slices.Clone(docs)
	slices.SortStableFunc(docs, func(a, b *Document) int { return a.Asked.Start.Compare(b.Asked.Start) })
	docs = slices.CompactFunc(docs, (*Document).Same) // a link to the newest run is no run of its own
	if len(docs) < 2 {
		return nil, errors.New("a trend needs at least 2 runs")
	}
	newest := docs[len(docs)-1]
	for _, a := range newest.Arms {
		if reference == "" && a.Role == Replicate {
			reference = a.Replicate
		}
	}
	if newest.Arm(reference).Role == "" {
		return nil, fmt.Errorf("the newest run, %s, has no arm %q to take the others over", newest.Asked.ID, reference)
	}
	t := &Trend{Reference: reference, Series: []TrendSerie{}, News: []TrendNews{}}
	for i, d := range docs {
		r := TrendRun{ID: d.Asked.ID, Start: d.Asked.Start, Method: d.Asked.Method, Machine: d.Environment.Machine(), Failed: []string{}}
		r.sound, r.failed = soundness(d)
		r.Invalid = d.Invalid()
		for _, b := range d.FailedServers() {
			r.Failed = append(r.Failed, b.Arm)
		}
		for _, f := range r.failed {
			if d.Cell(f.arm, f.level) == nil { // it did not even start
				r.Failed = append(r.Failed, f.arm)
			}
		}
		slices.Sort(r.Failed)
		r.Failed = slices.Compact(r.Failed)
		t.Runs = append(t.Runs, r)
		changed := changesBetween(docs[max(i-1, 0)], d)
		if i == 0 || len(changed) > 0 {
			t.Stretches, t.Since = append(t.Stretches, Stretch{First: i, Changed: changed}), i
		}
	}
	if err := t.addSeries(docs); err != nil {
		return nil, err
	}
	slices.SortStableFunc(t.Series, func(a, b TrendSerie) int { // the noise first: it says what the others are worth
		switch {
		case a.Noise == b.Noise:
			return 0
		case a.Noise:
			return -1
		default:
			return 1
		}
	})
	t.News = append(append(t.News, t.failures()...), t.changes()...)
	return t, nil
}

// addSeries takes every arm of the newest run at every level that it, or an
// earlier run, measured: an arm that has no figure any more is still shown.
func (t *Trend) addSeries(docs []*Document) error {
	newest, seen := docs[len(docs)-1], map[[2]string]bool{}
	for _, d := range slices.Backward(docs) {
		for _, cell := range d.Cells {
			arm, over := newest.Arm(cell.Arm), t.Reference
			if cell.Arm == t.Reference {
				over = record.NullServer
			}
			key := [2]string{cell.Arm, cell.Level}
			if seen[key] || arm.Role == "" || arm.Canary() || newest.Arm(over).Role == "" {
				continue
			}
			seen[key] = true
			s := newSerie(docs, arm, over, cell.Level)
			if err := s.findChanges(t); err != nil {
				return err
			}
			t.Series = append(t.Series, s)
		}
	}
	return nil
}

// changesBetween says what makes the second of two runs one that no figure of the
// first can be held against: the same that makes Compare refuse.
func changesBetween(before, after *Document) Differences {
	return append(methods(before, after), machines(before, after)...)
}

// machines says in which respects the machines of two runs differ.
func machines(a, b *Document) []record.Difference {
	out := a.Environment.Different(&b.Environment)
	if from, other := record.LoadFrom(a.Asked.Generators), record.LoadFrom(b.Asked.Generators); from != other {
		out = append(out, record.Difference{What: "where the load came from", A: from, B: other})
	}
	return out
}

func newSerie(docs []*Document, arm Arm, over, level string) TrendSerie {
	s := TrendSerie{Arm: arm.Name, Over: over, Level: level, Noise: arm.Role == Replicate, Points: []TrendPoint{}, Changes: []TrendChange{}}
	for i, d := range docs {
		if d.Cell(arm.Name, level) == nil || d.Invalid() {
			continue
		}
		values, lack := d.over(sample.Throughput, arm.Name, level, over)
		if ratio, err := stats.GeoMeanInterval(values, Confidence); err == nil && lack == (sample.Lack{}) {
			s.Points = append(s.Points, TrendPoint{Run: i, Ratio: ratio.Mid, Low: number(ratio.Low), High: number(min(ratio.High, math.MaxFloat64)), Blocks: len(values)})
		}
	}
	return s
}

// PointsOf are a series' points in the i-th stretch.
func (t *Trend) PointsOf(s *TrendSerie, i int) []TrendPoint {
	end := len(t.Runs)
	if i+1 < len(t.Stretches) {
		end = t.Stretches[i+1].First
	}
	return slices.DeleteFunc(slices.Clone(s.Points), func(p TrendPoint) bool { return p.Run < t.Stretches[i].First || p.Run >= end })
}
