package show

import (
	"math"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/sample"
)

// Glance is what people know servers by: absolute figures of the first route, one row an arm.
func Glance(d *report.Document) *Grid {
	if len(d.Routes()) == 0 {
		return grid("", "Server")
	}
	arms := shown(d, d.Routes()[0])
	// Of the levels that most arms visit, the closed loop nearest to 64 connections and
	// the lowest rate.
	closed, open := best(d, arms, record.Closed, 64), best(d, arms, record.Open, 1)
	heads := []string{"Server"}
	if closed != nil {
		heads = append(heads, ">Requests/s at "+record.PlainLevel(closed.Name), ">Memory there")
	}
	if open != nil {
		heads = append(heads, ">p50 at "+record.PlainLevel(open.Name), ">p95")
	}
	g := grid("At a glance", append(heads, ">Cores for 10,000 requests/s", ">Start-up")...)
	for _, a := range arms {
		if a.Role != report.Competitor {
			continue
		}
		row, some, cores := []string{Text(a.Name)}, false, None
		add := func(l *report.Level, text func(*report.Cell) []string) {
			if l == nil {
				return
			}
			c := d.Cell(a.Name, l.Name)
			if c == nil {
				c = &report.Cell{}
			}
			some = some || c.Trials > 0
			row = append(row, text(c)...)
			if e := c.Of(sample.CPUPerRequest); e != nil && cores == None {
				cores = Number(e.Mid * 10_000)
			}
		}
		add(closed, func(c *report.Cell) []string { return []string{g.throughput(c), mid(c.Of(sample.Memory), Bytes)} })
		add(open, func(c *report.Cell) []string {
			return []string{mid(c.Of(sample.P50), Seconds), mid(c.Of(sample.P95), Seconds)}
		})
		row = append(row, cores)
		startUp := None
		for i := range d.Starts {
			if d.Starts[i].Arm == a.Name {
				startUp = mid(d.Starts[i].Startup, Seconds)
			}
		}
		if some {
			g.add(append(row, startUp)...)
		}
	}
	g.note("cores: processor time of a request times 10,000, as if all cores were like this one")
	return g
}

// best is the level of a kind that most arms visit; of several the nearest to x on a log scale.
func best(d *report.Document, arms []report.Arm, kind record.Kind, x float64) (level *report.Level) {
	most, distance := 0, 0.0
	for i := range d.Levels {
		l := &d.Levels[i]
		if l.Kind() != kind || l.Idle > 0 {
			continue
		}
		n := 0
		for _, a := range arms {
			if d.Cell(a.Name, l.Name) != nil {
				n++
			}
		}
		at := float64(l.Connections)
		if l.Open {
			at = l.Rate
		}
		if away := math.Abs(math.Log(at / x)); n > most || n == most && n > 0 && away < distance {
			level, most, distance = l, n, away
		}
	}
	return level
}
