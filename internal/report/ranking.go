package report

import (
	"cmp"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// rankings orders the competitors of every route at every level: by
// throughput in a closed loop, whose latency says only how many wait; by p99
// (p50 where a start is too short for a p99) in an open one, where the rate is
// given; and by the largest rate where that is searched for.
func rankings(d *Document) []Ranking {
	out := []Ranking{}
	for _, w := range d.works() {
		for _, l := range d.Levels {
			var cells []*Cell
			for _, a := range d.competitors(w) {
				if c := d.Cell(a.Name, l.Name); c != nil {
					cells = append(cells, c)
				}
			}
			m := sample.Throughput
			if l.Open && l.Kind() != record.SLO {
				m = sample.P99
				if !slices.ContainsFunc(cells, func(c *Cell) bool { return c.Of(m) != nil }) {
					m = sample.P50
				}
			}
			r := Ranking{Route: w.route, Beside: w.beside, Level: l.Name, Metric: m.Short}
			if r.rank(d, m, cells, l.Level); len(r.Places)+len(r.Unranked) > 0 {
				out = append(out, r)
			}
		}
	}
	return out
}

// rank gives every arm the range of places that the comparisons with all others
// allow, paired by block like those of the verdicts: first is one more than the
// number of arms that are clearly better, last the number of arms that are not
// clearly worse. Sharing a place is thereby what the data says, and no chain of
// ties ties the best with the worst. An arm that answered nothing has no place;
// one whose figures a gate spoiled is named without one, for it is neither
// above nor below another.
func (r *Ranking) rank(d *Document, m *sample.Metric, cells []*Cell, level record.Level) {
	r.Places = []Place{}
	for _, c := range cells {
		e := c.Of(m)
		if e == nil || e.Mid <= 0 {
			continue
		}
		if _, lack := d.table.Values(m, sample.Side{Arm: c.Arm, Level: level}); lack != (sample.Lack{}) {
			r.Unranked = append(r.Unranked, c.Arm)
			continue
		}
		r.Places = append(r.Places, Place{Arm: c.Arm, Value: *e, Bound: c.LowerBound && m.HigherIsBetter, Gated: len(c.Gates) > 0})
	}
	for i := range r.Places {
		r.Places[i].First, r.Places[i].Last = 1, len(r.Places)
	}
	for i := range r.Places {
		for j := range i {
			a, b := &r.Places[i], &r.Places[j]
			p, ok := d.table.Compare(m, a.Arm, b.Arm, level, Confidence)
			switch {
			case ok && p.Ahead():
				a.Last, b.First = a.Last-1, b.First+1
			case ok && p.Behind():
				b.Last, a.First = b.Last-1, a.First+1
			}
		}
	}
	slices.SortStableFunc(r.Places, func(a, b Place) int {
		values := cmp.Compare(b.Value.Mid, a.Value.Mid)
		if !m.HigherIsBetter {
			values = -values
		}
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last), values)
	})
}

// Routes lists the routes of the competitors, in the order of the arms.
func (d *Document) Routes() []string {
	var routes []string
	for _, a := range d.Arms {
		if a.Role == Competitor && !slices.Contains(routes, a.Route) {
			routes = append(routes, a.Route)
		}
	}
	return routes
}

// Request is what a route stands for: a GET of it, unless a server says more.
func (d *Document) Request(route string) string {
	if text := d.Requests[route]; text != "" {
		return text
	}
	return "GET " + route
}

// work is what arms must have in common to stand in one picture or ranking: a
// route, and whether another request runs all the time beside what is measured.
type work struct {
	route, request string
	beside         bool
}

func (w work) String() string {
	s := w.request
	if w.beside {
		s += " alongside other work"
	}
	return s
}

// works lists what the competitors do, in the order of the arms.
func (d *Document) works() (out []work) {
	for _, a := range d.Arms {
		w := work{a.Route, d.Request(a.Route), a.Beside != ""}
		if a.Role == Competitor && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// competitors are the arms that do this work.
func (d *Document) competitors(w work) []Arm {
	return slices.DeleteFunc(slices.Clone(d.Arms), func(a Arm) bool {
		return a.Role != Competitor || a.Route != w.route || (a.Beside != "") != w.beside
	})
}

// Cell is the cell of an arm at a level, nil where there is none.
func (d *Document) Cell(arm, level string) *Cell {
	for i := range d.Cells {
		if d.Cells[i].Arm == arm && d.Cells[i].Level == level {
			return &d.Cells[i]
		}
	}
	return nil
}

// calibration holds the same server against itself.
func calibration(t *sample.Table) *Calibration {
	i, n, ok := t.Calibration()
	if !ok || !i.Bounded() {
		return nil
	}
	c := t.Coverage()
	return &Calibration{
		Ratio: Estimate{Mid: i.Mid, Low: i.Low, High: i.High, Confidence: sample.CalibrationConfidence, Blocks: n}, Holds: i.Low <= 1 && 1 <= i.High,
		Comparisons: c.Comparisons, Covered: c.Covered, Apart: c.Apart,
	}
}

// noise compares every replicate with the arm that it repeats, paired by block.
func noise(d *Document) []Noise {
	out := []Noise{}
	for _, a := range d.Arms {
		if a.Role != Replicate || a.Canary() {
			continue
		}
		for _, l := range d.Levels {
			for _, m := range sample.OfRuns() {
				again, base := sample.Side{Arm: a.Name, Level: l.Level, Alone: true}, sample.Side{Arm: a.Replicate, Level: l.Level, Alone: true}
				p := d.table.Pairs(m, again, base)
				i, err := stats.PairedRatio(p.A, p.B, Confidence)
				if err != nil || !i.Bounded() {
					continue // fewer than two blocks
				}
				out = append(out, Noise{
					Arm: a.Replicate, Replicate: a.Name, Level: l.Name, Metric: m.Short,
					Ratio: Estimate{Mid: i.Mid, Low: i.Low, High: i.High, Confidence: Confidence, Blocks: len(p.A)},
				})
			}
		}
	}
	return out
}
