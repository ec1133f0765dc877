package report

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// Fit is the Universal Scalability Law over the levels of one curve: one arm
// over connections, or one server over workers. The two are never mixed.
type Fit struct {
	Arm    string       `json:"arm"`    // or the server over whose workers it goes
	Over   string       `json:"over"`   // "connections" or "workers"
	Levels []float64    `json:"levels"` // that entered
	Blocks int          `json:"blocks"` // that entered
	Law    stats.USLFit `json:"law"`    // intervals at Confidence
	Bound  bool         `json:"lower_bound"`
}

// resamples is enough for intervals that do not move with the seed.
const resamples = 4000

// curve is throughput by load.
type curve struct {
	name, over string
	loads      []float64
	cells      []*Cell
}

// fits fits the law to every curve with levels and blocks enough. The
// randomness of the bootstrap comes from the run's seed, so that a report is
// the same whenever it is made.
func fits(d *Document) []Fit {
	out := []Fit{}
	for _, c := range slices.Concat(d.overConnections(), d.overWorkers()) {
		c.ofOneExperiment(d.table.Run)
		blocks := c.blocks()
		law, err := stats.BootstrapUSL(c.loads, blocks, resamples, Confidence, rand.New(rand.NewPCG(d.Asked.Seed, 7)))
		if err != nil {
			continue // too few levels or blocks
		}
		f := Fit{Arm: c.name, Over: c.over, Levels: c.loads, Blocks: len(blocks), Law: law}
		f.Bound = slices.ContainsFunc(c.cells, func(c *Cell) bool { return c.LowerBound })
		out = append(out, f)
	}
	return out
}

func (d *Document) overConnections() (curves []curve) {
	for _, a := range d.Arms {
		if a.Role != Competitor {
			continue
		}
		c := curve{name: a.Name, over: "connections"}
		for _, l := range d.Levels {
			if cell := d.Cell(a.Name, l.Name); cell != nil && !cell.spoiled() && !l.Open {
				c.loads, c.cells = append(c.loads, float64(l.Connections)), append(c.cells, cell)
			}
		}
		curves = append(curves, c)
	}
	return curves
}

// overWorkers takes the arms that differ in their workers alone, at each level.
func (d *Document) overWorkers() (curves []curve) {
	for _, l := range d.Levels {
		if l.Open {
			continue
		}
		byServer := map[string]int{}
		for _, a := range d.Arms {
			cell := d.Cell(a.Name, l.Name)
			if a.Role != Competitor || a.Workers == 0 || cell == nil || cell.spoiled() {
				continue
			}
			same := a.Arm
			same.Name, same.Workers = "", 0
			key := fmt.Sprint(same)
			i, known := byServer[key]
			if !known {
				i = len(curves)
				byServer[key] = i
				curves = append(curves, curve{name: fmt.Sprintf("%s %s at %s", a.Server, a.Route, l.Name), over: "workers"})
			}
			c := &curves[i]
			c.loads, c.cells = append(c.loads, float64(a.Workers)), append(c.cells, cell)
		}
	}
	return curves
}

// ofOneExperiment leaves the levels of the experiment that has the most of them: a
// block is of one experiment, and a law is fitted to the levels of the same blocks.
func (c *curve) ofOneExperiment(run *record.Run) {
	var best curve
	for x := range run.Experiments {
		of := curve{loads: []float64{}}
		for i, cell := range c.cells {
			if slices.ContainsFunc(cell.Points, func(p BlockPoint) bool { return run.Plan[p.Block].Experiment == x }) {
				of.loads, of.cells = append(of.loads, c.loads[i]), append(of.cells, cell)
			}
		}
		if len(of.cells) > len(best.cells) {
			best = of
		}
	}
	c.loads, c.cells = best.loads, best.cells
}

// blocks are the throughputs by level of each block that has them all.
func (c *curve) blocks() (out [][]float64) {
	if len(c.cells) == 0 {
		return nil
	}
	for _, first := range c.cells[0].Points {
		row := make([]float64, 0, len(c.cells))
		for _, cell := range c.cells {
			i := slices.IndexFunc(cell.Points, func(p BlockPoint) bool { return p.Block == first.Block })
			if i >= 0 && cell.Points[i].Of(sample.Throughput) > 0 {
				row = append(row, cell.Points[i].Of(sample.Throughput))
			}
		}
		if len(row) == len(c.cells) {
			out = append(out, row)
		}
	}
	return out
}

// spoiled says whether gates that are not bounds fired in half of the starts or more.
func (c *Cell) spoiled() bool { return 2*c.spoiledStarts >= c.Trials }
