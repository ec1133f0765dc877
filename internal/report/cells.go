package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// place is where a window belongs.
type place struct {
	arm   string
	level record.Level
}

// measure fills in cells, starts and failures from the trials that count.
func (d *Document) measure(run *record.Run, trials []record.Trial) error {
	byPlace := map[place][]start{}
	byArm := map[string][]*record.Trial{}
	failed := map[string]int{}
	d.Failures = []Failure{}
	for i := range trials {
		t := &trials[i]
		byArm[t.Arm] = append(byArm[t.Arm], t)
		if t.Failure != "" {
			failed[t.Arm]++
			d.Failures = append(d.Failures, Failure{Block: t.Block, Arm: t.Arm, Reason: t.Failure, Ready: t.Startup > 0, Server: t.Fault == record.ServerFault})
		}
		for _, level := range visited(t) {
			s, err := newStart(t, level)
			if err != nil {
				return fmt.Errorf("block %d, arm %q at %v: %w", t.Block+1, t.Arm, level, err)
			}
			k := place{t.Arm, level}
			byPlace[k] = append(byPlace[k], s)
		}
	}
	d.Cells, d.Starts = []Cell{}, []Start{}
	for _, a := range d.Arms {
		for _, l := range d.Levels {
			if starts := byPlace[place{a.Name, l.Level}]; len(starts) > 0 {
				c := newCell(starts, run.GeneratorCores())
				c.Arm, c.Level, c.Failed = a.Name, l.Name, failed[a.Name]
				d.Cells = append(d.Cells, c)
			}
		}
		if ts := byArm[a.Name]; len(ts) > 0 {
			s := newStarts(ts)
			s.Arm, s.Failed = a.Name, failed[a.Name]
			d.Starts = append(d.Starts, s)
		}
	}
	return nil
}

// visited lists the levels that a trial measured, each once.
func visited(t *record.Trial) []record.Level {
	levels := make([]record.Level, 0, len(t.Windows))
	for i := range t.Windows {
		if w := &t.Windows[i]; !w.Warmup && !slices.Contains(levels, w.Level) && (w.Level.Kind != record.SLO || w.HeldSLO()) {
			levels = append(levels, w.Level)
		}
	}
	return levels
}

// start is what one start measured at one level.
type start struct {
	point     BlockPoint
	sum       record.Measurement // of its windows
	rss, pss  float64
	max       time.Duration
	odd       []record.Oddity
	threads   int
	processes int
	gates     []record.Gate
	failed    string // by what the server itself did
}

// newStart pools the windows of one level of a trial; mostly there is one.
func newStart(t *record.Trial, level record.Level) (start, error) {
	s := start{point: BlockPoint{Block: t.Block}}
	var serverCPU time.Duration
	var parts []*record.Distribution
	for i := range t.Windows {
		w := &t.Windows[i]
		if w.Warmup || w.Level != level {
			continue
		}
		s.sum.Add(&w.Load)
		for _, o := range w.Load.Oddities() {
			if !slices.Contains(s.odd, o) {
				s.odd = append(s.odd, o)
			}
		}
		s.failed = cmp.Or(s.failed, w.ServerFailed())
		serverCPU += w.Server.CPU.Total()
		s.rss, s.pss = max(s.rss, float64(w.Server.RSS)), max(s.pss, float64(w.Server.PSS))
		s.threads, s.processes = max(s.threads, w.Server.Threads), max(s.processes, w.Server.Processes)
		for _, g := range w.Gates {
			if !slices.ContainsFunc(s.gates, func(h record.Gate) bool { return h.Name == g.Name }) {
				s.gates = append(s.gates, g)
			}
		}
		if l := w.Load.Latency; l != nil && l.Count > 0 {
			parts = append(parts, l)
		}
	}
	s.point.Throughput = s.sum.Throughput()
	if s.sum.OK > 0 { // the meter runs until the last response has come
		s.point.CPUPerRequest = serverCPU.Seconds() / float64(s.sum.OK)
	}
	return s, s.latency(parts)
}

// latency takes the percentiles from the only distribution, or merges several.
func (s *start) latency(parts []*record.Distribution) error {
	if len(parts) == 0 {
		return nil
	}
	d := parts[0]
	if len(parts) > 1 {
		all := record.NewHistogram()
		for _, p := range parts {
			h, err := p.Histogram()
			if err != nil {
				return err
			}
			all.Merge(h)
		}
		d = all.Distribution()
	}
	for _, q := range []struct {
		to   *float64
		from *time.Duration
	}{{&s.point.P50, d.P50}, {&s.point.P90, d.P90}, {&s.point.P95, d.P95}, {&s.point.P99, d.P99}, {&s.point.P999, d.P999}} {
		if q.from != nil {
			*q.to = q.from.Seconds()
		}
	}
	s.point.Mean, s.max = d.Mean.Seconds(), d.Max
	return nil
}

// newCell sums up the starts of one arm at one level.
func newCell(starts []start, cores int) Cell {
	c := Cell{Trials: len(starts), Gates: []GateCount{}}
	c.MemoryKind = memory(starts)
	var sum record.Measurement
	odd := map[record.Oddity]int{}
	for i := range starts {
		s := &starts[i]
		c.Points = append(c.Points, s.point)
		sum.Add(&s.sum)
		c.MaxS = max(c.MaxS, s.max.Seconds())
		c.Threads, c.Processes = max(c.Threads, s.threads), max(c.Processes, s.processes)
		for _, o := range s.odd {
			odd[o]++
		}
		switch {
		case s.failed != "":
			c.Broken++
			c.BrokenBy = cmp.Or(c.BrokenBy, s.failed)
		case slices.ContainsFunc(s.gates, func(g record.Gate) bool { return record.OfServer(g.Name) }):
			c.Unclear++
		}
		for _, g := range s.gates {
			c.Gates = addGate(c.Gates, g)
			c.LowerBound = c.LowerBound || record.LowerBound(g.Name)
		}
	}
	c.rates(&sum, cores)
	c.Odd = []record.Oddity{}
	for _, o := range slices.Sorted(maps.Keys(odd)) {
		if 2*odd[o] >= len(starts) { // of one start alone it is a disturbance
			c.Odd = append(c.Odd, o)
		}
	}
	c.Throughput = geoMean(column(c.Points, func(p BlockPoint) float64 { return p.Throughput }, true))
	if sum.Offered > 0 && c.Throughput != nil {
		// Over blocks it varies as the schedules do, which says nothing of the server.
		c.Throughput = single(sum.Throughput(), c.Throughput.Blocks)
	}
	c.Mean = geoMean(column(c.Points, func(p BlockPoint) float64 { return p.Mean }, false))
	c.P50 = medianOf(column(c.Points, func(p BlockPoint) float64 { return p.P50 }, false))
	c.P90 = tail(c.P50, column(c.Points, func(p BlockPoint) float64 { return p.P90 }, false))
	c.P95 = tail(c.P50, column(c.Points, func(p BlockPoint) float64 { return p.P95 }, false))
	c.P99 = tail(c.P50, column(c.Points, func(p BlockPoint) float64 { return p.P99 }, false))
	c.P999 = tail(c.P50, column(c.Points, func(p BlockPoint) float64 { return p.P999 }, false))
	c.CPUPerRequest = geoMean(column(c.Points, func(p BlockPoint) float64 { return p.CPUPerRequest }, false))
	c.Memory = geoMean(column(c.Points, func(p BlockPoint) float64 { return p.Memory }, false))
	return c
}

// rates are the figures of all windows together.
func (c *Cell) rates(sum *record.Measurement, cores int) {
	c.Requests, c.Errors, c.ErrorRate, c.FirstError = sum.Requests, sum.Errors, sum.ErrorRate(), sum.FirstError
	c.AchievedRPS, c.LittlesLaw = sum.Achieved(), sum.LittlesLaw()
	if sum.Duration > 0 {
		c.GeneratorCPU = sum.CPU.Total().Seconds() / sum.Duration.Seconds() / float64(cores)
	}
	if sum.Offered > 0 {
		c.OfferedRPS, c.Delivered = sum.Due(), sum.Delivered()
	}
}

// tail is the median of a percentile above the p50, nil unless every start
// that has a p50 carries it too: over fewer starts a p90 can come out below
// the p50 of all.
func tail(p50 *Estimate, values []float64) *Estimate {
	if p50 == nil || len(values) != p50.Blocks {
		return nil
	}
	return medianOf(values)
}

// column picks one figure of every block; zeros only where they are results.
func column(points []BlockPoint, of func(BlockPoint) float64, zeros bool) []float64 {
	out := make([]float64, 0, len(points))
	for _, p := range points {
		if v := of(p); zeros || v > 0 {
			out = append(out, v)
		}
	}
	return out
}

// memory sets every start's memory to the same kind: the proportional set
// where all starts have it, else the resident set.
func memory(starts []start) string {
	pss := !slices.ContainsFunc(starts, func(s start) bool { return s.pss == 0 })
	for i := range starts {
		s := &starts[i]
		s.point.Memory = s.rss
		if pss {
			s.point.Memory = s.pss
		}
	}
	if pss {
		return "pss"
	}
	return "rss"
}

// warmUps counts the labels of the warm-ups, the most frequent first.
func warmUps(trials []*record.Trial) []WarmUp {
	out := []WarmUp{}
	for _, t := range trials {
		if t.Steady == "" || t.Steady == record.TooShort {
			continue
		}
		i := slices.IndexFunc(out, func(c WarmUp) bool { return c.Label == t.Steady })
		if i < 0 {
			i = len(out)
			out = append(out, WarmUp{Label: t.Steady})
		}
		out[i].Count++
	}
	slices.SortFunc(out, func(a, b WarmUp) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Label, b.Label))
	})
	return out
}

// newStarts sums up what the starts of one arm took before any load.
func newStarts(trials []*record.Trial) Start {
	s := Start{Trials: len(trials), MemoryKind: "pss", WarmUps: warmUps(trials)}
	startup, rss, pss := []float64{}, []float64{}, []float64{}
	for _, t := range trials {
		if t.Startup > 0 {
			startup = append(startup, t.Startup.Seconds())
		}
		if t.Idle.RSS > 0 {
			rss = append(rss, float64(t.Idle.RSS))
		}
		if t.Idle.PSS > 0 {
			pss = append(pss, float64(t.Idle.PSS))
		}
		s.Threads, s.Processes = max(s.Threads, t.Idle.Threads), max(s.Processes, t.Idle.Processes)
	}
	s.Startup, s.StartupBlocks = geoMean(startup), startup
	if len(pss) < len(rss) {
		pss, s.MemoryKind = rss, "rss"
	}
	s.Memory, s.MemoryBlocks = geoMean(pss), pss
	return s
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
			out[i].Cells = append(out[i].Cells, c.Arm+" at "+c.Level)
		}
	}
	slices.SortFunc(out, func(a, b GateTotal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return out
}
