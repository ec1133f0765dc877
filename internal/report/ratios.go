package report

import (
	"math"

	"github.com/hellobench/hellobench/internal/stats"
)

// Ratio is the throughput of an arm over that of the first arm on its route, at
// one closed-loop level, paired by block. It needs no claim, so it answers for
// servers that no ledger knows.
type Ratio struct {
	Arm   string   `json:"arm"`
	Over  string   `json:"over"`
	Level string   `json:"level"`
	Ratio Estimate `json:"ratio"`
	Alike bool     `json:"alike"` // the interval reaches into what an arm does against itself
}

// ratios holds every arm against the first one on its route. An arm with a
// calculation beside it is no match for one without.
func ratios(d *Document) []Ratio {
	out := []Ratio{}
	for _, route := range d.Routes() {
		first := ""
		for _, a := range d.Arms {
			if a.Role != Competitor || a.Route != route || a.Beside != "" {
				continue
			}
			if first == "" {
				first = a.Name
				continue
			}
			for _, l := range d.Levels {
				if r, ok := d.ratio(a.Name, first, l); ok {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// ratio is one of them; ok is false where there is no sound pair, or too few.
func (d *Document) ratio(arm, over string, l Level) (r Ratio, ok bool) {
	a, b := d.Cell(arm, l.Name), d.Cell(over, l.Name)
	if l.Open || a == nil || b == nil || a.spoiled() || b.spoiled() {
		return r, false
	}
	x, y := paired(a.Points, b.Points, func(p BlockPoint) float64 { return p.Throughput })
	i, err := stats.PairedRatio(x, y, Confidence)
	if err != nil || !i.Bounded() || math.IsInf(i.High, 0) {
		return r, false
	}
	floor, _ := d.floor("throughput", arm, l.Name)
	bar := max(1, floor)
	return Ratio{
		Arm: arm, Over: over, Level: l.Name, Alike: i.Low <= bar && i.High >= 1/bar,
		Ratio: Estimate{Mid: i.Mid, Low: i.Low, High: i.High, Confidence: Confidence, Blocks: len(x)},
	}, true
}
