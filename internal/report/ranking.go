package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/hellobench/hellobench/internal/stats"
)

// tellApart is the least confidence of an interval that may separate two
// arms. It lets the median of five blocks pass (93.75%) and nothing less.
const tellApart = 0.93

// rankings orders the competitors of every route at every level: by
// throughput in a closed loop, by p99 (p50 where a start is too short for a
// p99) in an open one, where the rate is given.
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
			metric := "throughput"
			if l.Open {
				metric = "p99"
				if !slices.ContainsFunc(cells, func(c *Cell) bool { return c.P99 != nil }) {
					metric = "p50"
				}
			}
			if places := rank(cells, metric); len(places) > 0 {
				out = append(out, Ranking{Route: w.route, Beside: w.beside, Level: l.Name, Metric: metric, Places: places})
			}
		}
	}
	return out
}

// rank gives every arm the range of places that its interval allows: first is
// one more than the number of arms that are clearly better, last the number of
// arms that are not clearly worse. Sharing a place is thereby what the data
// says, and no chain of overlaps ties the best with the worst. An arm that
// answered nothing has no place.
func rank(cells []*Cell, metric string) []Place {
	places := []Place{}
	for _, c := range cells {
		e, sign := c.Throughput, 1.0
		switch metric {
		case "p99":
			e, sign = c.P99, -1
		case "p50":
			e, sign = c.P50, -1
		}
		if e != nil && e.Mid > 0 {
			places = append(places, Place{Arm: c.Arm, Value: *e, Bound: c.LowerBound && sign > 0, Gated: len(c.Gates) > 0})
		}
	}
	lower := metric != "throughput"
	slices.SortStableFunc(places, func(a, b Place) int {
		if lower {
			return cmp.Compare(a.Value.Mid, b.Value.Mid)
		}
		return cmp.Compare(b.Value.Mid, a.Value.Mid)
	})
	for i := range places {
		p := &places[i]
		p.First, p.Last = 1, len(places)
		for j := range places {
			if above(places[j], *p, lower) {
				p.First++
			}
			if above(*p, places[j], lower) {
				p.Last--
			}
		}
	}
	return places
}

// above says whether a is clearly better than b.
func above(a, b Place, lower bool) bool {
	alow, ahigh := reach(a)
	blow, bhigh := reach(b)
	if lower {
		return ahigh < blow
	}
	return alow > bhigh
}

// reach is how far a value may truly lie: anywhere where its interval is too
// weak to tell, and anywhere above where it is a lower bound.
func reach(p Place) (low, high float64) {
	if p.Value.Confidence < tellApart {
		low, high = math.Inf(-1), math.Inf(1)
		if p.Bound {
			low = p.Value.Low
		}
		return low, high
	}
	if p.Bound {
		return p.Value.Low, math.Inf(1)
	}
	return p.Value.Low, p.Value.High
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
