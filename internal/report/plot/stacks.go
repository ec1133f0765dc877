package plot

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

// shades are those of a stack's parts, told apart in gray too.
var shades = []color.NRGBA{palette[0], palette[1], {R: 0xcc, G: 0xcc, B: 0xcc, A: 0xff}}

// drawStacks draws one bar an arm, of parts beside one another that each have a length.
func (p *picture) drawStacks(c draw.Canvas) {
	rows := p.fromBelow()
	high := 0.0
	for i := range rows {
		high = max(high, sum(&rows[i]))
	}
	key := writing(legendSize, ink, text.XLeft, text.YCenter)
	at := vg.Point{X: c.Min.X, Y: c.Max.Y - vg.Points(legendHeight/2)}
	for i, part := range report.Parts {
		if !slices.ContainsFunc(rows, func(s series) bool {
			return slices.ContainsFunc(s.Points, func(p report.Point) bool { return int(p.X) == i })
		}) { // the system did not tell it
			continue
		}
		fill(c, shades[i], at.X, at.Y-vg.Points(5), at.X+vg.Points(12), at.Y+vg.Points(5))
		c.FillText(key, vg.Point{X: at.X + vg.Points(17), Y: at.Y + key.FontExtents().Descent}, part)
		at.X += vg.Points(17+22) + key.Width(part)
	}
	p.drawRows(draw.Crop(c, 0, 0, 0, -vg.Points(1.4*legendHeight)), rows, 0, high, stacks{rows})
}

func sum(s *series) (v float64) {
	for _, p := range s.Points {
		v += p.Y.Mid
	}
	return v
}

// stacks draws the rows.
type stacks struct{ rows []series }

// Plot implements plot.Plotter.
func (b stacks) Plot(c draw.Canvas, pl *plot.Plot) {
	x, y := pl.Transforms(&c)
	name := writing(tickSize, ink, text.XRight, text.YCenter)
	for i := range b.rows {
		s := &b.rows[i]
		end := group(c, "series", s.name(), "")
		at := y(float64(i))
		c.FillText(name, vg.Point{X: c.Min.X - nameGap, Y: at + name.FontExtents().Descent}, clip(s.name(), name, 0.45*width))
		from := 0.0
		for k, part := range s.Points {
			endPart := group(c, "pt", "", s.titles[k])
			fill(c, shades[int(part.X)], x(from), at-vg.Points(6), x(from+part.Y.Mid), at+vg.Points(6))
			endPart()
			from += part.Y.Mid
		}
		value := writing(tickSize, ink, text.XLeft, text.YCenter)
		c.FillText(value, vg.Point{X: x(from) + vg.Points(6), Y: at + value.FontExtents().Descent}, show.Number(from))
		end()
	}
}

func fill(c draw.Canvas, shade color.Color, left, bottom, right, top vg.Length) {
	c.SetColor(shade)
	c.Fill(vg.Rectangle{Min: vg.Point{X: left, Y: bottom}, Max: vg.Point{X: right, Y: top}}.Path())
}
