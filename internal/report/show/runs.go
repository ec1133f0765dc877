package show

import (
	"fmt"
	"strings"

	"github.com/hellobench/hellobench/internal/report"
)

// Comparison is how head stands to base.
func Comparison(c *report.Comparison) *Grid {
	title := fmt.Sprintf("%s against %s", Text(c.Head), Text(c.Base))
	if c.Reference != "" {
		title += ", each over " + Text(c.Reference) + " in the same block"
	}
	g := grid(title, "Arm", "Level", "Metric", ">Ratio", ">A/A floor", "Outcome")
	for i := range c.Rows {
		r := &c.Rows[i]
		outcome, floor := string(r.Outcome), None
		if r.Reason != "" {
			outcome += ": " + Text(r.Reason)
		}
		if r.Floor > 0 {
			floor = Number(r.Floor) + "x"
		}
		ratio := None
		if r.Metric != report.Works {
			ratio = Effect(r.Ratio.Mid, r.Ratio.Low, r.Ratio.High)
		}
		g.add(Text(r.Arm), Text(r.Level), r.Metric, ratio, floor, outcome)
	}
	if len(c.Machines) > 0 && c.Reference == "" {
		g.note("? the machines differ, so the ratio may be theirs and is no answer; --reference ARM compares figures over an arm that both runs measured")
	}
	g.note(fmt.Sprintf("~ no difference beyond the margin of %s (25%% at least for p99) and the noise of both runs can be told from chance; the intervals together attain %s", Percent(c.Margin), Percent(report.Confidence)))
	return g
}

// NewStretch says why no run before a stretch is compared with those in it.
func NewStretch(t *report.Trend, s report.Stretch) string {
	var what, how []string
	for _, d := range s.Changed {
		what, how = append(what, d.What), append(how, d.A+", then "+d.B)
	}
	return Text(fmt.Sprintf("the %s changed at %s (%s): earlier runs are not compared with later ones",
		strings.Join(what, " and the "), t.Runs[s.First].ID, strings.Join(how, "; ")))
}

// RunState says what is wrong with a run of a trend; nothing of a sound one.
func RunState(r *report.TrendRun) string {
	switch {
	case len(r.Failed) > 0:
		return Text(strings.Join(r.Failed, ", ")) + " failed: errors under load, or no start"
	case r.Invalid:
		return "invalid, because the machine was disturbed: it has no figures"
	default:
		return ""
	}
}

// Trend is where each ratio stands and when it last changed.
func Trend(t *report.Trend) *Grid {
	g := grid(fmt.Sprintf("Ratios of throughput, %d runs from %s to %s", len(t.Runs),
		t.Runs[0].Start.UTC().Format("2006-01-02"), t.Runs[len(t.Runs)-1].Start.UTC().Format("2006-01-02")),
		"Arm", "Over", "Level", ">Runs", ">Newest ratio", "Last change")
	for i := range t.Series {
		s := &t.Series[i]
		name, newest, change := Text(s.Arm), None, "none"
		if s.Noise {
			name += " (A/A)"
		}
		if n := len(s.Points); n > 0 {
			p := s.Points[n-1]
			newest = Effect(p.Ratio, p.Low, p.High)
		}
		if n := len(s.Changes); n > 0 {
			c := s.Changes[n-1]
			change = fmt.Sprintf("at %s: from %s to %s", Text(t.Runs[c.Run].ID), Number(c.Before), Number(c.After))
		}
		g.add(name, Text(s.Over), Text(s.Level), fmt.Sprint(len(s.Points)), newest, change)
	}
	for i := range t.Runs {
		if state := RunState(&t.Runs[i]); state != "" {
			g.note(Text(t.Runs[i].ID) + ": " + state)
		}
	}
	for _, s := range t.Stretches[1:] {
		g.note(NewStretch(t, s))
	}
	if n := len(t.Runs) - t.Since; len(t.Stretches) > 1 && n < 2*report.TrendSegment {
		g.note(fmt.Sprintf("since then there are %d runs; it takes %d to see a change", n, 2*report.TrendSegment))
	}
	g.note("a change takes three runs on each side to be seen, of one machine and method; where the A/A ratio changes, the machine or the harness did, and the others tell nothing")
	return g
}
