// Package table renders a report as tables for a terminal: as wide as that is, or
// 100 columns where there is none, numbers to the right, no color, and nothing from outside that a
// terminal would obey. It computes no figure.
package table

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

// Width is the longest line where a writer has no width of its own.
const Width = 100

// leastWidth is the width for which a narrower terminal gets its tables.
const leastWidth = 40

// Terminal is a writer with a width, in columns.
type Terminal interface {
	io.Writer
	Columns() int
}

// Columns is how long a line may be that is written to w.
func Columns(w io.Writer) int {
	if t, ok := w.(Terminal); ok {
		return max(t.Columns(), leastWidth)
	}
	return Width
}

// page is what is about to be written.
type page struct {
	bytes.Buffer
	width int
	err   error // the first of drawing a table
}

func newPage(w io.Writer) *page { return &page{width: Columns(w)} }

// to writes the page, unless something of it could not be drawn.
func (b *page) to(w io.Writer) error {
	if b.err != nil {
		return b.err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// gap separates two columns.
const gap = "  "

// onPage are the sections that a terminal has no place for: its head says how and
// where it was measured, its last table what the answers are, and the folder has
// the pictures.
var onPage = []string{show.ClaimsID, show.PicturesID, show.MachineID, show.MethodID, show.RawID}

// Write renders the report.
func Write(w io.Writer, d *report.Document) error {
	b := newPage(w)
	head(b, d)
	for _, section := range show.Sections(d) {
		if slices.Contains(onPage, section.ID) {
			continue
		}
		if section.ID == show.EvidenceID { // in a line a claim
			section.Items = []show.Item{{Texts: []string{show.Tally(d)}}, {Grid: show.Verdicts(d)}}
		}
		for _, item := range section.Items {
			draw(b, item)
		}
	}
	b.WriteByte('\n')
	for _, s := range show.Warnings(d) {
		paragraph(b, "! "+s)
	}
	// The end is what stands on a screen when a run is done.
	render(b, show.Answers(d))
	return b.to(w)
}

// Verdicts renders the answers with their evidence.
func Verdicts(w io.Writer, d *report.Document) error {
	b := newPage(w)
	head(b, d)
	for _, n := range d.Notices {
		paragraph(b, "Note: "+show.Text(n))
	}
	if len(d.Verdicts) > 0 {
		paragraph(b, show.Tally(d))
		render(b, show.Verdicts(d))
	}
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		g := show.Conditions(v)
		g.Title = fmt.Sprintf("%s: %s", show.Text(v.ID), show.Text(v.Paraphrase))
		render(b, g)
		render(b, show.Chain(v))
		render(b, show.Facts(v))
	}
	return b.to(w)
}

// Comparison renders how one run stands to another.
func Comparison(w io.Writer, c *report.Comparison) error {
	b := newPage(w)
	for _, s := range c.Warnings {
		paragraph(b, "! "+show.Text(s))
	}
	render(b, show.Comparison(c))
	b.WriteByte('\n')
	paragraph(b, strings.Join(show.Summary(c), " "))
	return b.to(w)
}

// Trend renders where ratios stand over many runs.
func Trend(w io.Writer, t *report.Trend) error {
	b := newPage(w)
	render(b, show.Trend(t))
	return b.to(w)
}

func head(b *page, d *report.Document) {
	paragraph(b, show.Text(d.Heading()))
	if d.Question != "" {
		paragraph(b, show.Text(d.Title)+".")
	}
	for _, s := range show.Warnings(d) {
		paragraph(b, "! "+s)
	}
	for _, s := range show.Asked(d) {
		paragraph(b, s)
	}
	paragraph(b, show.Machine(d)+".")
	b.WriteByte('\n')
}

// draw writes an item, texts after an empty line.
func draw(b *page, item show.Item) {
	if item.Grid != nil {
		render(b, item.Grid)
		return
	}
	if len(item.Texts) == 0 {
		return // a picture
	}
	if !bytes.HasSuffix(b.Bytes(), []byte("\n\n")) {
		b.WriteByte('\n')
	}
	for _, s := range item.Texts {
		paragraph(b, s)
	}
}

func paragraph(b *page, s string) {
	for _, line := range wrap(s, b.width) {
		b.WriteString(line)
		b.WriteByte('\n')
	}
}

// render writes one grid, split by columns where it is too wide; nothing
// without rows.
func render(b *page, g *show.Grid) {
	if len(g.Rows) == 0 {
		return
	}
	b.WriteByte('\n')
	paragraph(b, g.Title)
	for i, part := range split(g, b.width) {
		if i > 0 {
			b.WriteByte('\n')
		}
		if err := drawTable(b, part); err != nil && b.err == nil {
			b.err = fmt.Errorf("table %q: %w", g.Title, err)
		}
	}
	for _, n := range g.Notes {
		paragraph(b, "  "+n)
	}
}

// drawTable writes one table that fits.
func drawTable(b *page, g *show.Grid) error {
	aligns := make([]tw.Align, len(g.Head))
	for i, right := range g.Right {
		aligns[i] = tw.AlignLeft
		if right {
			aligns[i] = tw.AlignRight
		}
	}
	cell := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Alignment:  tw.CellAlignment{PerColumn: aligns},
		Padding:    tw.CellPadding{Global: tw.Padding{Left: "", Right: gap, Overwrite: true}},
	}
	var out bytes.Buffer
	t := tablewriter.NewTable(&out,
		tablewriter.WithConfig(tablewriter.Config{Header: cell, Row: cell, Behavior: tw.Behavior{TrimSpace: tw.Off}}),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off}},
		})),
	)
	t.Header(g.Head)
	for _, row := range g.Rows {
		if err := t.Append(row); err != nil {
			return err
		}
	}
	if err := t.Render(); err != nil {
		return err
	}
	for line := range strings.Lines(out.String()) {
		b.WriteString(strings.TrimRight(line, " \n"))
		b.WriteByte('\n')
	}
	return nil
}
