package show

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/sample"
)

// few is how many names a warning holds; more stand in a table that it names.
const few = 3

// Warnings are what has to be read before any figure: that the run is a quick
// look, that it is partial, that no block is complete.
func Warnings(d *report.Document) []string {
	var out []string
	if !d.Quotable {
		out = append(out, "QUICK LOOK, NOT FOR QUOTING.")
	}
	if d.Invalid() {
		out = append(out, "INVALID RUN: the machine spoiled every figure or every block, see the gates.")
	}
	for i := range d.Breakdowns {
		out = append(out, "SERVER FAILED: "+Breakdown(&d.Breakdowns[i])+".")
	}
	switch d.Asked.State {
	case record.Complete:
	case record.Interrupted:
		out = append(out, "PARTIAL RUN: it was interrupted.")
	case record.Failed:
		out = append(out, "PARTIAL RUN: it failed before its end.")
	default:
		out = append(out, "PARTIAL RUN: it has not ended, or it was killed.")
	}
	if lacking := d.Lacking(); len(lacking) > 0 {
		n := len(lacking)
		names := make([]string, n)
		for i, m := range lacking {
			names[i] = m.Arm
		}
		which := see(missing(d))
		if n <= few {
			which = texts(names)
		}
		out = append(out, fmt.Sprintf("PARTIAL RUN: %s could not take part (%s).", record.Plural(n, "arm"), which))
	}
	for _, u := range d.Unreachable {
		out = append(out, fmt.Sprintf("PARTIAL RUN: %s. How to fix it: %s.", Text(u.Reason), Text(u.Hint)))
	}
	if d.Blocks.Provisional {
		out = append(out, "NO COMPLETE BLOCK: everything measured is shown, and nothing of it compares fairly.")
	}
	out = append(out, uncounted(d)...)
	if !d.Measured() {
		out = append(out, "NOTHING WAS MEASURED.")
	}
	return out
}

// Breakdown says which server failed, where, and how often.
func Breakdown(b *report.Breakdown) string {
	where := ""
	if b.Level != "" {
		where = " at " + b.Level
	}
	return Text(fmt.Sprintf("%s%s: %v", b.Arm, where, b))
}

// uncounted says which blocks do not count and why.
func uncounted(d *report.Document) (out []string) {
	what := "does not count"
	if d.Blocks.Provisional {
		what = "is not complete"
	}
	if n := len(d.Blocks.Partial); n > few {
		out = append(out, fmt.Sprintf("%d blocks lack trials, %s.", n, see(blocks(d))))
	} else {
		for _, p := range d.Blocks.Partial {
			why := "lacks " + texts(p.Absent)
			if n := len(p.Absent); n > few {
				why = fmt.Sprintf("lacks %s, %s", record.Plural(n, "arm"), see(blocks(d)))
			}
			out = append(out, fmt.Sprintf("%s %s: it has %s and %s.", blockName(p.Experiment, p.Number), what, record.Plural(p.Trials, "trial"), why))
		}
	}
	return out
}

// see names the table that says more.
func see(g *Grid) string { return `see "` + g.Title + `"` }

// Asked says in sentences what was measured and how.
func Asked(d *report.Document) []string {
	a := &d.Asked
	var out []string
	if a.Description != "" {
		out = append(out, Text(a.Description))
	}
	n := 0
	for _, route := range d.Routes() {
		for _, arm := range shown(d, route) {
			if arm.Role == report.Competitor {
				n++
			}
		}
	}
	var levels []string
	for _, l := range d.Levels {
		levels = append(levels, l.Name)
	}
	if len(levels) == 0 {
		levels = []string{"none"}
	}
	windows := Seconds(a.WindowS)
	if a.LongWindowS > a.WindowS {
		windows += " (" + Seconds(a.LongWindowS) + " with thousands of connections)"
	}
	out = append(out,
		fmt.Sprintf("%s at load levels %s; %s counted of %d to %d asked; seed %d.",
			record.Plural(n, "arm"), strings.Join(levels, ", "), record.Plural(len(d.Blocks.Counted), "complete block"), a.Blocks.Min, a.Blocks.Max, a.Seed),
		fmt.Sprintf("Each block of an experiment starts all of its servers afresh; they stay up together, and each level is visited in rounds, one arm after the other in shuffled order, for windows of %s, unless its experiment has others. The warm-up of %s is not part of any figure.",
			windows, Seconds(a.WarmupS)),
		engine(d))
	return out
}

// engine says what made the load, on which cores, and its ceiling.
func engine(d *report.Document) string {
	e := &d.Asked.Engine
	s := fmt.Sprintf("Engine %s on %s, servers on %s.", Text(e.Name), generators(d), cores(d.Asked.ServerCPUs)+place(d.Asked.ServerHost))
	if e.Ceiling > 0 {
		s += fmt.Sprintf(" Its ceiling against the null server is %s req/s", Number(e.Ceiling))
		if top := fastest(d); top > 0 {
			s += fmt.Sprintf(", %sx the fastest arm", Number(e.Ceiling/top))
		}
		if n := len(e.Ceilings); n > 0 {
			s += fmt.Sprintf(", and %s req/s at %s connections", Number(e.Ceilings[n-1].Throughput), Count(uint64(e.Ceilings[n-1].Connections)))
		}
		s += "."
	}
	if e.Reason != "" {
		s += " Taken because: " + strings.TrimSuffix(Text(e.Reason), ".") + "."
	}
	if c := e.CrossCheck; c != nil {
		s += crossCheck(c)
	}
	return s
}

// crossCheck says what both engines read of one arm.
func crossCheck(c *record.CrossCheck) string {
	at := fmt.Sprintf(" %s at %s req/s", Text(c.Arm), Number(c.Rate))
	if c.Tolerance == 0 { // a run of before 2026-11-25, which compared medians only
		return fmt.Sprintf(" The engines read%s with a median latency of %s (wire) and %s (vegeta).", at, Seconds(c.Wire.Seconds()), Seconds(c.Vegeta.Seconds()))
	}
	says := "agree on"
	if !c.Agree {
		says = "DO NOT AGREE on"
	}
	return fmt.Sprintf(" Both engines %s%s within %s: p50 %s by wire and %s by vegeta, p90 %s and %s, less the %s and %s that vegeta takes to wake a goroutine.",
		says, at, Seconds(c.Tolerance.Seconds()), Seconds(c.Wire.Seconds()), Seconds(c.Vegeta.Seconds()),
		Seconds(c.WireP90.Seconds()), Seconds(c.VegetaP90.Seconds()), Seconds(c.Wake.Seconds()), Seconds(c.WakeP90.Seconds()))
}

// fastest is the highest throughput of any competitor, 0 without one.
func fastest(d *report.Document) float64 {
	top := 0.0
	for _, a := range d.Arms {
		for i := range d.Cells {
			if c := &d.Cells[i]; a.Role == report.Competitor && c.Arm == a.Name && c.Of(sample.Throughput) != nil {
				top = max(top, c.Of(sample.Throughput).Mid)
			}
		}
	}
	return top
}

func cores(cpus []int) string {
	if len(cpus) == 0 {
		return "any core (not pinned)"
	}
	var s []string
	for _, c := range cpus {
		s = append(s, fmt.Sprint(c))
	}
	if len(cpus) == 1 {
		return "core " + s[0]
	}
	return "cores " + strings.Join(s, ", ")
}

// place is where a part ran that did not run on the conducting machine.
func place(host string) string {
	if host == "" {
		return ""
	}
	return " of " + Text(host)
}

// generators are the cores and the machines that made the load, and how far those are from the servers.
func generators(d *report.Document) string {
	if len(d.Asked.Generators) == 0 {
		return cores(d.Asked.LoadCPUs)
	}
	var all []string
	for i := range d.Asked.Generators {
		g := &d.Asked.Generators[i]
		at := " of " + Text(g.Name())
		all = append(all, fmt.Sprintf("%s%s (round trip to the null server %s, p99 %s more)", cores(g.CPUs), at, Seconds(g.RoundTrip.Seconds()), Seconds(g.Jitter.Seconds())))
	}
	return strings.Join(all, " and ")
}

// Machine is one line on the host, and another on each machine that only generated load.
func Machine(d *report.Document) string {
	s := machine(&d.Environment)
	if len(d.Asked.Generators) > 0 {
		s = "servers: " + s
	}
	for i := range d.Asked.Generators {
		s += "; load: " + machine(&d.Asked.Generators[i].Environment)
	}
	return s
}

func machine(e *record.Environment) string {
	var parts []string
	for _, p := range []string{e.CPU, e.Distro, e.Kernel} {
		if p != "" {
			parts = append(parts, Text(p))
		}
	}
	if e.Cores > 0 {
		parts = slices.Insert(parts, min(1, len(parts)), record.Plural(e.Cores, "core"))
	}
	if e.Memory > 0 {
		parts = append(parts, Bytes(float64(e.Memory)))
	}
	if e.Virtual {
		parts = append(parts, "virtual machine")
	}
	if len(parts) == 0 {
		return "machine not recorded"
	}
	return strings.Join(parts, ", ")
}

// Caption is what a picture must carry to stand alone.
func Caption(d *report.Document) string {
	blocks := record.Plural(len(d.Blocks.Counted), "block")
	if d.Blocks.Provisional {
		blocks = "No complete block"
	}
	return fmt.Sprintf("%s. Engine %s. %s.", Machine(d), Text(d.Asked.Engine.Name), blocks)
}

// manyComparisons is how many A/A comparisons say something of their coverage.
const manyComparisons = 20

// Chance says how the same server compares with itself.
func Chance(d *report.Document) string {
	c := d.Calibration
	if c == nil {
		return "No server was entered twice often enough to show that the measurement favors none."
	}
	verdict := "contains 1, as it should"
	if !c.Holds {
		verdict = "does not contain 1, so the run is invalid"
	}
	s := fmt.Sprintf("Control (A/A): the same server under two names compares as %sx in throughput, %.1f%% interval [%s, %s] over %s; it %s.",
		Number(c.Ratio.Mid), 100*c.Ratio.Confidence, Number(c.Ratio.Low), Number(c.Ratio.High), pairs(c.Ratio.Blocks), verdict)
	if c.Comparisons >= manyComparisons {
		s += fmt.Sprintf(" Of %d comparisons of %d blocks each, %d (%.0f%%) have 1 in their 95%% interval; %d would have been called a difference of 10%% or more.",
			c.Comparisons, sample.CoverageBlocks, c.Covered, 100*float64(c.Covered)/float64(c.Comparisons), c.Apart)
	}
	return s
}

func pairs(n int) string {
	if n == 1 {
		return "1 pair of starts"
	}
	return fmt.Sprintf("%d pairs of starts", n)
}

// Tally is the count of the answers in one line; empty where no claim was asked.
func Tally(d *report.Document) string {
	if len(d.Tally) == 0 {
		return ""
	}
	var parts []string
	listed := 0
	for i := range d.Verdicts {
		if d.Verdicts[i].Kind == claims.NotMeasurable {
			listed++
		}
	}
	for _, t := range d.Tally {
		if t.Value == claims.NotTestable {
			t.Count -= listed
		}
		if t.Count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", t.Count, Text(string(t.Value))))
		}
	}
	if listed > 0 {
		parts = append(parts, fmt.Sprintf("%d that no measurement can tell", listed))
	}
	return fmt.Sprintf("%s: %s.", record.Plural(len(d.Verdicts), "claim"), strings.Join(parts, ", "))
}

// Choice are the answers that mean something to somebody who has to choose.
func Choice(d *report.Document) (out []claims.Verdict) {
	for _, v := range d.Verdicts {
		if v.Means != "" {
			out = append(out, v)
		}
	}
	return out
}

// choose is Choice as a sentence, empty without any.
func choose(d *report.Document) string {
	var clauses []string
	for _, v := range Choice(d) {
		clauses = append(clauses, plain(v.Means))
	}
	if len(clauses) == 0 {
		return ""
	}
	return "If you have to choose: " + strings.Join(clauses, "; ") + "."
}

// Meaning says what an answer stands for.
func Meaning(v claims.Value) string {
	switch v {
	case claims.Supported:
		return "it is so, in every condition and beyond the margin"
	case claims.Refuted:
		return "it is not so: no material difference, or the other way round"
	case claims.Depends:
		return "conditions disagree"
	case claims.Inconclusive:
		return "the intervals are too wide to tell"
	case claims.NotTestable:
		return "this machine or this run cannot answer it"
	case claims.Value(claims.NotMeasurable):
		return "no measurement can tell"
	}
	return ""
}

// rankingLine writes a ranking in one line: "1 node-http; 2-3 a, b; no place: c!".
func rankingLine(r *report.Ranking) string {
	var parts []string
	for i := 0; i < len(r.Places); {
		p := &r.Places[i]
		var names []string
		for ; i < len(r.Places) && r.Places[i].First == p.First && r.Places[i].Last == p.Last; i++ {
			names = append(names, ranked(r.Places[i].Arm, r.Places[i].Gated))
		}
		parts = append(parts, placeName(p)+" "+strings.Join(names, ", "))
	}
	var unranked []string
	for _, arm := range r.Unranked {
		unranked = append(unranked, ranked(arm, true))
	}
	if len(unranked) > 0 {
		parts = append(parts, "no place: "+strings.Join(unranked, ", "))
	}
	return strings.Join(parts, "; ")
}

// ranked is an arm, with the sign of a validity gate if one fired.
func ranked(arm string, gated bool) string {
	if gated {
		return Text(arm) + "!"
	}
	return Text(arm)
}

func placeName(p *report.Place) string {
	if p.First == p.Last {
		return fmt.Sprint(p.First)
	}
	return fmt.Sprintf("%d-%d", p.First, p.Last)
}

func texts(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = Text(n)
	}
	return strings.Join(out, ", ")
}
