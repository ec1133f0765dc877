package show

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/sample"
)

// byLevel has a row an arm and a column a level.
func byLevel(title string, arms []string, levels []report.Level, of func(g *Grid, arm, level string) string) *Grid {
	heads := []string{"Arm"}
	for _, l := range levels {
		heads = append(heads, ">"+l.Name)
	}
	g := grid(title, heads...)
	for _, a := range arms {
		row := []string{Text(a)}
		for _, l := range levels {
			row = append(row, of(g, a, l.Name))
		}
		g.add(row...)
	}
	return g
}

// throughput has a row an arm and a column a level, for one route.
func throughput(d *report.Document, route string) *Grid {
	var arms []string
	for _, a := range shown(d, route) {
		arms = append(arms, a.Name)
	}
	levels := slices.DeleteFunc(slices.Clone(d.Levels), func(l report.Level) bool { return !informs(d, route, l) })
	return byLevel("Throughput, req/s, "+Text(d.Request(route)), arms, levels, func(g *Grid, arm, level string) string {
		return g.throughput(d.Cell(arm, level))
	})
}

func (g *Grid) throughput(c *report.Cell) string {
	if c == nil {
		return None
	}
	s := PlusMinus(c.Of(sample.Throughput), RequestsPerSecond)
	if c.LowerBound {
		s = "≥" + s
		g.note(noteBound)
	}
	return s + g.marks(c)
}

// ratios is every arm of a route over the first one.
func ratios(d *report.Document, route string) *Grid {
	over := ""
	var arms []string
	texts := map[[2]string]string{} // by arm and level
	visited := map[string]bool{}
	for i := range d.Ratios {
		r := &d.Ratios[i]
		if d.Arm(r.Arm).Route != route {
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
	// In the order of their load, whoever came first.
	levels := slices.DeleteFunc(slices.Clone(d.Levels), func(l report.Level) bool { return !visited[l.Name] })
	title := fmt.Sprintf("Throughput over %s in the same block, %s", Text(over), Text(d.Request(route)))
	g := byLevel(title, arms, levels, func(_ *Grid, arm, level string) string {
		return cmp.Or(texts[[2]string{arm, level}], None)
	})
	g.note(fmt.Sprintf("%s intervals, of each ratio alone; a verdict asks more of the same ratio, since it stands beside many others; ~ chance explains the difference", Percent(report.Confidence)))
	return g
}

// marks are the footnote signs of a cell.
func (g *Grid) marks(c *report.Cell) string {
	s := ""
	if len(c.Gates) > 0 {
		s += "!"
		g.note(noteGate)
	}
	if c.Failed > 0 {
		s += "†"
		g.note(noteFails)
	}
	return s
}

// placed is a cell in a table that has a row a level and arm.
type placed struct {
	*report.Cell
	level string // its name, empty but in the first row of it
	open  bool

	searched bool // its rates were searched
}

// cells are those of a route, level by level.
func cells(d *report.Document, route string) (out []placed) {
	for _, l := range d.Levels {
		name := l.Name
		for _, a := range shown(d, route) {
			if c := d.Cell(a.Name, l.Name); c != nil {
				out = append(out, placed{c, name, l.Open, l.Kind() == record.SLO})
				name = ""
			}
		}
	}
	return out
}

// latency has a row a level and arm, for one route.
func latency(d *report.Document, route string) *Grid {
	g := grid("Latency, ms, "+Text(d.Request(route)), "Level", "Arm", ">Mean", ">p50", ">p90", ">p95", ">p99", ">p99.9", ">Max")
	closed := false
	for _, c := range cells(d, route) {
		if c.searched {
			continue // of windows at several rates, half of which are too high
		}
		closed = closed || !c.open
		longest := None
		if c.MaxS > 0 {
			longest = Number(c.MaxS * Milliseconds.Factor)
		}
		g.add(c.level, Text(c.Arm)+g.marks(c.Cell)+g.odd(c.Cell), mid(c.Of(sample.Mean), Milliseconds.write), mid(c.Of(sample.P50), Milliseconds.write), mid(c.Of(sample.P90), Milliseconds.write),
			mid(c.Of(sample.P95), Milliseconds.write), Between(c.Of(sample.P99), Milliseconds), mid(c.Of(sample.P999), Milliseconds.write), longest)
		if Weak(c.Of(sample.P99)) {
			g.note(noteWeak)
		}
	}
	g.note("mean: geometric mean of the starts' means; pX: median of the starts' percentiles, - where a start has fewer than 10 samples beyond it; max: of all starts")
	if closed {
		g.note("a closed loop (c=) shows how long a request waits behind N connections, so it ranks no arm by latency; compare latency at a rate (r=)")
	}
	return g
}

// odd marks a cell whose latencies mislead, and says why in a note.
func (g *Grid) odd(c *report.Cell) string {
	for _, o := range c.Odd {
		g.note("? " + o.Explain())
	}
	if len(c.Odd) > 0 {
		return "?"
	}
	return ""
}

// mid is an estimate without its interval.
func mid(e *report.Estimate, write func(float64) string) string {
	if e == nil {
		return None
	}
	return write(e.Mid)
}

// resources has a row a level and arm, for one route.
func resources(d *report.Document, route string) *Grid {
	g := grid("Server resources, "+Text(d.Request(route)), "Level", "Arm", ">CPU µs/req", ">kernel", ">queued", ">switches", ">Memory MiB", ">Thr", ">Procs")
	for _, c := range cells(d, route) {
		g.add(c.level, Text(c.Arm)+g.marks(c.Cell), PlusMinus(c.Of(sample.CPUPerRequest), Microseconds), mid(c.Of(sample.Kernel), Microseconds.write), mid(c.Of(sample.Queued), Microseconds.write), mid(c.Of(sample.Switches), Number), PlusMinus(c.Of(sample.Memory), Mebibytes),
			fmt.Sprint(c.Threads), fmt.Sprint(c.Processes))
		if c.MemoryKind == "rss" {
			g.note("memory is the resident set (RSS) where the system does not tell what a server's processes share")
		}
	}
	g.note("kernel: of the CPU time; queued: time a request that the server's threads were ready to run and waited for a core; switches: how often they left their core, a request")
	return g
}

// validity has a row a level and arm: what shows that the cell may be believed.
func validity(d *report.Document, route string) *Grid {
	g := grid("Validity, "+Text(d.Request(route)), "Level", "Arm", ">Starts", ">Requests", ">Errors", ">Delivered", ">Gen. CPU")
	for _, c := range cells(d, route) {
		delivered := Number(c.LittlesLaw) + " of N"
		if c.open {
			delivered = Percent(c.Delivered) + " of schedule"
		}
		g.add(c.level, Text(c.Arm)+g.marks(c.Cell), fmt.Sprint(c.Trials), Count(c.Requests), errorsOf(c.Cell), delivered, Percent(c.GeneratorCPU))
	}
	g.note("delivered: closed loop, requests in flight over the N connections (Little's law); open loop, requests sent inside the windows over those scheduled")
	return g
}

func errorsOf(c *report.Cell) string {
	if c.Errors.Total() == 0 {
		return "0"
	}
	return Percent(c.ErrorRate) + " (" + c.Errors.String() + ")"
}

// shown are the arms with rows of their own on a route: competitors and the
// null server, as far as they were measured, never a replicate.
func shown(d *report.Document, route string) []report.Arm {
	return slices.DeleteFunc(slices.Clone(d.Arms), func(a report.Arm) bool {
		measured := slices.ContainsFunc(d.Cells, func(c report.Cell) bool { return c.Arm == a.Name })
		return a.Role == report.Replicate || a.Route != route || !measured
	})
}

// informs says whether a level tells arms apart by throughput. In an open loop
// it only repeats the rate that was asked for, unless a server fell behind.
func informs(d *report.Document, route string, l report.Level) bool {
	return slices.ContainsFunc(shown(d, route), func(a report.Arm) bool {
		c := d.Cell(a.Name, l.Name)
		return c != nil && c.Of(sample.Throughput) != nil && (!l.Open || c.Of(sample.Throughput).Mid < 0.99*c.OfferedRPS)
	})
}
