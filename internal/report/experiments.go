package report

import (
	"math"
	"slices"
	"time"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// Experiment is what was done of an experiment, and how its time would be spent best.
type Experiment struct {
	Name      string      `json:"name"`
	Arms      []string    `json:"arms"`   // that ran
	Levels    []string    `json:"levels"` // that were visited
	Blocks    int         `json:"blocks"` // that count
	Most      int         `json:"most"`   // that the profile allows
	Passes    int         `json:"passes"`
	WindowS   float64     `json:"window_s"`
	Windows   int         `json:"windows"` // that were measured
	Lost      int         `json:"lost"`    // windows of disturbed rounds, which no figure has
	Precision []Precision `json:"precision"`
}

// Precision is how much of a metric's variance is between starts and how much between
// rounds, as standard deviations of the logarithm of two arms' ratio, and what follows
// from what each costs (Kalibera & Jones 2013).
type Precision struct {
	Metric     string  `json:"metric"`
	StartSD    float64 `json:"start_sd"`
	RoundSD    float64 `json:"round_sd"`
	StartS     float64 `json:"start_s"`     // of a block, without its passes
	PassS      float64 `json:"pass_s"`      // of a pass
	BestPasses int     `json:"best_passes"` // for the narrowest interval in a given time
	Blocks     int     `json:"blocks"`      // with the passes that there were, for a half-width of Goal at 95%
	Goal       float64 `json:"goal"`
}

// mostPasses bounds what is recommended: beyond it the starts that are left are too few.
const mostPasses = 50

// experiments sums up the experiments of which a block counts.
func experiments(d *Document) []Experiment {
	out := []Experiment{}
	t := d.table
	for x := range t.Run.Experiments {
		e := &t.Run.Experiments[x]
		row := Experiment{Name: e.Name, Arms: []string{}, Levels: []string{}, Most: e.Blocks.Max, Passes: e.Passes, WindowS: e.Window.Seconds(), Precision: []Precision{}}
		for _, b := range t.Blocks.Counted {
			if t.Run.Plan[b].Experiment == x {
				row.Blocks++
				row.count(d, b)
			}
		}
		if row.Blocks == 0 || t.Run.Schema < 2 { // in which the arms were not side by side
			continue
		}
		row.precision(d, x)
		out = append(out, row)
	}
	return out
}

// count adds what a block measured.
func (e *Experiment) count(d *Document, block int) {
	for _, arm := range d.Arms {
		for _, l := range d.Levels {
			s := d.table.At(arm.Name, l.Level, block)
			if s == nil {
				continue
			}
			e.Windows, e.Lost = e.Windows+len(s.Rounds)+s.Lost, e.Lost+s.Lost
			if !slices.Contains(e.Arms, arm.Name) {
				e.Arms = append(e.Arms, arm.Name)
			}
			if !slices.Contains(e.Levels, l.Name) {
				e.Levels = append(e.Levels, l.Name)
			}
		}
	}
}

// precision fills in the variance components, of the metrics whose width is waited for.
func (e *Experiment) precision(d *Document, x int) {
	start, pass := costs(d.table, x)
	for _, m := range sample.OfRuns() {
		c, ok := d.table.Components(m, x)
		if !ok || m.Goal == 0 {
			continue
		}
		e.Precision = append(e.Precision, Precision{
			Metric: m.Short, StartSD: math.Sqrt(c.Start), RoundSD: math.Sqrt(c.Round), StartS: start, PassS: pass,
			BestPasses: c.BestRounds(start, pass, mostPasses), Blocks: c.StartsNeeded(e.Passes, m.Goal, Confidence), Goal: m.Goal,
		})
	}
}

// costs are the seconds of a block's start and end, and of one of its passes.
func costs(t *sample.Table, x int) (start, pass float64) {
	var whole, measuring time.Duration
	blocks := 0
	for b := range t.Run.Plan {
		if t.Run.Plan[b].Experiment != x {
			continue
		}
		span, windows := spans(t, b)
		if windows > 0 {
			blocks++
			whole, measuring = whole+span, measuring+windows
		}
	}
	if blocks == 0 {
		return 0, 0
	}
	n := float64(blocks)
	return (whole - measuring).Seconds() / n, measuring.Seconds() / n / float64(max(t.Run.Experiments[x].Passes, 1))
}

// spans is how long a block took, and its windows from the first to the last.
func spans(t *sample.Table, block int) (whole, windows time.Duration) {
	var first, last, begin, end time.Time
	earliest := func(t *time.Time, o time.Time) {
		if t.IsZero() || o.Before(*t) {
			*t = o
		}
	}
	for _, p := range t.Run.Plan[block].Trials {
		trial := t.Start(p.Arm, block)
		if trial == nil {
			continue
		}
		earliest(&first, trial.Start)
		last = later(last, trial.End)
		for i := range trial.Windows {
			if w := &trial.Windows[i]; !w.Warmup {
				earliest(&begin, w.Start.Add(-w.Load.LeadIn))
				end = later(end, w.Start.Add(w.Load.Duration))
			}
		}
	}
	return last.Sub(first), end.Sub(begin)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// inside is the share of a run's time that was spent in windows, with their lead-ins,
// and warm-ups; 0 where the run has no end.
func inside(run *record.Run, trials []*record.Trial) float64 {
	var d time.Duration
	for _, t := range trials {
		for i := range t.Windows {
			d += t.Windows[i].Load.Duration + t.Windows[i].Load.LeadIn
		}
	}
	if !run.End.After(run.Start) {
		return 0
	}
	return d.Seconds() / run.End.Sub(run.Start).Seconds()
}
