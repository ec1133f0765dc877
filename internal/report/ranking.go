package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/stats"
)

// rankings orders the competitors of every route at every level: by
// throughput in a closed loop, whose latency says only how many wait; by p99
// (p50 where a start is too short for a p99) in an open one, where the rate is
// given; and by the largest rate where that is searched for.
func rankings(d *Document, pairing *claims.Pairing) []Ranking {
	out := []Ranking{}
	for _, w := range d.works() {
		for _, l := range d.Levels {
			var cells []*Cell
			for _, a := range d.competitors(w) {
				if c := d.Cell(a.Name, l.Name); c != nil {
					cells = append(cells, c)
				}
			}
			metric := "throughput"
			if l.Open && l.Kind != record.SLO {
				metric = "p99"
				if !slices.ContainsFunc(cells, func(c *Cell) bool { return c.P99 != nil }) {
					metric = "p50"
				}
			}
			r := Ranking{Route: w.route, Beside: w.beside, Level: l.Name, Metric: metric}
			if r.rank(cells, l, pairing); len(r.Places)+len(r.Unranked) > 0 {
				out = append(out, r)
			}
		}
	}
	return out
}

// ranked are the metrics of a ranking.
var ranked = map[string]struct {
	metric claims.Metric
	of     func(*Cell) *Estimate
	lower  bool // is better
}{
	"throughput": {claims.Throughput, func(c *Cell) *Estimate { return c.Throughput }, false},
	"p50":        {"latency-p50", func(c *Cell) *Estimate { return c.P50 }, true},
	"p99":        {"latency-p99", func(c *Cell) *Estimate { return c.P99 }, true},
}

// rank gives every arm the range of places that the comparisons with all others
// allow, paired by block like those of the verdicts: first is one more than the
// number of arms that are clearly better, last the number of arms that are not
// clearly worse. Sharing a place is thereby what the data says, and no chain of
// ties ties the best with the worst. An arm that answered nothing has no place;
// one whose figures a gate spoiled is named without one, for it is neither
// above nor below another.
func (r *Ranking) rank(cells []*Cell, level Level, pairing *claims.Pairing) {
	by := ranked[r.Metric]
	r.Places = []Place{}
	for _, c := range cells {
		e := by.of(c)
		if e == nil || e.Mid <= 0 {
			continue
		}
		if pairing.Sound(by.metric, c.Arm, level.Level) != "" {
			r.Unranked = append(r.Unranked, c.Arm)
			continue
		}
		r.Places = append(r.Places, Place{Arm: c.Arm, Value: *e, Bound: c.LowerBound && !by.lower, Gated: len(c.Gates) > 0})
	}
	for i := range r.Places {
		r.Places[i].First, r.Places[i].Last = 1, len(r.Places)
	}
	for i := range r.Places {
		for j := range i {
			a, b := &r.Places[i], &r.Places[j]
			p, ok := pairing.Ratio(by.metric, a.Arm, b.Arm, level.Level)
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
		if by.lower {
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

// work is what arms must have in common to stand in one picture or ranking: a
// route, and whether another request runs all the time beside what is measured.
type work struct {
	route  string
	beside bool
}

func (w work) String() string {
	s := "GET " + w.route
	if w.beside {
		s += " beside other work"
	}
	return s
}

// works lists what the competitors do, in the order of the arms.
func (d *Document) works() (out []work) {
	for _, a := range d.Arms {
		w := work{a.Route, a.Beside != ""}
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

// noise compares every replicate with the arm that it repeats, paired by block.
func noise(d *Document) []Noise {
	out := []Noise{}
	metrics := []struct {
		name string
		of   func(BlockPoint) float64
	}{
		{"throughput", func(p BlockPoint) float64 { return p.Throughput }},
		{"p50", func(p BlockPoint) float64 { return p.P50 }},
		{"p99", func(p BlockPoint) float64 { return p.P99 }},
		{"cpu", func(p BlockPoint) float64 { return p.CPUPerRequest }},
	}
	for _, a := range d.Arms {
		if a.Role != Replicate || a.Canary() {
			continue
		}
		for _, l := range d.Levels {
			base, again := d.Cell(a.Replicate, l.Name), d.Cell(a.Name, l.Name)
			if base == nil || again == nil {
				continue
			}
			for _, m := range metrics {
				x, y := paired(again.Points, base.Points, m.of)
				i, err := stats.PairedRatio(x, y, Confidence)
				floor, floorErr := stats.NoiseFloor(x, y, Confidence)
				if err != nil || floorErr != nil || !i.Bounded() || math.IsInf(floor, 0) {
					continue // fewer than two blocks: no interval, so no floor
				}
				out = append(out, Noise{
					Arm: a.Replicate, Replicate: a.Name, Level: l.Name, Metric: m.name,
					Ratio: Estimate{Mid: i.Mid, Low: i.Low, High: i.High, Confidence: Confidence, Blocks: len(x)}, Floor: floor,
				})
			}
		}
	}
	return out
}

// paired are the figures of a and b in every block in which both have one.
func paired(a, b []BlockPoint, of func(BlockPoint) float64) (x, y []float64) {
	j := 0
	for _, p := range a {
		for j < len(b) && b[j].Block < p.Block {
			j++
		}
		if j < len(b) && b[j].Block == p.Block && of(p) > 0 && of(b[j]) > 0 {
			x, y = append(x, of(p)), append(y, of(b[j]))
		}
	}
	return x, y
}
