package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// Build derives the document of a run; one without any trial is a document
// without cells.
func Build(t *sample.Table, verdicts []claims.Verdict) *Document {
	run := t.Run
	d := &Document{
		Schema:      SchemaVersion,
		Title:       title(run),
		Quotable:    run.Quotable,
		Asked:       asked(run, t.Trials),
		Verdicts:    append([]claims.Verdict{}, verdicts...),
		Arms:        arms(run),
		Requests:    requests(run.Servers),
		Levels:      levels(run),
		Blocks:      t.Blocks,
		Missing:     slices.Concat([]record.Missing{}, run.Missing),
		Unreachable: slices.Concat([]record.Unreachable{}, run.Unreachable),
		Environment: run.Environment,
		Servers:     slices.Concat([]record.ServerVersion{}, run.Servers),
		table:       t,
	}
	d.Tally = Count(d.Verdicts)
	d.Notices = slices.Concat([]string{}, run.Notices, restless(d.Arms, t.Trials))
	d.Partial = run.State != record.Complete || len(d.Lacking()) > 0 || len(run.Unreachable) > 0 || len(d.Blocks.Partial) > 0
	d.measure()
	d.style()
	d.Rankings = rankings(d)
	d.Experiments = experiments(d)
	d.Calibration = calibration(t)
	d.Noise = noise(d)
	d.Ratios = ratios(d)
	d.Gates = gateTotals(d.Cells)
	d.Breakdowns = breakdowns(d)
	d.Fits = fits(d)
	d.Charts = charts(d)
	return d
}

// requests are what routes send, where that is not a GET of their name. If servers
// send different requests under one name, all of them are listed.
func requests(servers []record.ServerVersion) map[string]string {
	out := map[string]string{}
	for _, s := range servers {
		for route, text := range s.Requests {
			if had := out[route]; had == "" {
				out[route] = text
			} else if !slices.Contains(strings.Split(had, " or "), text) {
				out[route] += " or " + text
			}
		}
	}
	return out
}

// Lacking are the arms that this machine could have measured, and that took no part.
func (d *Document) Lacking() []record.Missing {
	return slices.DeleteFunc(slices.Clone(d.Missing), func(m record.Missing) bool { return d.table != nil && d.table.Run.TooFewCores(m.Arm) })
}

func title(run *record.Run) string {
	if run.Profile == "" {
		return "Run " + run.ID
	}
	return fmt.Sprintf("Run %s, profile %s", run.ID, run.Profile)
}

func asked(run *record.Run, trials []*record.Trial) Asked {
	return Asked{
		ID: run.ID, Tool: run.Tool, Method: run.Method,
		Profile: run.Profile, Description: run.Description,
		Seed: run.Seed, Blocks: run.Blocks,
		WindowS: run.Window.Seconds(), LongWindowS: run.LongWindow.Seconds(), WarmupS: run.Warmup.Seconds(), TimeoutS: run.Timeout.Seconds(),
		Engine: run.Engine, ServerCPUs: slices.Concat([]int{}, run.ServerCPUs), LoadCPUs: slices.Concat([]int{}, run.LoadCPUs), ServerHost: run.ServerHost, Generators: run.Generators,
		ClaimsHash: run.ClaimsHash, Start: run.Start, End: run.End, State: run.State, Inside: inside(run, trials),
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

// levels are the run's: closed loops first, each kind by its load, for a profile
// names them in the order in which its claims came.
func levels(run *record.Run) []Level {
	out := make([]Level, 0, len(run.Levels))
	names := make(map[string]int, len(run.Levels))
	for _, l := range slices.SortedStableFunc(slices.Values(run.Levels), record.Level.Compare) {
		out = append(out, Level{Level: l, Name: l.String(), Open: l.Open()})
		names[l.String()]++
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
	for _, v := range claims.Values {
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
// spoils it, or the same server differed from itself, so that there is no answer in any.
// A run without a figure is not invalid but empty, and a server that failed by itself is a figure.
func (d *Document) Invalid() bool {
	if d.Calibration != nil && !d.Calibration.Holds {
		return true
	}
	figures := 0
	for i := range d.Cells {
		if d.Arm(d.Cells[i].Arm).Canary() {
			continue // what a server that does nothing reached says nothing of the others
		}
		if d.Cells[i].broken() || !slices.ContainsFunc(d.Cells[i].Gates, func(g GateCount) bool { return !record.LowerBound(g.Name) }) {
			return false
		}
		figures++
	}
	return figures > 0
}

// TooShort says by which gate every figure is spoiled because the windows are shorter
// than a response; empty: they are not, or a busy machine may be why none came in time.
func (d *Document) TooShort() (detail string) {
	for i := range d.Cells {
		c := &d.Cells[i]
		if d.Arm(c.Arm).Canary() {
			continue
		}
		found := ""
		for _, g := range c.Gates {
			switch g.Name {
			case record.GateHostNoise:
				return ""
			case record.GateWindow:
				found = g.Detail
			}
		}
		if detail = found; found == "" {
			return ""
		}
	}
	return detail
}

// Measured says whether there is a figure of any server.
func (d *Document) Measured() bool {
	return slices.ContainsFunc(d.Cells, func(c Cell) bool { return !d.Arm(c.Arm).Canary() })
}

// restless is a notice for each arm that worked by itself when some of its
// windows began: what it did then is part of its figures.
func restless(arms []Arm, trials []*record.Trial) (notices []string) {
	count := map[string]int{}
	for _, t := range trials {
		for i := range t.Windows {
			if t.Windows[i].Restless {
				count[t.Arm]++
			}
		}
	}
	for _, a := range arms {
		if n := count[a.Name]; n > 0 {
			notices = append(notices, fmt.Sprintf("%s still used CPU while idle at the start of %d of its windows", a.Name, n))
		}
	}
	return notices
}
