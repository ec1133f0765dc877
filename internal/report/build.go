package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// Build derives the document of a run. The order of the trials does not
// matter. It fails where the trials do not belong to the run (an arm that the
// run does not know, a negative block) or a histogram cannot be decoded; a run
// without any trial is a document without cells.
func Build(run *record.Run, trials []record.Trial, verdicts []claims.Verdict) (*Document, error) {
	if run == nil {
		return nil, errors.New("report: no run")
	}
	d := &Document{
		Schema:      SchemaVersion,
		Title:       title(run),
		Quotable:    run.Quotable,
		Asked:       asked(run),
		Verdicts:    cleanVerdicts(verdicts),
		Arms:        arms(run),
		Missing:     slices.Concat([]record.Missing{}, run.Missing),
		Unreachable: slices.Concat([]record.Unreachable{}, run.Unreachable),
		Notices:     slices.Concat([]string{}, run.Notices),
		Environment: run.Environment,
		Servers:     slices.Concat([]record.ServerVersion{}, run.Servers),
	}
	d.Tally = Count(d.Verdicts)
	trials, err := ordered(d.Arms, trials)
	if err != nil {
		return nil, err
	}
	d.Notices = append(d.Notices, restless(d.Arms, trials)...)
	pairing := claims.Pair(run, trials, Confidence)
	d.Blocks = countBlocks(run, trials)
	d.Canary = canary(d.Arms, trials)
	trials = counted(d.Blocks, trials)
	d.Levels = levels(run, trials)
	d.Partial = run.State != record.Complete || len(run.Missing) > 0 || len(run.Unreachable) > 0 || len(d.Blocks.Partial) > 0
	if err := d.measure(run, trials); err != nil {
		return nil, err
	}
	d.style()
	d.Rankings = rankings(d, pairing)
	d.Noise = noise(d)
	d.Ratios = ratios(d, pairing)
	d.Gates = gateTotals(d.Cells)
	d.Breakdowns = breakdowns(d)
	d.Fits = fits(d)
	d.Charts = charts(d)
	return d, nil
}

func title(run *record.Run) string {
	if run.Profile == "" {
		return "Run " + run.ID
	}
	return fmt.Sprintf("Run %s, profile %s", run.ID, run.Profile)
}

func asked(run *record.Run) Asked {
	return Asked{
		ID: run.ID, Tool: run.Tool, Method: run.Method,
		Profile: run.Profile, Description: run.Description,
		Seed: run.Seed, Blocks: run.Blocks,
		WindowS: run.Window.Seconds(), LongWindowS: run.LongWindow.Seconds(), TailWindowS: run.TailWindow.Seconds(), WarmupS: run.Warmup.Seconds(), TimeoutS: run.Timeout.Seconds(),
		Engine: record.EngineChoice{
			Name: run.Engine.Name, Reason: run.Engine.Reason, Ceiling: number(run.Engine.Ceiling), Ceilings: run.Engine.Ceilings, CrossCheck: run.Engine.CrossCheck,
		},
		ServerCPUs: slices.Concat([]int{}, run.ServerCPUs), LoadCPUs: slices.Concat([]int{}, run.LoadCPUs),
		ClaimsHash: run.ClaimsHash, Start: run.Start, End: run.End, State: run.State,
	}
}

func arms(run *record.Run) []Arm {
	servers := make(map[string]record.ServerVersion, len(run.Servers))
	for _, s := range run.Servers {
		servers[s.Server] = s
	}
	out := make([]Arm, 0, len(run.Arms))
	for _, a := range run.Arms {
		s := servers[a.Server]
		arm := Arm{Arm: a, Role: Competitor, Title: cmp.Or(s.Title, a.Server, a.Name), Runtime: s.Runtime}
		switch {
		case a.Replicate != "":
			arm.Role = Replicate
		case a.Canary():
			arm.Role = Ceiling
		}
		if arm.Route == "" {
			arm.Route = "/"
		}
		out = append(out, arm)
	}
	return out
}

// style gives every competitor its label, and one number to all that carry
// the same label: a server looks alike on every route. Those that were
// measured come first, for the first styles are the easiest to tell apart.
func (d *Document) style() {
	used := map[[2]string]int{} // of a label on a route
	short := func(a *Arm) string { return strings.Replace(a.Name, ":route="+a.Route, "", 1) }
	for i := range d.Arms {
		used[[2]string{short(&d.Arms[i]), d.Arms[i].Route}]++
	}
	numbers := map[string]int{}
	for _, measured := range []bool{true, false} {
		for i := range d.Arms {
			a := &d.Arms[i]
			if slices.ContainsFunc(d.Starts, func(s Start) bool { return s.Arm == a.Name }) != measured {
				continue
			}
			a.Label = short(a)
			if used[[2]string{a.Label, a.Route}] > 1 {
				a.Label = a.Name
			}
			if a.Role != Competitor {
				continue
			}
			if _, known := numbers[a.Label]; !known {
				numbers[a.Label] = len(numbers)
			}
			a.Style = numbers[a.Label]
		}
	}
}

// ordered checks the trials against the run and sorts a copy by block and
// position. Of two trials of one arm in one block, which a resumed run leaves
// behind, the later one stays, unless it failed and the earlier one did not.
func ordered(arms []Arm, trials []record.Trial) ([]record.Trial, error) {
	type turn struct {
		block int
		arm   string
	}
	at := make(map[turn]int, len(trials))
	known := make(map[string]bool, len(arms))
	for _, a := range arms {
		known[a.Name] = true
	}
	out := make([]record.Trial, 0, len(trials))
	for i, t := range trials {
		if !known[t.Arm] {
			return nil, fmt.Errorf("trial %d: arm %q is not one of the run's", i+1, t.Arm)
		}
		if t.Block < 0 {
			return nil, fmt.Errorf("trial %d: block %d: must not be negative", i+1, t.Block)
		}
		k := turn{t.Block, t.Arm}
		if j, ok := at[k]; !ok {
			at[k] = len(out)
			out = append(out, t)
		} else if t.Failure == "" || out[j].Failure != "" {
			out[j] = t
		}
	}
	slices.SortStableFunc(out, func(a, b record.Trial) int {
		return cmp.Or(cmp.Compare(a.Block, b.Block), cmp.Compare(a.Position, b.Position), cmp.Compare(a.Arm, b.Arm))
	})
	return out, nil
}

// levels are the run's and those that only the trials know (rates found by a
// search): closed loops first, each kind by its load, for a profile names them
// in the order in which its claims came.
func levels(run *record.Run, trials []record.Trial) []Level {
	var all []record.Level
	seen := map[record.Level]bool{}
	add := func(l record.Level) {
		if !seen[l] {
			seen[l] = true
			all = append(all, l)
		}
	}
	for _, l := range run.Levels {
		add(l)
	}
	for _, t := range trials {
		for i := range t.Windows {
			if w := &t.Windows[i]; !w.Warmup {
				add(w.Level)
			}
		}
	}
	slices.SortStableFunc(all, record.Level.Compare)
	out := make([]Level, len(all))
	names := make(map[string]int, len(all))
	for i, l := range all {
		out[i] = Level{Level: l, Name: l.String(), Open: l.Open()}
		names[out[i].Name]++
	}
	for i := range out { // one rate over different numbers of connections
		if l := &out[i]; names[l.Name] > 1 {
			l.Name = fmt.Sprintf("%s c=%d", l.Name, l.Connections)
		}
	}
	return out
}

// Count counts the verdicts in the order of the values' declaration.
func Count(verdicts []claims.Verdict) []Tally {
	out := []Tally{}
	for _, v := range []claims.Value{claims.Supported, claims.Refuted, claims.Depends, claims.Inconclusive, claims.NotTestable} {
		n := 0
		for i := range verdicts {
			if verdicts[i].Verdict == v {
				n++
			}
		}
		if n > 0 {
			out = append(out, Tally{v, n})
		}
	}
	return out
}

// Invalid says that the machine spoiled the run: every figure failed a gate that
// spoils it, or every block was disturbed, so that no answer can stand on any. A run without a
// figure is not invalid but empty, and a server that failed by itself is a figure.
func (d *Document) Invalid() bool {
	if len(d.Blocks.Counted) == 0 && len(d.Blocks.Disturbed) > 0 {
		return true
	}
	figures := 0
	for i := range d.Cells {
		if d.arm(d.Cells[i].Arm).Canary() {
			continue // what a server that does nothing reached says nothing of the others
		}
		if d.Cells[i].broken() || !slices.ContainsFunc(d.Cells[i].Gates, func(g GateCount) bool { return !record.LowerBound(g.Name) }) {
			return false
		}
		figures++
	}
	return figures > 0
}

// Measured says whether there is a figure of any server.
func (d *Document) Measured() bool {
	return slices.ContainsFunc(d.Cells, func(c Cell) bool { return !d.arm(c.Arm).Canary() })
}

// cleanVerdicts copies the verdicts without NaN and infinities, which JSON cannot hold.
func cleanVerdicts(verdicts []claims.Verdict) []claims.Verdict {
	out := make([]claims.Verdict, len(verdicts))
	for i, v := range verdicts {
		v.Effect, v.Low, v.High, v.Margin = number(v.Effect), number(v.Low), number(v.High), number(v.Margin)
		v.Cells = append([]claims.Cell{}, v.Cells...)
		for j := range v.Cells {
			c := &v.Cells[j]
			c.Ratio = stats.Interval{Low: number(c.Ratio.Low), Mid: number(c.Ratio.Mid), High: number(c.Ratio.High)}
			c.Floor = number(c.Floor)
		}
		out[i] = v
	}
	return out
}

// restless is a notice for each arm that worked by itself when some of its
// windows began: what it did then is part of its figures.
func restless(arms []Arm, trials []record.Trial) (notices []string) {
	count := map[string]int{}
	for i := range trials {
		for j := range trials[i].Windows {
			if trials[i].Windows[j].Restless {
				count[trials[i].Arm]++
			}
		}
	}
	for _, a := range arms {
		if n := count[a.Name]; n > 0 {
			notices = append(notices, fmt.Sprintf("%s was still at work, asked by nobody, when %d of its windows began", a.Name, n))
		}
	}
	return notices
}
