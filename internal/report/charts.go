package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// logSpread is the spread of the values of a chart from which on its y axis is
// logarithmic: beyond it the slowest arm would lie flat on the axis.
const logSpread = 8

// charts derives the pictures: for each work throughput and latency against
// connections, latency against the rate and by percentile; and start-up,
// memory and CPU by arm.
func charts(d *Document) []Chart {
	closed, open := d.rows()
	out := []Chart{}
	taken := map[string]int{}
	add := func(charts ...Chart) {
		for _, c := range charts {
			if len(c.Series) == 0 {
				continue
			}
			if taken[c.Name]++; taken[c.Name] > 1 { // two routes that differ in punctuation only
				c.Name = fmt.Sprintf("%s-%d", c.Name, taken[c.Name])
			}
			out = append(out, c)
		}
	}
	add(forestChart(d))
	works := d.works()
	for _, w := range works {
		suffix := ""
		if len(works) > 1 {
			suffix = "-" + slug(w.route)
		}
		if w.beside {
			suffix += "-beside"
		}
		add(split(throughputChart(d, w, suffix, closed), closed)...)
		add(split(latencyChart(d, w, "latency"+suffix, closed), closed)...)
		add(split(latencyChart(d, w, "latency-rate"+suffix, open), open)...)
		add(parts(percentileChart(d, w, suffix, closed, open))...)
	}
	if len(works) == 0 {
		return out
	}
	first := works[0]
	add(startChart(d, first, OfStartup, "Start-up: from exec to the first correct response", Axis{Label: "Start-up time", Unit: sample.Seconds},
		func(s *Start) (*Estimate, []float64) { return s.Startup, s.StartupBlocks }))
	add(startChart(d, first, OfMemory, "Memory after start, before any load, whole process tree", Axis{Label: "Memory", Unit: sample.Bytes},
		func(s *Start) (*Estimate, []float64) { return s.Memory, s.MemoryBlocks }))
	cpu := cpuChart(d, first, closed, open)
	add(cpu, partsChart(d, cpu))
	add(parts(timelineChart(d, first, closed))...)
	return out
}

// rows are the levels that stand beside others of their kind: not those with
// idle connections, nor those that depend on what the arm can do.
func (d *Document) rows() (closed, open []Level) {
	for _, l := range d.Levels {
		switch l.Kind() {
		case record.Open:
			open = append(open, l)
		case record.Closed:
			closed = append(closed, l)
		}
	}
	return closed, open
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

func throughputChart(d *Document, w work, suffix string, levels []Level) Chart {
	c := Chart{
		Quantity: OfThroughput, Name: "throughput" + suffix, Kind: "lines", of: "closed loop, " + w.String(),
		X: Axis{Label: "Connections", Log: true}, Y: Axis{Label: "Correct responses", Unit: sample.PerSecond},
	}
	c.Title = "Throughput against connections, " + c.of
	for _, a := range d.competitors(w) {
		c.add(d, a, "", levels, sample.Throughput)
	}
	c.Y.Log = c.spread() > logSpread
	return c
}

func latencyChart(d *Document, w work, name string, levels []Level) Chart {
	c := Chart{
		Quantity: OfLatency, Name: name, Kind: "lines", of: "closed loop, " + w.String(),
		X: Axis{Label: "Connections", Log: true}, Y: Axis{Label: "Latency", Unit: sample.Seconds, Log: true},
	}
	// Where some connections starve, the median of a closed loop is that of the others.
	center := sample.Mean
	c.Center = "mean"
	if len(levels) > 0 && levels[0].Open {
		c.of = "open loop, " + w.String()
		c.X = Axis{Label: "Offered rate", Unit: sample.PerSecond, Log: true}
		center = sample.P50
		c.Center = "p50"
	}
	c.Title = "Latency against " + strings.ToLower(c.X.Label) + ", " + c.of
	for _, a := range d.competitors(w) {
		c.add(d, a, c.Center, levels, center)
		c.add(d, a, Tail, levels, sample.P99)
	}
	return c
}

// add appends the series of one arm, if it has any value above 0.
func (c *Chart) add(d *Document, a Arm, variant string, levels []Level, metric *sample.Metric) {
	s := Series{Arm: a.Name, Label: a.Label, Variant: variant, Style: a.Style}
	for _, l := range levels {
		cell := d.Cell(a.Name, l.Name)
		x := float64(l.Connections)
		if l.Open {
			x = l.Rate
		}
		if s.add(x, cell, metric) {
			s.Points[len(s.Points)-1].Bound = cell.LowerBound && c.Quantity == OfThroughput
		}
	}
	slices.SortStableFunc(s.Points, func(p, q Point) int { return cmp.Compare(p.X, q.X) })
	if len(s.Points) > 0 {
		c.Series = append(c.Series, s)
	}
}

// add appends what a cell has of a metric, if it has any.
func (s *Series) add(x float64, cell *Cell, metric *sample.Metric) bool {
	if cell == nil {
		return false
	}
	e := cell.Of(metric)
	if e == nil || e.Mid <= 0 {
		return false
	}
	p := Point{X: x, Y: *e, Blocks: []float64{}}
	for i := range cell.Points {
		if v := cell.Points[i].Of(metric); v > 0 {
			p.Blocks = append(p.Blocks, v)
		}
	}
	s.Points = append(s.Points, p)
	return true
}

// percentile is one place on the axis of percentiles.
type percentile struct {
	x      float64 // 1/(1-p)
	metric *sample.Metric
}

var percentiles = []percentile{
	{2, sample.P50},
	{10, sample.P90},
	{20, sample.P95},
	{100, sample.P99},
	{1000, sample.P999},
}

// percentileChart shows the tail of each arm at one level: in an open loop
// where any arm has more than its median there, for users see that latency,
// else in a closed one. A percentile that is not known is left out, and so is
// an arm of which the median alone is.
func percentileChart(d *Document, w work, suffix string, closed, open []Level) Chart {
	for _, levels := range [][]Level{open, closed} {
		var best Chart
		var at Level
		points := 0
		for _, l := range levels {
			c, n := percentilesAt(d, w, l)
			if n >= points && n > 0 { // of levels that tell as much the last is the highest
				best, at, points = c, l, n
			}
		}
		if points > 0 {
			best.Name = "percentiles" + suffix
			for i := range best.Series {
				best.Series[i].Curve = d.spectrum(best.Series[i].Arm, at)
			}
			return best
		}
	}
	return Chart{}
}

// percentilesAt is the chart at one level and the number of its points.
func percentilesAt(d *Document, w work, l Level) (c Chart, n int) {
	loop := "closed loop"
	if l.Open {
		loop = "open loop"
	}
	c = Chart{
		Quantity: OfLatency, Kind: "lines", Title: fmt.Sprintf("Latency by percentile at %s, %s, %s", record.PlainLevel(l.Name), loop, w),
		X: Axis{Label: "Percentile", Unit: Percentiles, Log: true}, Y: Axis{Label: "Latency", Unit: sample.Seconds, Log: true},
	}
	for _, a := range d.competitors(w) {
		s := Series{Arm: a.Name, Label: a.Label, Style: a.Style}
		for _, p := range percentiles {
			s.add(p.x, d.Cell(a.Name, l.Name), p.metric)
		}
		if len(s.Points) > 1 {
			c.Series = append(c.Series, s)
			n += len(s.Points)
		}
	}
	return c, n
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
// differ in the route only start alike, so the first work speaks for them.
func startChart(d *Document, w work, q Quantity, title string, y Axis, of func(*Start) (*Estimate, []float64)) Chart {
	c := Chart{Quantity: q, Name: string(q), Kind: "dots", Title: title, Y: y}
	for _, a := range d.competitors(w) {
		for i := range d.Starts {
			if s := &d.Starts[i]; s.Arm == a.Name {
				if e, blocks := of(s); e != nil {
					c.Series = append(c.Series, Series{Arm: a.Name, Label: a.Label, Style: a.Style, Points: []Point{{Y: *e, Blocks: blocks}}})
				}
			}
		}
	}
	return c.ofRows()
}

// cpuChart shows server CPU per request at the level at which most arms can
// be compared: the lowest rate, else the level with the most cells.
func cpuChart(d *Document, w work, closed, open []Level) Chart {
	c := Chart{Quantity: OfCPU, Name: string(OfCPU), Kind: "dots", Y: Axis{Label: "Server CPU time per correct response", Unit: sample.Seconds}}
	var best []Series
	for _, l := range slices.Concat(open, closed) {
		var series []Series
		for _, a := range d.competitors(w) {
			s := Series{Arm: a.Name, Label: a.Label, Style: a.Style}
			if s.add(0, d.Cell(a.Name, l.Name), sample.CPUPerRequest) {
				series = append(series, s)
			}
		}
		if len(series) > len(best) {
			best = series
			c.level = l.Name
			c.Title = fmt.Sprintf("Server CPU per request at %s, %s, whole process tree", record.PlainLevel(l.Name), w)
		}
	}
	c.Series = best
	return c.ofRows()
}

// Parts are those of the time that a request takes of a server, by Point.X.
var Parts = []string{"in the server's own code", "in the kernel", "ready to run, waiting for a core"}

// partsChart takes the times of the chart of processor time apart, and adds how long the
// server's threads waited for a core.
func partsChart(d *Document, cpu Chart) Chart {
	c := Chart{Quantity: OfParts, Name: string(OfParts), Kind: "stacks", Y: Axis{Label: "Time of the server a correct response", Unit: sample.Seconds}}
	c.Title = strings.Replace(cpu.Title, "Server CPU per request", "Where the time of a request goes", 1)
	for _, s := range cpu.Series {
		cell := d.Cell(s.Arm, cpu.level)
		whole, kernel, queued := cell.Of(sample.CPUPerRequest), cell.Of(sample.Kernel), cell.Of(sample.Queued)
		if kernel == nil {
			continue
		}
		own := Estimate{Mid: max(whole.Mid-kernel.Mid, 0), Blocks: whole.Blocks}
		own.Low, own.High = own.Mid, own.Mid
		row := Series{Arm: s.Arm, Label: s.Label, Style: s.Style, Points: []Point{{X: 0, Y: own, Blocks: []float64{}}, {X: 1, Y: *kernel, Blocks: []float64{}}}}
		if queued != nil {
			row.Points = append(row.Points, Point{X: 2, Y: *queued, Blocks: []float64{}})
		}
		c.Series = append(c.Series, row)
	}
	return c
}
