package report

import (
	"cmp"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// timelineChart shows every window of one experiment at one level over the time of the
// run: episodes of the machine's speed hit all servers alike, and a stall one. It is of
// the experiment and the level with the most windows, of several the last.
func timelineChart(d *Document, w work, closed []Level) Chart {
	best := Chart{}
	points := 0
	for x := range d.table.Run.Experiments {
		for _, l := range closed {
			if c, n := d.timeline(w, &d.table.Run.Experiments[x], l); n >= points {
				best, points = c, n
			}
		}
	}
	if points < 2*len(best.Series) { // single windows are no course
		return Chart{}
	}
	best.Y.Log = best.spread() > logSpread
	return best
}

func (d *Document) timeline(w work, x *record.Experiment, l Level) (c Chart, n int) {
	c = Chart{
		Quantity: OfWindows, Name: "windows", Kind: "lines", Title: "Every window at " + record.PlainLevel(l.Name) + " in the course of the run, " + w.String(),
		X: Axis{Label: "Minutes since the run began"}, Y: Axis{Label: "Correct responses", Unit: sample.PerSecond},
	}
	run := d.table.Run
	for _, a := range d.competitors(w) {
		s := Series{Arm: a.Name, Label: a.Label, Style: a.Style}
		for _, sample := range d.samples(a.Name, l, d.table.Shown()) {
			if run.ExperimentOf(sample.Trial.Block) != x {
				continue
			}
			for _, w := range sample.Rounds {
				if v := w.Load.Throughput(); v > 0 && w.Start.After(run.Start) {
					s.Points = append(s.Points, Point{X: w.Start.Sub(run.Start).Minutes(), Y: Estimate{Mid: v, Low: v, High: v, Blocks: 1}, Blocks: []float64{}})
				}
			}
		}
		slices.SortStableFunc(s.Points, func(p, q Point) int { return cmp.Compare(p.X, q.X) })
		if len(s.Points) > 0 {
			c.Series = append(c.Series, s)
			n += len(s.Points)
		}
	}
	return c, n
}
