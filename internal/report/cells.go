package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// measure fills in cells, starts and failures from the blocks that are shown.
func (d *Document) measure() {
	d.Cells, d.Starts, d.Failures = []Cell{}, []Start{}, []Failure{}
	blocks := d.table.Shown()
	failed := map[string]int{}
	for _, t := range d.table.Trials {
		if _, shown := slices.BinarySearch(blocks, t.Block); shown && t.Failure != "" {
			failed[t.Arm]++
			d.Failures = append(d.Failures, Failure{Block: t.Block, Experiment: d.table.Run.ExperimentOf(t.Block).Name, Number: d.table.Run.Plan[t.Block].Number, Arm: t.Arm, Reason: t.Failure, Ready: t.Startup > 0, Server: t.Fault == record.ServerFault})
		}
	}
	for _, a := range d.Arms {
		for _, l := range d.Levels {
			if samples := d.samples(a.Name, l, blocks); len(samples) > 0 {
				c := newCell(samples, d.table.Run.GeneratorCores())
				c.Arm, c.Level, c.Failed = a.Name, l.Name, failed[a.Name]
				d.Cells = append(d.Cells, c)
			}
		}
		var starts []*sample.Sample
		for _, block := range blocks {
			if t := d.table.Start(a.Name, block); t != nil {
				starts = append(starts, &sample.Sample{Trial: t})
			}
		}
		if len(starts) > 0 {
			s := newStart(starts)
			s.Arm, s.Failed = a.Name, failed[a.Name]
			d.Starts = append(d.Starts, s)
		}
	}
}

// samples are an arm's at a level, by block. A search that found no rate has none.
func (d *Document) samples(arm string, level Level, blocks []int) (out []*sample.Sample) {
	for _, block := range blocks {
		if s := d.table.At(arm, level.Level, block); s != nil && (level.Kind() != record.SLO || s.HeldSLO) {
			out = append(out, s)
		}
	}
	return out
}

// newCell sums up the samples of one arm at one level.
func newCell(samples []*sample.Sample, cores int) Cell {
	c := Cell{Trials: len(samples), Gates: []GateCount{}, Odd: []record.Oddity{}}
	var sum record.Measurement
	odd := map[record.Oddity]int{}
	for _, s := range samples {
		sum.Add(&s.Load)
		if l := s.Load.Latency; l != nil {
			c.MaxS = max(c.MaxS, l.Max.Seconds())
		}
		c.Threads, c.Processes = max(c.Threads, s.Server.Threads), max(c.Processes, s.Server.Processes)
		for _, o := range s.Odd {
			odd[o]++
		}
		c.judge(s)
	}
	for _, o := range slices.Sorted(maps.Keys(odd)) {
		if 2*odd[o] >= len(samples) { // of one start alone it is a disturbance
			c.Odd = append(c.Odd, o)
		}
	}
	c.rates(&sum, cores)
	c.figures(samples)
	if e := c.Of(sample.Throughput); sum.Offered > 0 && e != nil {
		// Over blocks it varies as the schedules do, which says nothing of the server.
		*e = *single(sum.Throughput(), e.Blocks)
	}
	return c
}

// judge counts what a sample's gates say of the server and of the machine.
func (c *Cell) judge(s *sample.Sample) {
	switch {
	case s.Failed != "":
		c.Broken++
		c.BrokenBy = cmp.Or(c.BrokenBy, s.Failed)
	case slices.ContainsFunc(s.Gates, func(g record.Gate) bool { return record.OfServer(g.Name) }):
		c.Unclear++
	}
	if s.Spoiled() {
		c.spoiledStarts++
	}
	for _, g := range s.Gates {
		c.Gates = addGate(c.Gates, g)
		c.LowerBound = c.LowerBound || record.LowerBound(g.Name)
	}
}

// rates are the figures of all windows together.
func (c *Cell) rates(sum *record.Measurement, cores int) {
	c.Requests, c.Errors, c.ErrorRate, c.FirstError = sum.Requests, sum.Errors, sum.ErrorRate(), sum.FirstError
	c.AchievedRPS, c.LittlesLaw = sum.Achieved(), sum.LittlesLaw()
	if sum.Duration > 0 {
		c.GeneratorCPU = sum.CPU.Total().Seconds() / sum.Duration.Seconds() / float64(cores)
	}
	if sum.Offered > 0 {
		c.OfferedRPS, c.Delivered = sum.DueRate(), sum.Delivered()
	}
}

// figures are the estimates of all metrics, and the values behind them.
func (c *Cell) figures(samples []*sample.Sample) {
	for _, s := range samples {
		c.Points = append(c.Points, BlockPoint{Block: s.Trial.Block, values: make([]float64, len(cellMetrics))})
	}
	c.MemoryKind = "pss"
	c.estimates = make([]*Estimate, len(cellMetrics))
	for i, m := range cellMetrics {
		values, resident := m.Values(samples)
		if resident {
			c.MemoryKind = "rss"
		}
		for k, v := range values {
			c.Points[k].values[i] = v
		}
		c.estimates[i] = estimate(m, values)
	}
	// Over fewer starts a p90 can come out below the p50 of all.
	for i, m := range cellMetrics {
		if e, p50 := c.estimates[i], c.Of(sample.P50); m.Quantile > 0 && e != nil && (p50 == nil || e.Blocks != p50.Blocks) {
			c.estimates[i] = nil
		}
	}
}

// estimate is the metric's over starts, as far as they have a value: of a
// percentile the median, of all else the geometric mean.
func estimate(m *sample.Metric, values []float64) *Estimate {
	if !m.Zero {
		values = slices.DeleteFunc(values, func(v float64) bool { return v <= 0 })
	}
	if m.Quantile > 0 {
		return medianOf(values)
	}
	return geoMean(values)
}

// newStart sums up what the starts of one arm took before any load.
func newStart(samples []*sample.Sample) Start {
	s := Start{Trials: len(samples), MemoryKind: "pss", WarmUps: warmUps(samples), StartupBlocks: []float64{}, MemoryBlocks: []float64{}}
	for _, t := range samples {
		s.Threads, s.Processes = max(s.Threads, t.Trial.Idle.Threads), max(s.Processes, t.Trial.Idle.Processes)
	}
	startup, _ := sample.StartUp.Values(samples)
	ready := slices.DeleteFunc(slices.Clone(samples), func(t *sample.Sample) bool { return t.Trial.Idle.RSS == 0 })
	memory, resident := sample.MemoryIdle.Values(ready)
	if resident {
		s.MemoryKind = "rss"
	}
	s.Startup, s.Memory = estimate(sample.StartUp, startup), estimate(sample.MemoryIdle, memory)
	s.StartupBlocks, s.MemoryBlocks = positive(startup), positive(memory)
	return s
}

func positive(values []float64) []float64 {
	return slices.DeleteFunc(values, func(v float64) bool { return v <= 0 })
}

// warmUps counts the labels of the warm-ups, the most frequent first.
func warmUps(samples []*sample.Sample) []WarmUp {
	out := []WarmUp{}
	for _, s := range samples {
		label := s.Trial.Steady
		if label == "" || label == record.TooShort {
			continue
		}
		i := slices.IndexFunc(out, func(w WarmUp) bool { return w.Label == label })
		if i < 0 {
			i = len(out)
			out = append(out, WarmUp{Label: label})
		}
		out[i].Count++
	}
	slices.SortFunc(out, func(a, b WarmUp) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Label, b.Label))
	})
	return out
}

func addGate(gates []GateCount, g record.Gate) []GateCount {
	for i := range gates {
		if gates[i].Name == g.Name {
			gates[i].Count++
			return gates
		}
	}
	return append(gates, GateCount{Name: g.Name, Count: 1, Detail: g.Detail})
}

// gateTotals adds the gates of all cells up, the most frequent first.
func gateTotals(cells []Cell) []GateTotal {
	out := []GateTotal{}
	for _, c := range cells {
		for _, g := range c.Gates {
			i := slices.IndexFunc(out, func(t GateTotal) bool { return t.Name == g.Name })
			if i < 0 {
				i = len(out)
				out = append(out, GateTotal{GateCount: GateCount{Name: g.Name, Detail: g.Detail}})
			}
			out[i].Count += g.Count
			out[i].Cells = append(out[i].Cells, fmt.Sprintf("%s at %s", c.Arm, c.Level))
		}
	}
	slices.SortFunc(out, func(a, b GateTotal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return out
}
