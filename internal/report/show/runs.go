package show

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/report"
)

// Summary says in sentences what a comparison found, and how much of a change it
// could have found: that nothing was seen is worth no more than that.
func Summary(c *report.Comparison) []string {
	var out []string
	switch {
	case c.Regressions > 0:
		out = append(out, fmt.Sprintf("%d of %d figures got worse.", c.Regressions, len(c.Rows)))
	case len(c.Invalid) > 0:
		out = append(out, fmt.Sprintf("No answer: the machine spoiled %s.", Text(strings.Join(c.Invalid, " and "))))
	case c.Answered() == 0:
		out = append(out, "No answer: no figure could be compared.")
	default:
		out = append(out, fmt.Sprintf("Nothing got worse that could be seen in %d of %d figures.", c.Answered(), len(c.Rows)))
	}
	if v := visibility(c); v != "" {
		out = append(out, v)
	}
	if n := c.Count(report.TooNoisy); n > 0 {
		out = append(out, fmt.Sprintf("Too noisy to see even a doubling, so without an answer: %d.", n))
	}
	if n := c.Count(report.NotComputed); n > 0 {
		out = append(out, fmt.Sprintf("Not computed: %d.", n))
	}
	return out
}

// visibility says from which size on a change would have been seen: in half of the
// rows of each metric, and in all rows.
func visibility(c *report.Comparison) string {
	of := map[string][]float64{}
	var metrics, sizes []string
	all := 0.0
	for i := range c.Rows {
		if r := &c.Rows[i]; r.Visible > 0 && r.Outcome != report.TooNoisy {
			if of[r.Metric] == nil {
				metrics = append(metrics, r.Metric)
			}
			of[r.Metric] = append(of[r.Metric], r.Visible)
			all = max(all, r.Visible)
		}
	}
	if len(metrics) == 0 {
		return ""
	}
	percent := func(ratio float64) string { return fmt.Sprintf("%.0f%%", math.Ceil(100*(ratio-1))) }
	for _, m := range metrics {
		slices.Sort(of[m])
		sizes = append(sizes, percent(of[m][(len(of[m])-1)/2])+" in "+m)
	}
	sizes[0] = strings.Replace(sizes[0], " in", " or more in", 1)
	return "A change of " + strings.Join(sizes, ", ") + " would have been seen in half of these at least, one of " + percent(all) + " in all of them."
}

// News are the rows of a comparison that say something changed, and Rest the others.
func News(c *report.Comparison) (news, rest *report.Comparison) {
	a, b := *c, *c
	a.Rows, b.Rows = nil, nil
	for _, r := range c.Rows {
		if r.Outcome == report.Worse || r.Outcome == report.Better {
			a.Rows = append(a.Rows, r)
		} else {
			b.Rows = append(b.Rows, r)
		}
	}
	return &a, &b
}

// Comparison is how head stands to base.
func Comparison(c *report.Comparison) *Grid {
	title := fmt.Sprintf("%s against %s", Text(c.Head), Text(c.Base))
	if c.Reference != "" {
		title += ", each over " + Text(c.Reference) + " in the same block"
	}
	g := grid(title, "Arm", "Level", "Metric", ">Ratio", ">Seen from", "Outcome")
	for i := range c.Rows {
		r := &c.Rows[i]
		outcome, visible := string(r.Outcome), None
		if r.Reason != "" && r.Outcome != report.TooNoisy {
			outcome += ": " + Text(r.Reason)
		}
		switch {
		case r.Visible > 100: // no matter how far beyond
			visible = ">100x"
		case r.Visible > 0:
			visible = Number(r.Visible) + "x"
		}
		ratio := None
		if r.Metric != report.Works {
			ratio = Effect(r.Ratio.Mid, r.Ratio.Low, r.Ratio.High)
		}
		g.add(Text(r.Arm), Text(r.Level), r.Metric, ratio, visible, outcome)
	}
	if visibility(c) != "" || c.Count(report.TooNoisy) > 0 {
		g.note("seen from: the size from which on a change would have been seen, either way, by the margin and the interval; from 2x on the row is too noisy for an answer")
	}
	if c.Count(report.OtherMachine) > 0 {
		g.note("? the machines differ, so the ratio may be theirs and is no answer; --reference ARM compares figures over an arm that both runs measured")
	}
	if c.Count(report.Same) > 0 {
		g.note(fmt.Sprintf("~ no difference beyond the margin of %s (25%% at least for p99) can be told from chance; the intervals together attain %s", Percent(c.Margin), Percent(report.Confidence)))
	}
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
