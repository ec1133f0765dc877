package plot

import (
	"fmt"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/sample"
)

// picture is a chart with everything around it, laid out from the top: title,
// warnings, how to read it, legend; the chart; the caption at the bottom.
type picture struct {
	chart    *report.Chart
	unit     show.Unit
	series   []series
	title    []string
	warnings []string
	reading  []string
	legend   [][]entry
	caption  []string
	height   vg.Length
}

// series is what of a report.Series can be drawn, in the unit of the picture.
type series struct {
	report.Series
	look   look
	hollow bool
	dashes []vg.Length
	titles []string // what each point says when asked
}

// entry is one sample of the legend.
type entry struct {
	label string
	arm   string
	look  look
}

const (
	margin     = 0.16 * vg.Inch
	titleSize  = 14
	textSize   = 10
	legendSize = 11
	tickSize   = 11
	sampleSize = 26 // points of line in front of a legend label
)

func newPicture(d *report.Document, chart *report.Chart) *picture {
	p := &picture{chart: chart, unit: unitOf(chart)}
	for _, s := range chart.Series {
		if s := p.drawable(s); len(s.Points) > 0 {
			p.series = append(p.series, s)
		}
	}
	usable := width - 2*margin
	p.title = fold(show.Text(chart.Title), writing(titleSize, ink, text.XLeft, text.YTop), usable)
	small := writing(textSize, muted, text.XLeft, text.YTop)
	p.warnings = fold(strings.Join(urgent(d), " "), small, usable)
	p.reading = fold(p.howToRead(), small, usable)
	p.caption = fold(show.Caption(d), small, usable)
	p.legend = p.entries(usable)
	body := 4.1 * vg.Inch
	if chart.Kind != "lines" {
		body = vg.Length(0.34*float64(max(len(p.series), 2))+0.65) * vg.Inch
		if chart.Kind == "stacks" {
			body += vg.Points(1.4 * legendHeight)
		}
	}
	p.height = p.above() + body + p.below()
	return p
}

// urgent are the warnings that a picture repeats.
func urgent(d *report.Document) []string {
	var out []string
	if !d.Quotable {
		out = append(out, "QUICK LOOK, NOT FOR QUOTING.")
	}
	if d.Partial {
		out = append(out, "PARTIAL RUN, see the report.")
	}
	if d.Blocks.Provisional {
		out = append(out, "NO COMPLETE BLOCK.")
	}
	return out
}

// unitOf scales so that the largest value has at least one whole digit.
func unitOf(chart *report.Chart) show.Unit {
	top := 0.0
	for _, s := range chart.Series {
		for _, p := range s.Points {
			if finite(p.Y.Mid) {
				top = max(top, p.Y.Mid)
			}
		}
	}
	switch {
	case chart.Y.Unit == sample.Bytes:
		return show.Mebibytes
	case chart.Y.Unit != sample.Seconds:
		return show.Unit{Name: string(chart.Y.Unit), Factor: 1}
	case top < 2e-3:
		return show.Microseconds
	}
	return show.Milliseconds
}

// drawable scales a series and drops what cannot be drawn: what is not finite,
// and on a logarithmic axis what is not above 0.
func (p *picture) drawable(s report.Series) series {
	out := series{Series: s, look: lookOf(s.Style), hollow: s.Variant == report.Tail}
	out.dashes = out.look.dashes
	if s.Variant != "" {
		out.dashes = nil
	}
	if out.hollow {
		out.dashes = dashedTail
	}
	out.Points = nil
	ok := func(v float64) bool { return finite(v) && v >= 0 && (v > 0 || !p.chart.Y.Log) }
	for _, pt := range s.Points {
		f := p.unit.Factor
		e := report.Estimate{
			Mid: pt.Y.Mid * f, Low: pt.Y.Low * f, High: pt.Y.High * f,
			Confidence: pt.Y.Confidence, Blocks: pt.Y.Blocks,
		}
		if !ok(e.Mid) || !finite(pt.X) || p.chart.Kind == "lines" && pt.X <= 0 {
			continue
		}
		if p.chart.Y.Log && e.Low <= 0 && finite(e.Low) {
			e.Low = e.Mid * 1e-9 // the axis cuts it off
		}
		if !ok(e.Low) || !ok(e.High) || e.Low > e.Mid || e.High < e.Mid {
			e.Low, e.High, e.Confidence = e.Mid, e.Mid, 0
		}
		q := report.Point{X: pt.X, Y: e, Bound: pt.Bound, Asks: pt.Asks}
		for _, b := range pt.Blocks {
			if ok(b * f) {
				q.Blocks = append(q.Blocks, b*f)
			}
		}
		out.Points = append(out.Points, q)
		out.titles = append(out.titles, pointTitle(p.chart, &s, &pt))
	}
	out.Curve = nil
	for _, at := range s.Curve {
		if at.Y *= p.unit.Factor; ok(at.Y) && finite(at.X) && at.X > 0 {
			out.Curve = append(out.Curve, at)
		}
	}
	return out
}

// name is what the picture and the legend of a page call the series.
func (s *series) name() string { return show.Text(s.Name()) }

// pointTitle is what a point says when asked.
func pointTitle(c *report.Chart, s *report.Series, p *report.Point) string {
	label := show.InUnit(c.Y.Unit)
	title := s.Arm
	if s.Variant != "" {
		title += ", " + s.Variant
	}
	switch {
	case c.Kind == "dots":
	case c.Kind == "stacks":
		title += ", " + report.Parts[int(p.X)]
	case c.X.Unit == report.Percentiles:
		title += ", " + show.OnAxis(c.X, p.X)
	default:
		title += fmt.Sprintf(", %s %s", strings.ToLower(c.X.Label), show.OnAxis(c.X, p.X))
	}
	unit := ""
	if c.Y.Unit == sample.PerSecond {
		unit = " " + string(c.Y.Unit)
	}
	if p.Y.Confidence == 0 && p.Y.Blocks == 1 {
		return show.Text(fmt.Sprintf("%s: %s%s", title, label(p.Y.Mid), unit))
	}
	title += fmt.Sprintf(": %s%s [%s, %s], %d blocks", label(p.Y.Mid), unit, label(p.Y.Low), label(p.Y.High), p.Y.Blocks)
	if p.Bound {
		title += "; a lower bound"
	}
	return show.Text(title)
}

// howToRead says what mark, bar and line stand for.
func (p *picture) howToRead() string {
	if p.chart.Quantity == report.OfAnswers {
		return "Mark: the ratio in the condition that is hardest for the claim, or where it fails (circle: supported, square: refuted, triangle: depends, diamond: inconclusive). Bar: its interval at the confidence of the whole ledger. Dashed line: no difference. Red stroke: what the claim asks for. Logarithmic scale: equal distances are equal ratios."
	}
	if p.chart.Quantity == report.OfParts {
		return "Bar: geometric means across blocks, beside one another; the first two together are the processor time. With more connections than workers, a thread that waits for a core is no loss: another one answers."
	}
	if p.chart.Quantity == report.OfWindows {
		return "Mark: one window of one server, a fraction of a second. Where all fall together, the machine was slower; only side by side are they compared. One that falls alone had a stall."
	}
	what, center := "geometric mean across blocks", "median of each start's p50"
	if p.chart.Center == "mean" {
		center = "geometric mean of each start's mean"
	}
	switch c := p.chart; {
	case c.Y.Unit != sample.Seconds:
	case c.X.Unit == report.Percentiles:
		what = "median across blocks of each start's percentile; line: all requests of all starts together"
	case c.Kind == "lines":
		what = "across blocks, the " + center + " (filled mark, solid line) and the median of each start's p99 (hollow mark, dashed line)"
	case c.Quantity == report.OfLatency:
		what = "across blocks, the " + center
	}
	weak, bound := false, false
	centers, tails := 0, 0
	for _, s := range p.series {
		switch {
		case s.hollow:
			tails += len(s.Points)
		case s.Variant != "":
			centers += len(s.Points)
		}
		for _, pt := range s.Points {
			weak = weak || show.Weak(&pt.Y)
			bound = bound || pt.Bound
		}
	}
	out := fmt.Sprintf("Mark: %s; bar: %.0f%% interval; faint dot: one start.", what, report.Confidence*100)
	if tails < centers {
		out += " No p99 where a start has too few requests for one."
	}
	if weak {
		out += " Fewer than six blocks: the bar is the range seen."
	}
	if bound {
		out += " Arrow: a lower bound, the generator was the limit."
	}
	if _, low, high := p.extent(); len(p.series) > 0 && p.beyond(low, high) {
		out += " A bar without a cap reaches beyond the chart."
	}
	if p.chart.Y.Log {
		out += " Logarithmic scale: equal distances are equal ratios."
	}
	return out
}

// beyond says whether any interval reaches out of the range of the axis.
func (p *picture) beyond(low, high float64) bool {
	for _, s := range p.series {
		for _, pt := range s.Points {
			if pt.Y.Low < low || pt.Y.High > high {
				return true
			}
		}
	}
	return false
}

// entries are the arms in rows that fit; a chart of dots names them itself.
func (p *picture) entries(usable vg.Length) [][]entry {
	if p.chart.Kind != "lines" {
		return nil
	}
	style := writing(legendSize, ink, text.XLeft, text.YCenter)
	var rows [][]entry
	var seen []string
	x := usable
	for _, s := range p.series {
		if slices.Contains(seen, s.Arm) {
			continue
		}
		seen = append(seen, s.Arm)
		e := entry{label: clip(s.name(), style, 0.8*usable), arm: s.name(), look: s.look}
		if s.Variant != "" {
			e.look.dashes = nil
		}
		need := e.width(style)
		if x+need > usable {
			rows = append(rows, nil)
			x = 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		x += need
	}
	return rows
}

func (e entry) width(style text.Style) vg.Length {
	return vg.Points(sampleSize+6) + style.Width(e.label) + vg.Points(18)
}

const (
	titleHeight  = 1.45 * titleSize
	lineHeight   = 1.3 * textSize
	legendHeight = 1.6 * legendSize
)

func (p *picture) above() vg.Length {
	h := margin + vg.Points(titleHeight*float64(len(p.title))) + vg.Points(lineHeight*float64(len(p.warnings)+len(p.reading)))
	return h + vg.Points(4+legendHeight*float64(len(p.legend))) + vg.Points(6)
}

func (p *picture) below() vg.Length {
	return margin + vg.Points(lineHeight*float64(len(p.caption))) + vg.Points(6)
}

// draw paints the picture; the canvas has its size.
func (p *picture) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Path())
	at := vg.Point{X: c.Min.X + margin, Y: c.Max.Y - margin}
	at = lines(c, writing(titleSize, ink, text.XLeft, text.YTop), at, titleHeight, p.title)
	at = lines(c, writing(textSize, alarm, text.XLeft, text.YTop), at, lineHeight, p.warnings)
	at = lines(c, writing(textSize, muted, text.XLeft, text.YTop), at, lineHeight, p.reading)
	at.Y -= vg.Points(4)
	p.drawLegend(c, at)
	bottom := vg.Point{X: c.Min.X + margin, Y: c.Min.Y + p.below() - vg.Points(6)}
	lines(c, writing(textSize, muted, text.XLeft, text.YTop), bottom, lineHeight, p.caption)
	body := draw.Crop(c, margin, -margin, p.below(), -p.above())
	switch {
	case len(p.series) == 0:
		c.FillText(writing(legendSize, muted, text.XCenter, text.YCenter), body.Center(), "Nothing was measured that could be drawn here.")
	case p.chart.Kind == "dots":
		p.drawDots(body)
	case p.chart.Kind == "stacks":
		p.drawStacks(body)
	default:
		p.drawLines(body)
	}
}

func (p *picture) drawLegend(c draw.Canvas, at vg.Point) {
	style := writing(legendSize, ink, text.XLeft, text.YCenter)
	at.Y -= vg.Points(legendHeight / 2)
	for _, row := range p.legend {
		x := at.X
		for _, e := range row {
			end := group(c, "entry", e.arm, "")
			e.look.sample(c, vg.Point{X: x, Y: at.Y})
			c.FillText(style, vg.Point{X: x + vg.Points(sampleSize+6), Y: at.Y + style.FontExtents().Descent}, e.label)
			end()
			x += e.width(style)
		}
		at.Y -= vg.Points(legendHeight)
	}
}

// lines writes lines below one another and returns where the next would begin.
func lines(c draw.Canvas, style text.Style, at vg.Point, height float64, texts []string) vg.Point {
	for _, s := range texts {
		c.FillText(style, at, s)
		at.Y -= vg.Points(height)
	}
	return at
}

// fold breaks text into lines that are no wider than usable.
func fold(s string, style text.Style, usable vg.Length) []string {
	var out []string
	for _, word := range strings.Fields(s) {
		n := len(out) - 1
		if n >= 0 && style.Width(out[n]+" "+word) <= usable {
			out[n] += " " + word
		} else {
			out = append(out, clip(word, style, usable))
		}
	}
	return out
}

// clip cuts text that is too wide.
func clip(s string, style text.Style, usable vg.Length) string {
	if style.Width(s) <= usable {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && style.Width(string(runes)+"…") > usable {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}
