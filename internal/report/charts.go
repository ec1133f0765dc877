package report

import (
	"fmt"
	"slices"
	"strings"
)

// logSpread is the spread of the values of a chart from which on its y axis is
// logarithmic: beyond it the slowest arm would lie flat on the axis.
const logSpread = 8

// charts derives the pictures: per route throughput and latency against
// connections, latency against the rate; and start-up, memory and CPU by arm.
func charts(d *Document) []Chart {
	var closed, open []Level
	for _, l := range d.Levels {
		if l.Idle > 0 || l.OfCapacity() {
			continue // a level of its own kind, in no row of others
		}
		if l.Open {
			open = append(open, l)
		} else {
			closed = append(closed, l)
		}
	}
	out := []Chart{}
	taken := map[string]int{}
	add := func(c Chart) {
		if len(c.Series) == 0 {
			return
		}
		if taken[c.Name]++; taken[c.Name] > 1 { // two routes that differ in punctuation only
			c.Name = fmt.Sprintf("%s-%d", c.Name, taken[c.Name])
		}
		out = append(out, c)
	}
	routes := d.Routes()
	for _, route := range routes {
		suffix := ""
		if len(routes) > 1 {
			suffix = "-" + slug(route)
		}
		add(atOneLevel(throughputChart(d, route, suffix, closed), closed))
		add(atOneLevel(latencyChart(d, route, "latency"+suffix, "Latency against connections, closed loop, GET "+route, closed), closed))
		add(atOneLevel(latencyChart(d, route, "latency-rate"+suffix, "Latency against offered rate, open loop, GET "+route, open), open))
	}
	add(startChart(d, "startup", "Start-up: from exec to the first correct response", Axis{Label: "Start-up time", Unit: "s"},
		func(s *Start) (*Estimate, []float64) { return s.Startup, s.StartupBlocks }))
	add(startChart(d, "memory", "Memory after start, before any load, whole process tree", Axis{Label: "Memory", Unit: "B"},
		func(s *Start) (*Estimate, []float64) { return s.Memory, s.MemoryBlocks }))
	add(cpuChart(d, closed, open))
	return out
}

// atOneLevel turns lines that have one point each, all at the same level, into
// rows: an axis of one value shows nothing. Of latency the median remains.
func atOneLevel(c Chart, levels []Level) Chart {
	x := -1.0
	for _, s := range c.Series {
		for _, p := range s.Points {
			if x >= 0 && p.X != x {
				return c
			}
			x = p.X
		}
	}
	c.Series = slices.DeleteFunc(c.Series, func(s Series) bool { return s.Variant == "p99" })
	for i := range c.Series {
		c.Series[i].Variant = ""
	}
	for _, l := range levels {
		if x == float64(l.Connections) && !l.Open || x == l.Rate && l.Open {
			c.Title = strings.NewReplacer("Throughput against connections", "Throughput at "+l.Name,
				"Latency against connections", "Median latency at "+l.Name, "Latency against offered rate", "Median latency at "+l.Name).Replace(c.Title)
		}
	}
	c.Kind, c.X = "dots", Axis{}
	c.Y.Log = c.spread() > logSpread
	return c
}

// slug names a route in a file name.
func slug(route string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, route)
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	if s = strings.Trim(s, "-"); s == "" {
		return "root"
	}
	return s
}

func throughputChart(d *Document, route, suffix string, levels []Level) Chart {
	c := Chart{
		Name: "throughput" + suffix, Kind: "lines", Title: "Throughput against connections, closed loop, GET " + route,
		X: Axis{Label: "Connections", Log: true}, Y: Axis{Label: "Correct responses", Unit: "req/s"},
	}
	for _, a := range competitors(d, route) {
		c.add(d, a, "", levels, func(c *Cell) *Estimate { return c.Throughput }, func(p BlockPoint) float64 { return p.Throughput })
	}
	c.Y.Log = c.spread() > logSpread
	return c
}

func latencyChart(d *Document, route, name, title string, levels []Level) Chart {
	c := Chart{
		Name: name, Kind: "lines", Title: title,
		X: Axis{Label: "Connections", Log: true}, Y: Axis{Label: "Latency", Unit: "s", Log: true},
	}
	if len(levels) > 0 && levels[0].Open {
		c.X = Axis{Label: "Offered rate", Unit: "req/s", Log: true}
	}
	for _, a := range competitors(d, route) {
		c.add(d, a, "p50", levels, func(c *Cell) *Estimate { return c.P50 }, func(p BlockPoint) float64 { return p.P50 })
		c.add(d, a, "p99", levels, func(c *Cell) *Estimate { return c.P99 }, func(p BlockPoint) float64 { return p.P99 })
	}
	return c
}

// add appends the series of one arm, if it has any value above 0.
func (c *Chart) add(d *Document, a Arm, variant string, levels []Level, of func(*Cell) *Estimate, at func(BlockPoint) float64) {
	s := Series{Arm: a.Name, Variant: variant, Style: a.Style}
	for _, l := range levels {
		cell := d.Cell(a.Name, l.Name)
		if cell == nil {
			continue
		}
		e := of(cell)
		if e == nil || e.Mid <= 0 {
			continue
		}
		x := float64(l.Connections)
		if l.Open {
			x = l.Rate
		}
		s.Points = append(s.Points, Point{
			X: x, Y: *e, Bound: cell.LowerBound && c.Y.Unit == "req/s", Blocks: column(cell.Points, at, false),
		})
	}
	slices.SortStableFunc(s.Points, func(p, q Point) int {
		switch {
		case p.X < q.X:
			return -1
		case p.X > q.X:
			return 1
		}
		return 0
	})
	if len(s.Points) > 0 {
		c.Series = append(c.Series, s)
	}
}

// spread is the largest value over the smallest, 0 without any.
func (c *Chart) spread() float64 {
	low, high := 0.0, 0.0
	for _, s := range c.Series {
		for _, p := range s.Points {
			if low == 0 || p.Y.Mid < low {
				low = p.Y.Mid
			}
			high = max(high, p.Y.Mid)
		}
	}
	if low == 0 {
		return 0
	}
	return high / low
}

// startChart has one row for each server configuration: competitors that
// differ in the route only start alike, so the first route speaks for them.
func startChart(d *Document, name, title string, y Axis, of func(*Start) (*Estimate, []float64)) Chart {
	c := Chart{Name: name, Kind: "dots", Title: title, Y: y}
	routes := d.Routes()
	if len(routes) == 0 {
		return c
	}
	for _, a := range competitors(d, routes[0]) {
		for i := range d.Starts {
			if s := &d.Starts[i]; s.Arm == a.Name {
				if e, blocks := of(s); e != nil {
					c.Series = append(c.Series, Series{Arm: a.Name, Style: a.Style, Points: []Point{{Y: *e, Blocks: blocks}}})
				}
			}
		}
	}
	c.Y.Log = c.spread() > logSpread
	return c
}

// cpuChart shows server CPU per request at the level at which most arms can
// be compared: the lowest rate, else the level with the most cells.
func cpuChart(d *Document, closed, open []Level) Chart {
	c := Chart{Name: "cpu", Kind: "dots", Y: Axis{Label: "Server CPU time per correct response", Unit: "s"}}
	routes := d.Routes()
	if len(routes) == 0 {
		return c
	}
	var best []Series
	for _, l := range slices.Concat(open, closed) {
		var series []Series
		for _, a := range competitors(d, routes[0]) {
			if cell := d.Cell(a.Name, l.Name); cell != nil && cell.CPUPerRequest != nil {
				series = append(series, Series{Arm: a.Name, Style: a.Style, Points: []Point{{
					Y: *cell.CPUPerRequest, Blocks: column(cell.Points, func(p BlockPoint) float64 { return p.CPUPerRequest }, false),
				}}})
			}
		}
		if len(series) > len(best) {
			best = series
			c.Title = fmt.Sprintf("Server CPU per request at %s, GET %s, whole process tree", l.Name, routes[0])
		}
	}
	c.Series = best
	c.Y.Log = c.spread() > logSpread
	return c
}

func competitors(d *Document, route string) []Arm {
	return slices.DeleteFunc(slices.Clone(d.Arms), func(a Arm) bool { return a.Role != Competitor || a.Route != route })
}
