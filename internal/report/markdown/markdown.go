// Package markdown renders a report as one GitHub-flavored Markdown page:
// the answers first, in plain words, then the pictures, then every table, the
// machine and the method. What came from outside cannot become markup. It
// computes no figure.
package markdown

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

// Plots is the folder, relative to the page, in which it expects a picture
// "<chart name>.svg" for every chart.
const Plots = "plots"

// Write renders the whole report.
func Write(w io.Writer, d *report.Document) error {
	var p page
	p.line("# %s", escape(show.Text(d.Heading())))
	if d.Question != "" {
		p.line("%s.", escape(show.Text(d.Title)))
	}
	if warnings := show.Warnings(d); len(warnings) > 0 {
		for i := range warnings {
			warnings[i] = "> **" + escape(warnings[i]) + "**"
		}
		p.line("%s", strings.Join(warnings, "\n>\n"))
	}
	p.verdicts(d)
	p.pictures(d)
	p.results(d)
	p.trust(d)
	p.machine(d)
	p.method(d)
	p.raw(d)
	_, err := w.Write(p.Bytes())
	return err
}

// page collects Markdown, with an empty line between blocks.
type page struct{ bytes.Buffer }

// line writes one block; its arguments must be escaped.
func (p *page) line(format string, args ...any) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	_, _ = fmt.Fprintf(p, format+"\n", args...) // a buffer takes everything
}

func (p *page) verdicts(d *report.Document) {
	if len(d.Verdicts) == 0 {
		return
	}
	p.line("## What the measurement says")
	p.line("%s", escape(show.Tally(d)))
	g := show.Verdicts(d)
	g.Title = ""
	for i := range g.Rows { // the reasons follow below
		g.Rows[i][3] = show.Text(d.Verdicts[i].Paraphrase)
	}
	g.Head[3] = "What the article says, in our words"
	p.grid(g)
	for i := range d.Verdicts {
		p.verdict(&d.Verdicts[i])
	}
}

func (p *page) verdict(v *claims.Verdict) {
	p.line("### %s: %s", escape(show.Text(v.ID)), escape(show.Text(string(v.Verdict))))
	p.line("**The claim:** %s", escape(show.Text(v.Paraphrase)))
	answer := show.Text(string(v.Verdict))
	if m := show.Meaning(v.Verdict); m != "" {
		answer += ": " + m
	}
	p.line("**The answer:** %s.", escape(answer))
	if effect := show.Effect(v.Effect, v.Low, v.High); effect != show.None {
		p.line("**The effect:** %s in the condition that decides, against a margin of %s.",
			escape(effect), escape(show.Percent(v.Margin)))
	}
	if v.Reason != "" {
		p.line("**Why:** %s", escape(show.Text(v.Reason)))
	}
	if v.Flips != "" {
		p.line("**What would flip it:** %s", escape(show.Text(v.Flips)))
	}
	if len(v.Conditions) > 0 {
		g := show.Conditions(v)
		g.Title = ""
		p.grid(g)
	}
	p.grid(show.Facts(v))
}

func (p *page) pictures(d *report.Document) {
	if len(d.Charts) == 0 {
		return
	}
	p.line("## Pictures")
	for _, c := range d.Charts {
		title := strings.NewReplacer("[", "(", "]", ")").Replace(show.Text(c.Title))
		p.line("![%s](%s/%s.svg)", escape(title), Plots, c.Name)
	}
}

func (p *page) results(d *report.Document) {
	p.line("## Results")
	p.grid(show.Rankings(d))
	for _, route := range d.Routes() {
		p.grid(show.Ratios(d, route))
		p.grid(show.Throughput(d, route))
		p.grid(show.Latency(d, route))
		p.grid(show.Resources(d, route))
	}
	p.grid(show.Fits(d))
	p.grid(show.Starts(d))
}

func (p *page) trust(d *report.Document) {
	p.line("## What may be believed")
	p.grid(show.Noise(d))
	p.grid(show.Canary(d))
	if len(d.Noise) == 0 {
		p.line("No A/A pair was measured, so the noise of this machine is not known.")
	}
	if len(d.Gates)+len(d.Blocks.Disturbed) == 0 {
		p.line("No validity gate fired.")
	}
	p.grid(show.Gates(d))
	for _, route := range d.Routes() {
		p.grid(show.Validity(d, route))
	}
	p.grid(show.Failures(d))
	p.grid(show.Missing(d))
	p.grid(show.Blocks(d))
	for _, n := range d.Notices {
		p.line("- %s", escape(show.Text(n)))
	}
}

func (p *page) machine(d *report.Document) {
	p.line("## Machine and versions")
	p.line("%s.", escape(show.Machine(d)))
	p.grid(show.Versions(d))
}

func (p *page) method(d *report.Document) {
	p.line("## How it was measured")
	for _, s := range show.Asked(d) {
		p.line("- %s", escape(s))
	}
	p.line("- The unit is a fresh start of the server; intervals of %.0f%% come from starts in different blocks, never from requests inside one start.",
		report.Confidence*100)
	p.line("- Throughput, CPU, memory and start-up are geometric means with a t interval on the log scale; latency percentiles are medians of the starts' percentiles with an interval between order statistics.")
	p.line("- Latency runs from the intended send; a failed request is an error and never a fast sample.")
	ledger := ""
	if len(d.Verdicts) > 0 {
		ledger = fmt.Sprintf("; claims ledger SHA-256 `%s`, fixed before the run", code(d.Asked.ClaimsHash))
	}
	p.line("- Method `%s`%s. Figures compare only within one method.", code(d.Asked.Method), ledger)
}

func (p *page) raw(d *report.Document) {
	p.line("## Raw data")
	answers := ""
	if len(d.Verdicts) > 0 {
		answers = ", the answers in `verdicts.json`"
	}
	p.line("Every start with its histograms stands in `trials.jsonl`, what was asked and the machine in `run.json`" + answers + ", beside this page. `hellobench report` derives this page from them again, bit for bit.")
	when := d.Asked.Start.UTC().Format(time.RFC3339)
	if !d.Asked.End.IsZero() {
		when += " to " + d.Asked.End.UTC().Format(time.RFC3339)
	}
	p.line("Run %s, %s, state: %s.", escape(show.Text(d.Asked.ID)), when, escape(show.Text(string(d.Asked.State))))
}

// grid writes a table with its title and notes; nothing without rows.
func (p *page) grid(g *show.Grid) {
	if len(g.Rows) == 0 {
		return
	}
	if g.Title != "" {
		p.line("### %s", escape(g.Title))
	}
	p.WriteByte('\n')
	row := func(cells []string) {
		for _, c := range cells {
			p.WriteString("| " + escape(c) + " ")
		}
		p.WriteString("|\n")
	}
	row(g.Head)
	for _, right := range g.Right {
		if right {
			p.WriteString("| ---: ")
		} else {
			p.WriteString("| --- ")
		}
	}
	p.WriteString("|\n")
	for _, r := range g.Rows {
		row(r)
	}
	for _, n := range g.Notes {
		p.line("<sub>%s</sub>", escape(n))
	}
}

// escape keeps text from being markup, links, mentions or HTML.
func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '@':
			b.WriteString("&#64;") // no mention of a user
		case strings.ContainsRune("\\`*_[]|~$", r),
			i == 0 && strings.ContainsRune("#+-", r) && s != show.None,
			r == '!' && strings.HasPrefix(s[i+1:], "["):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == ':' && strings.HasPrefix(s[i:], "://"):
			b.WriteString("&#58;") // no link of its own
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "www.", "www&#46;")
}

// code is text for a code span, which knows no escapes.
func code(s string) string {
	if s = strings.ReplaceAll(show.Text(s), "`", "'"); s == "" {
		return show.None
	}
	return s
}

// Comparison renders how one run stands to another, for a comment on a change.
// What is no news is folded.
func Comparison(w io.Writer, c *report.Comparison) error {
	var p page
	summary := show.Summary(c)
	p.line("**%s** %s", escape(summary[0]), escape(strings.Join(summary[1:], " ")))
	for _, s := range c.Warnings {
		p.line("> %s", escape(show.Text(s)))
	}
	news, rest := show.News(c)
	p.grid(show.Comparison(news))
	if len(rest.Rows) > 0 {
		p.line("<details><summary>%d figures that are no news</summary>", len(rest.Rows))
		p.grid(show.Comparison(rest))
		p.line("</details>")
	}
	_, err := w.Write(p.Bytes())
	return err
}
