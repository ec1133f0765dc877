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

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/explain"
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
	for _, section := range show.Sections(d) {
		p.line("## %s", escape(section.Title))
		for _, item := range section.Items {
			p.item(item)
		}
	}
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

func (p *page) item(item show.Item) {
	switch {
	case item.Verdict != nil:
		p.verdict(item.Verdict)
	case item.Chart != nil:
		title := strings.NewReplacer("[", "(", "]", ")").Replace(show.Text(item.Chart.Title))
		p.line("![%s](%s/%s.svg)", escape(title), Plots, item.Chart.Name)
	case item.Flame != nil:
		p.line("![Flame graph of %s](%s/%s)", escape(show.Text(item.Flame.Arm)), explain.Folder, item.Flame.Picture())
	case item.Grid != nil:
		p.grid(item.Grid)
	case item.Words != nil:
		for _, w := range item.Words {
			p.line("- **%s**: %s", escape(w.Term), escape(w.Meaning))
		}
	default:
		bullet := ""
		if len(item.Texts) > 1 {
			bullet = "- "
		}
		for _, text := range item.Texts {
			p.line("%s%s", bullet, spans(text))
		}
	}
}

// spans writes a text with its parts that are code.
func spans(text string) string {
	var b strings.Builder
	for _, s := range show.Spans(text) {
		if s.Code {
			b.WriteString("`" + s.Text + "`")
		} else {
			b.WriteString(escape(s.Text))
		}
	}
	return b.String()
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
	p.grid(show.Chain(v))
	p.grid(show.Facts(v))
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
