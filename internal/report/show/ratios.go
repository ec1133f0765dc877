package show

import (
	"fmt"
	"slices"

	"github.com/hellobench/hellobench/internal/report"
)

// Ratios is every arm of a route over the first one.
func Ratios(d *report.Document, route string) *Grid {
	over := ""
	var arms []string
	visited := map[string]bool{}
	texts := map[[2]string]string{} // by arm and level
	for i := range d.Ratios {
		r := &d.Ratios[i]
		if !slices.ContainsFunc(d.Arms, func(a report.Arm) bool { return a.Name == r.Arm && a.Route == route }) {
			continue
		}
		over, visited[r.Level] = r.Over, true
		if !slices.Contains(arms, r.Arm) {
			arms = append(arms, r.Arm)
		}
		text := Effect(r.Ratio.Mid, r.Ratio.Low, r.Ratio.High)
		if r.Alike {
			text = "~ " + text
		}
		texts[[2]string{r.Arm, r.Level}] = text
	}
	heads := []string{"Arm"}
	var levels []string
	for _, l := range d.Levels { // in the order of their load, whoever came first
		if visited[l.Name] {
			levels, heads = append(levels, l.Name), append(heads, ">"+l.Name)
		}
	}
	g := grid(fmt.Sprintf("Throughput over %s in the same block, GET %s", Text(over), Text(route)), heads...)
	for _, a := range arms {
		row := []string{Text(a)}
		for _, l := range levels {
			text, ok := texts[[2]string{a, l}]
			if !ok {
				text = None
			}
			row = append(row, text)
		}
		g.add(row...)
	}
	g.note(fmt.Sprintf("%s intervals; ~ the difference is none that an arm could not show against itself", Percent(report.Confidence)))
	return g
}
