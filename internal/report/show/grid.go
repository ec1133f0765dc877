package show

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/stats"
)

// Grid is a table as text: every string is safe to print, none is escaped for
// a markup. Rows have the length of Head.
type Grid struct {
	ID    string // of its anchor; empty: it has none
	Title string
	Keys  int // leading columns that name a row; kept where a grid is split by columns
	Head  []string
	Right []bool // columns of numbers
	Rows  [][]string
	Notes []string
}

// grid makes a grid from heads; a leading ">" marks a column of numbers.
func grid(title string, heads ...string) *Grid {
	g := &Grid{Title: title, Keys: 1}
	if heads[0] == "Level" {
		g.Keys = 2
	}
	for _, h := range heads {
		name, right := strings.CutPrefix(h, ">")
		g.Head = append(g.Head, name)
		g.Right = append(g.Right, right)
	}
	return g
}

func (g *Grid) add(cells ...string) {
	g.Rows = append(g.Rows, cells)
	if slices.ContainsFunc(cells, func(s string) bool { return strings.Contains(s, "×÷") }) {
		g.note(noteWide)
	}
}

// note appends a note once.
func (g *Grid) note(s string) {
	if !slices.Contains(g.Notes, s) {
		g.Notes = append(g.Notes, s)
	}
}

const (
	noteBound = "≥ lower bound: the generator was the limit, the server can do at least this"
	noteGate  = "! a validity gate fired in this cell, see the gates"
	noteWide  = "×÷f: the interval reaches from the value divided by f to the value times f; too few blocks to say more"
	noteWeak  = "* fewer than six blocks: the interval is the range seen and attains less than 95%"
	noteFails = "† some starts of this arm failed or ended early, see below"
)

// ledger is the ledger with its answers.
func ledger(d *report.Document) *Grid {
	g := grid("", "Claim", "Answer", ">Effect", "What the article says, in our words")
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		g.answer(v, Text(v.Paraphrase))
	}
	return g
}

// Verdicts is the ledger with its answers and their reasons.
func Verdicts(d *report.Document) *Grid {
	g := grid("Verdicts", "Claim", "Answer", ">Effect", "Why")
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		why := Text(v.Reason)
		if v.Flips != "" {
			why = strings.TrimSpace(sentence(why) + " " + Text(v.Flips))
		}
		g.answer(v, why)
	}
	return g
}

// Answers is the ledger in a line a claim.
func Answers(d *report.Document) *Grid {
	g := grid("Answers", "Claim", "Answer", ">Effect")
	for i := range d.Verdicts {
		if v := &d.Verdicts[i]; v.Kind != claims.NotMeasurable {
			g.answer(v)
		}
	}
	return g
}

// answer adds a row with the answer to one claim, and what else stands in it.
func (g *Grid) answer(v *claims.Verdict, more ...string) {
	g.add(append([]string{Text(v.ID), Text(string(v.Verdict)), Effect(v.Effect, v.Low, v.High)}, more...)...)
}

// sentence ends text with a full stop.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// Conditions is the evidence of one verdict.
func Conditions(v *claims.Verdict) *Grid {
	g := grid("Conditions", "Condition", "Comparison", "Level", ">Ratio", ">Blocks", "Answer")
	for i := range v.Conditions {
		c := &v.Conditions[i]
		answer := Text(string(c.Verdict))
		if len(c.Gates) > 0 {
			answer += " (gates: " + texts(c.Gates) + ")"
		}
		g.add(Text(c.Group), Text(c.Metric)+", "+Compared(c)+AtLeast(c, v.Margin), Text(record.PlainLevel(c.Level)),
			Effect(c.Ratio.Mid, c.Ratio.Low, c.Ratio.High), fmt.Sprint(c.Blocks), answer)
	}
	return g
}

// Compared names both sides of a condition, each over what it is itself compared with.
func Compared(c *claims.Condition) string {
	side := func(arm, over string) string {
		if over != "" {
			return "(" + Text(arm) + " over " + Text(over) + ")"
		}
		return Text(arm)
	}
	return side(c.A, c.AOver) + " over " + side(c.B, c.BOver)
}

// Asks says what ratio the condition that decides asks for, where the claim's margin does not say it.
func Asks(v *claims.Verdict) string {
	if h := v.Headline(); h != nil {
		return AtLeast(h, v.Margin)
	}
	return ""
}

// AtLeast says what ratio a condition asks for, where the claim's margin does not say it.
func AtLeast(c *claims.Condition, margin float64) string {
	if c.AtLeast <= 0 || math.Abs(c.AtLeast-1-margin) < 1e-9 {
		return ""
	}
	return ", at least " + Number(c.AtLeast) + "x"
}

// Chain is what the ratio of a claim is made of; it has no rows where the claim has no steps.
func Chain(v *claims.Verdict) *Grid {
	g := grid("What the ratio is made of", "Step", "From", "To", ">Ratio", ">Share")
	ch := v.Chain
	if ch == nil {
		return g
	}
	row := func(name, from, to string, r stats.Interval) {
		share := None
		if ch.Product.Mid > 0 && ch.Product.Mid != 1 && r.Mid > 0 {
			share = Percent(math.Log(r.Mid) / math.Log(ch.Product.Mid))
		}
		g.add(Text(name), from, to, Effect(r.Mid, r.Low, r.High), share)
	}
	for i := range v.Conditions {
		c := &v.Conditions[i]
		row(c.Group, Text(c.A), Text(c.B), c.Ratio)
	}
	a, b := Text(ch.Whole.A), Text(ch.Whole.B)
	row("the product of the steps", a, b, ch.Product)
	row("the whole, measured by itself", a, b, ch.Whole.Ratio)
	row("not explained by the steps", "", "", ch.Unexplained)
	g.note("Share: the logarithm of the ratio as a share of the product's. Shares add up, ratios multiply; a negative share is a step in the other direction.")
	switch {
	case ch.Reason != "":
		g.note("Whether the steps explain the whole cannot be told: " + Text(ch.Reason) + ".")
	case ch.Closes:
		g.note("The steps explain the whole: what remains does not differ from 1.")
	default:
		g.note("The steps do not explain the whole: what remains differs from 1.")
	}
	return g
}

// Facts is the evidence of one fact check.
func Facts(v *claims.Verdict) *Grid {
	g := grid("", "Condition", "Arm", "Asked", "The claim says", "Found")
	for _, f := range v.Facts {
		found := Text(f.Found)
		if found == "" {
			found = None
		}
		g.add(Text(f.Group), Text(f.Arm), Text(f.Field), Text(f.Want), found)
	}
	return g
}

// starts is what each arm took before any load.
func starts(d *report.Document) *Grid {
	g := grid("Start-up and idle", "Arm", ">Start-up ms", ">Memory MiB", ">Thr", ">Procs", ">Starts", ">Failed", "Warm-up")
	for i := range d.Starts {
		s := &d.Starts[i]
		if d.Arm(s.Arm).Role != report.Competitor {
			continue
		}
		g.add(Text(s.Arm), PlusMinus(s.Startup, Milliseconds), PlusMinus(s.Memory, Mebibytes),
			fmt.Sprint(s.Threads), fmt.Sprint(s.Processes), fmt.Sprint(s.Trials), fmt.Sprint(s.Failed), warmUps(s))
		if len(s.WarmUps) > 0 {
			g.note("warm-up: by change points of the throughput; what has no steady state was measured all the same")
		}
	}
	return g
}

// warmUps says what the starts' warm-ups came to: "7 flat, 1 warm-up".
func warmUps(s *report.Start) string {
	if len(s.WarmUps) == 0 {
		return None
	}
	var parts []string
	for _, c := range s.WarmUps {
		parts = append(parts, fmt.Sprintf("%d %s", c.Count, c.Label))
	}
	return Text(strings.Join(parts, ", "))
}

// noise is the A/A comparison: the same server under two names.
func noise(d *report.Document) *Grid {
	g := grid("A/A noise: an arm entered twice, ratio of the replicate to the arm", "Level", "Replicate", ">Throughput", ">p50", ">p99", ">CPU/req")
	for i := range d.Noise {
		n := &d.Noise[i]
		if i == 0 || d.Noise[i-1].Level != n.Level || d.Noise[i-1].Replicate != n.Replicate { // the metrics of a row follow one another
			g.add(n.Level, Text(n.Replicate), None, None, None, None)
		}
		row := g.Rows[len(g.Rows)-1]
		col := slices.Index([]string{"throughput", "p50", "p99", "cpu"}, n.Metric) + 2
		row[col] = PlusMinus(&n.Ratio, Ratio)
		if strings.Contains(row[col], "×÷") {
			g.note(noteWide)
		}
	}
	g.note("1 is no difference; both starts count for the arm, and every interval between arms has this noise in it already")
	return g
}

// fits are the scalability laws: what each more connection or worker costs.
func fits(d *report.Document) *Grid {
	g := grid("Scalability (Universal Scalability Law): X(N) = λN / (1 + σ(N-1) + κN(N-1))",
		"Arm", "Over", ">λ, req/s", ">σ (contention)", ">κ (coherence)", ">Peak at N", ">Misfit")
	for i := range d.Fits {
		f := &d.Fits[i]
		name := Text(f.Arm)
		if f.Bound {
			name = "≥ " + name
			g.note(noteBound)
		}
		peak := "none in the range"
		if f.Law.HasPeak {
			peak = fmt.Sprintf("%s [%s, %s]", Number(f.Law.USL.Peak()), Number(f.Law.Peak.Low), Number(f.Law.Peak.High))
		}
		between := func(mid float64, i stats.Interval) string {
			return fmt.Sprintf("%s [%s, %s]", tiny(mid), tiny(i.Low), tiny(i.High))
		}
		g.add(name, f.Over, between(f.Law.USL.Lambda, f.Law.Lambda), between(f.Law.USL.Sigma, f.Law.Sigma),
			between(f.Law.USL.Kappa, f.Law.Kappa), peak, Percent(f.Law.Misfit))
	}
	if len(g.Rows) > 0 {
		g.note("σ is the share of the work that queues for one resource, κ what each pair of connections or workers costs; a peak is named where κ's interval excludes 0 and it lies in the range tested")
	}
	return g
}

// tiny writes coefficients that may be far below 1.
func tiny(v float64) string {
	if v > 0 && v < 1e-3 {
		return fmt.Sprintf("%.2g", v)
	}
	return Number(v)
}

// rankings has a row for all levels with the same order: who is where, ties told.
func rankings(d *report.Document) *Grid {
	g := grid("Ranking: arms share a place unless their ratio, block by block, differs from 1 by more than chance (95%)", "Levels", "Route", "By", "Places")
	g.note("2-5: a place from 2 to 5; arms that were not measured in the same blocks cannot be told apart")
	for i := range d.Rankings {
		r := &d.Rankings[i]
		if len(r.Unranked) > 0 || slices.ContainsFunc(r.Places, func(p report.Place) bool { return p.Gated }) {
			g.note(noteGate)
		}
		route := Text(r.Route)
		if r.Beside {
			route += " alongside other work"
		}
		row := []string{r.Level, route, r.Metric, rankingLine(r)}
		if n := len(g.Rows) - 1; n >= 0 && slices.Equal(g.Rows[n][1:], row[1:]) {
			g.Rows[n][0] += ", " + r.Level
			continue
		}
		g.add(row...)
	}
	return g
}

// versions is the machine, as far as it matters, and what ran on it.
func versions(d *report.Document) *Grid {
	e := &d.Environment
	g := &Grid{Keys: 1, Head: []string{"What", "Value"}, Right: []bool{false, false}}
	add := func(name, value string) {
		if value != "" {
			g.Rows = append(g.Rows, []string{Text(name), Text(value)})
		}
	}
	add("System", e.OS+"/"+e.Arch)
	add("Clock source", e.ClockSource)
	add("Governor", e.Governor)
	if e.OpenFiles > 0 {
		add("Open files", Count(e.OpenFiles))
	}
	for _, k := range slices.Sorted(maps.Keys(e.Settings)) {
		add(k, e.Settings[k])
	}
	for _, k := range slices.Sorted(maps.Keys(e.Sysctls)) {
		add(k, e.Sysctls[k])
	}
	add("hellobench", strings.TrimSpace(d.Asked.Tool+" "+e.Revision))
	add("Go", e.Go)
	for _, s := range d.Servers {
		var versions []string
		for _, k := range slices.Sorted(maps.Keys(s.Versions)) {
			versions = append(versions, k+" "+s.Versions[k])
		}
		add(s.Server, strings.Join(versions, ", "))
	}
	return g
}
