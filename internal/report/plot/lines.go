package plot

import (
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

// drawLines draws one line a series over a logarithmic x axis.
func (p *picture) drawLines(c draw.Canvas) {
	xs, low, high := p.extent()
	left, right := xs[0], xs[len(xs)-1]
	for i := range p.series {
		for _, at := range p.series[i].Curve {
			left, right = min(left, at.X), max(right, at.X)
		}
	}
	if p.chart.X.Unit == report.Percentiles {
		for _, x := range []float64{2, 10, 20, 100, 1000, 10_000} { // p50 to p99.99
			if x < right && !slices.Contains(xs, x) {
				xs = append(xs, x)
			}
		}
		slices.Sort(xs)
	}
	pad := math.Pow(right/left, 0.03)
	if left == right {
		pad = 2
	}
	pl := newPlot()
	if p.chart.Quantity == report.OfWindows { // time runs evenly
		ticks, _ := linearTicks(right)
		pl.X.Min, pl.X.Max = 0, right*1.02
		pl.X.Tick.Marker = plot.ConstantTicks(slices.DeleteFunc(ticks, func(t plot.Tick) bool { return t.Value > pl.X.Max }))
	} else {
		pl.X.Scale = plot.LogScale{}
		pl.X.Min, pl.X.Max = left/pad, right*pad
		pl.X.Tick.Marker = plot.ConstantTicks(levelTicks(xs, pl.X.Min, pl.X.Max, 0.06, func(v float64) string { return show.OnAxis(p.chart.X, v) }))
	}
	p.scaleY(&pl.Y, low, high)
	c = labels(c, axisLabel(p.chart.X.Label, string(p.chart.X.Unit), p.chart.X.Log && p.chart.X.Unit != report.Percentiles), axisLabel(p.chart.Y.Label, p.unit.Name, p.chart.Y.Log))
	pl.Add(&plotter.Grid{Horizontal: ruled})
	arms := p.arms()
	for i := range p.series {
		s := &p.series[i]
		pl.Add(line{s, dodge(slices.Index(arms, s.Arm), len(arms))})
	}
	pl.Draw(c)
}

// extent lists the x values in order and the range of the y axis, which is that
// of the chart where it asks for one.
func (p *picture) extent() (xs []float64, low, high float64) {
	drawn := make([]report.Series, len(p.series))
	for i := range p.series {
		drawn[i] = p.series[i].Series
	}
	xs, low, high = report.Extent(drawn)
	if x := p.chart.X; len(xs) > 0 && x.From > 0 && finite(x.To) {
		xs = append(xs, x.From, x.To)
		slices.Sort(xs)
		xs = slices.Compact(xs)
	}
	if y := p.chart.Y; y.From > 0 && finite(y.To) {
		low, high = min(low, y.From*p.unit.Factor), max(high, y.To*p.unit.Factor)
	}
	return xs, low, high
}

// scaleY sets up the axis of the values, logarithmic or from 0.
func (p *picture) scaleY(a *plot.Axis, low, high float64) {
	if p.chart.Y.Log {
		a.Scale = plot.LogScale{}
		a.Min, a.Max = logRange(low, high)
		a.Tick.Marker = plot.ConstantTicks(logTicks(a.Min, a.Max))
	} else {
		ticks, top := linearTicks(high * 1.02) // so that a mark does not lie on the edge
		a.Min, a.Max = 0, top
		a.Tick.Marker = plot.ConstantTicks(ticks)
	}
}

func axisLabel(name, unit string, log bool) string {
	var notes []string
	switch unit {
	case "":
	case string(report.Percentiles):
		notes = append(notes, "each step leaves out less of the slowest")
	default:
		notes = append(notes, unit)
	}
	if log {
		notes = append(notes, "log scale")
	}
	if len(notes) == 0 {
		return name
	}
	return name + " (" + strings.Join(notes, ", ") + ")"
}

// labels writes the axis labels, the vertical one upright above its axis, and
// returns what is left for the chart. gonum's own labels would be rotated, and
// on a logarithmic axis it leaves room for them at the wrong place.
func labels(c draw.Canvas, x, y string) draw.Canvas {
	c.FillText(writing(tickSize, ink, text.XCenter, text.YBottom), vg.Point{X: c.Center().X, Y: c.Min.Y}, x)
	top := 0.0
	if y != "" {
		c.FillText(writing(tickSize, ink, text.XLeft, text.YTop), vg.Point{X: c.Min.X, Y: c.Max.Y}, y)
		top = 2.1 * tickSize
	}
	return draw.Crop(c, 0, 0, vg.Points(1.15*tickSize), -vg.Points(top))
}

func (p *picture) arms() []string {
	var arms []string
	for _, s := range p.series {
		if !slices.Contains(arms, s.Arm) {
			arms = append(arms, s.Arm)
		}
	}
	return arms
}

// dodge moves the marks of arms sideways so that equal values stay visible.
func dodge(i, n int) vg.Length {
	step := min(2.4, 14/float64(max(n, 1)))
	return vg.Points(step * (float64(i) - float64(n-1)/2))
}

func newPlot() *plot.Plot {
	pl := plot.New()
	pl.BackgroundColor = nil
	for _, a := range []*plot.Axis{&pl.X, &pl.Y} {
		a.Tick.Label.Font = writing(tickSize, ink, 0, 0).Font
		a.Tick.Label.Color = ink
		a.Tick.Length = vg.Points(5)
		a.Padding = 0
	}
	return pl
}

// ruled is the style of the faint rules at the labeled ticks of the value axis.
var ruled = draw.LineStyle{Color: rule, Width: vg.Points(0.6)}

// line draws one series.
type line struct {
	*series
	shift vg.Length
}

// Plot implements plot.Plotter.
func (l line) Plot(c draw.Canvas, pl *plot.Plot) {
	x, y := pl.Transforms(&c)
	defer group(c, "series", l.name(), "")()
	pts := make([]vg.Point, len(l.Points))
	for i, p := range l.Points {
		pts[i] = vg.Point{X: x(p.X) + l.shift, Y: y(p.Y.Mid)}
	}
	for i, p := range l.Points {
		for _, b := range thinned(p.Blocks) {
			dot(c, l.look, vg.Point{X: pts[i].X, Y: y(b)})
		}
	}
	curve := pts
	if len(l.Curve) > 0 {
		curve = make([]vg.Point, len(l.Curve))
		for i, p := range l.Curve {
			curve[i] = vg.Point{X: x(p.X), Y: y(p.Y)}
		}
	}
	c.StrokeLines(draw.LineStyle{Color: l.look.color, Width: vg.Points(1.6), Dashes: l.dashes}, curve)
	bar := draw.LineStyle{Color: l.look.color, Width: vg.Points(1.1)}
	for i, p := range l.Points {
		if p.Y.Confidence > 0 {
			interval(c, bar, pts[i].X, y(within(p.Y.Low, &pl.Y)), y(within(p.Y.High, &pl.Y)), pl.Y.Min < p.Y.Low, p.Y.High < pl.Y.Max, true)
		}
		if p.Bound {
			arrow(c, bar, pts[i], vg.Point{Y: vg.Points(15)})
		}
		end := group(c, "pt", "", l.titles[i])
		l.look.mark(c, pts[i], vg.Points(3.3), l.hollow)
		end()
	}
}

// mostDots is how many of the starts behind a mark are drawn.
const mostDots = 40

// thinned takes at most mostDots values, evenly.
func thinned(values []float64) []float64 {
	if len(values) <= mostDots {
		return values
	}
	out := make([]float64, mostDots)
	for i := range out {
		out[i] = values[i*len(values)/mostDots]
	}
	return out
}

// within keeps a value on the axis.
func within(v float64, a *plot.Axis) float64 { return min(max(v, a.Min), a.Max) }

// interval draws a bar from low to high at a place of the other axis, with a
// cap at each end that lies on the chart.
func interval(c draw.Canvas, style draw.LineStyle, at, low, high vg.Length, lowCap, highCap, upright bool) {
	reach := vg.Points(3)
	stroke := func(a0, v0, a1, v1 vg.Length) {
		if upright {
			c.StrokeLine2(style, a0, v0, a1, v1)
		} else {
			c.StrokeLine2(style, v0, a0, v1, a1)
		}
	}
	stroke(at, low, at, high)
	if lowCap {
		stroke(at-reach, low, at+reach, low)
	}
	if highCap {
		stroke(at-reach, high, at+reach, high)
	}
}

// dot is one start.
func dot(c draw.Canvas, l look, at vg.Point) {
	var path vg.Path
	r := vg.Points(1.7)
	path.Move(vg.Point{X: at.X + r, Y: at.Y})
	path.Arc(at, r, 0, 2*math.Pi)
	path.Close()
	c.SetColor(l.faint())
	c.Fill(path)
}

// arrow says that the true value lies in its direction.
func arrow(c draw.Canvas, style draw.LineStyle, from, along vg.Point) {
	tip := from.Add(along)
	c.StrokeLine2(style, from.X, from.Y, tip.X, tip.Y)
	for _, side := range []vg.Length{-1, 1} {
		barb := tip.Sub(along.Scale(0.3)).Add(vg.Point{X: along.Y, Y: along.X}.Scale(0.2 * side))
		c.StrokeLine2(style, tip.X, tip.Y, barb.X, barb.Y)
	}
}

// drawDots draws one row an arm, in the order of the chart from the top.
func (p *picture) drawDots(c draw.Canvas) {
	rows := p.fromBelow()
	_, low, high := p.extent()
	layers := []plot.Plotter{dots{rows, p.chart.Quantity == report.OfAnswers}}
	if p.chart.Quantity == report.OfAnswers {
		layers = slices.Insert(layers, 0, plot.Plotter(asked{rows}))
	}
	p.drawRows(c, rows, low, high, layers...)
}

// fromBelow are the series of a chart of rows: the first is the topmost.
func (p *picture) fromBelow() []series {
	rows := slices.Clone(p.series)
	slices.Reverse(rows)
	return rows
}

// nameGap is between the name of a row and the chart.
const nameGap = vg.Length(6)

// drawRows draws a chart of one row an arm, with room for a value at its right.
func (p *picture) drawRows(c draw.Canvas, rows []series, low, high float64, layers ...plot.Plotter) {
	pl := newPlot()
	p.scaleY(&pl.X, low, high)
	pl.Y.Min, pl.Y.Max = -0.6, float64(len(rows))-0.4
	pl.HideY()
	style := writing(tickSize, ink, text.XRight, text.YCenter)
	names := vg.Length(0)
	for i := range rows {
		names = max(names, style.Width(clip(rows[i].name(), style, 0.45*width)))
	}
	pl.Add(&plotter.Grid{Vertical: ruled})
	pl.Add(layers...)
	c = labels(c, axisLabel(p.chart.Y.Label, p.unit.Name, p.chart.Y.Log), "")
	pl.Draw(draw.Crop(c, names+nameGap, -vg.Points(58), 0, 0))
}

// asked draws what the claims ask for, and where there is no difference.
type asked struct{ rows []series }

// Plot implements plot.Plotter.
func (a asked) Plot(c draw.Canvas, pl *plot.Plot) {
	x, y := pl.Transforms(&c)
	one := draw.LineStyle{Color: muted, Width: vg.Points(1), Dashes: []vg.Length{vg.Points(4), vg.Points(3)}}
	c.StrokeLine2(one, x(1), c.Min.Y, x(1), c.Max.Y)
	for i := range a.rows {
		asks := a.rows[i].Points[0].Asks
		if asks < pl.X.Min || asks > pl.X.Max {
			continue
		}
		at := y(float64(i))
		c.StrokeLine2(draw.LineStyle{Color: alarm, Width: vg.Points(1.6)}, x(asks), at-vg.Points(8), x(asks), at+vg.Points(8))
	}
}

// dots draws the rows of a chart of dots.
type dots struct {
	rows    []series
	aligned bool // the values stand below one another at the right, where they cross no line
}

// Plot implements plot.Plotter.
func (d dots) Plot(c draw.Canvas, pl *plot.Plot) {
	x, y := pl.Transforms(&c)
	name := writing(tickSize, ink, text.XRight, text.YCenter)
	for i := range d.rows {
		s := &d.rows[i]
		p := s.Points[0]
		end := group(c, "series", s.name(), "")
		c.FillText(name, vg.Point{X: c.Min.X - nameGap, Y: y(float64(i)) + name.FontExtents().Descent}, clip(s.name(), name, 0.45*width))
		at := vg.Point{X: x(p.Y.Mid), Y: y(float64(i))}
		right := at.X
		for _, b := range thinned(p.Blocks) {
			dot(c, s.look, vg.Point{X: x(b), Y: at.Y + vg.Points(6)})
			right = max(right, x(b))
		}
		if p.Y.Low < p.Y.High {
			bar := draw.LineStyle{Color: s.look.color, Width: vg.Points(1.6)}
			hi := x(within(p.Y.High, &pl.X))
			interval(c, bar, at.Y, x(within(p.Y.Low, &pl.X)), hi, pl.X.Min < p.Y.Low, p.Y.High < pl.X.Max, false)
			right = max(right, hi)
		}
		endMark := group(c, "pt", "", s.titles[0])
		s.look.mark(c, at, vg.Points(3.6), false)
		endMark()
		if d.aligned {
			right = c.Max.X
		}
		value := writing(tickSize, ink, text.XLeft, text.YCenter)
		c.FillText(value, vg.Point{X: right + vg.Points(9), Y: at.Y + value.FontExtents().Descent}, show.Number(p.Y.Mid))
		end()
	}
}
