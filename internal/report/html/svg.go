package html

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/sample"
)

// shapes are the marks of arms, as paths around where they stand. They and
// the classes of style.css are the looks of show.LookOf.
var shapes = [show.Shapes]string{
	"m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
	"m-4.2-4.2h8.4v8.4h-8.4z",
	"m0-5.4l5 8.8h-10z",
	"m0-5.8l5.8 5.8l-5.8 5.8l-5.8-5.8z",
	"m0 5.4l5-8.8h-10z",
	"m-3.2-5.4l3.2 3.2 3.2-3.2 2.2 2.2-3.2 3.2 3.2 3.2-2.2 2.2-3.2-3.2-3.2 3.2-2.2-2.2 3.2-3.2-3.2-3.2z",
	"m-1.7-5.4h3.4v3.7h3.7v3.4h-3.7v3.7h-3.4v-3.7h-3.7v-3.4h3.7z",
}

// arm is how one arm is called and looks.
type arm struct {
	Name  string
	Class string // of color and dash
	Mark  string // a path
}

func newArm(name string, style int) arm {
	l := show.LookOf(style)
	return arm{show.Text(name), fmt.Sprintf("s%d d%d", l.Color, l.Dash), shapes[l.Shape]}
}

// Geometry of a chart, in the units of its viewBox.
const (
	chartWidth  = 640
	marginLeft  = 74
	marginRight = 16
	marginTop   = 12
	marginFoot  = 46
	linesHeight = 360
	rowHeight   = 26
	nameWidth   = 6.8 // of a character of an arm's name in a chart of rows, at most
	mostName    = 54  // characters of a name
)

// mostDots is how many of the values behind a mean are drawn.
const mostDots = 60

// chart is a picture with all its coordinates.
type chart struct {
	Name, Title    string
	Width, Height  float64
	Left, Right    float64 // of the plotting area
	Top, Bottom    float64
	XLabel, YLabel string
	XTicks, YTicks []tick
	Series         []series
	Rows           bool   // one row an arm
	Key            []arm  // of a chart of lines
	Tails          bool   // a line of p99 beside that of the center
	Center         string // of latency: p50 or mean
}

type tick struct {
	At    float64
	Label string
}

type series struct {
	arm
	Line   string // points of a polyline, empty for one point
	Tail   bool   // a p99
	Points []point
	Row    float64 // of a chart of rows
}

type point struct {
	X, Y   float64
	X1, Y1 float64 // of the interval
	X2, Y2 float64
	Dots   []tick // values of single blocks
	Title  string
	Mark   string // a path
}

// scale places values between two coordinates.
type scale struct {
	low, high float64
	from, to  float64
	log       bool
	unit      float64 // ticks are round in multiples of it
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		v, low, high = math.Log(max(v, s.low)), math.Log(low), math.Log(high)
	}
	if high == low {
		return (s.from + s.to) / 2
	}
	at := s.from + (v-low)/(high-low)*(s.to-s.from)
	return math.Round(10*min(max(at, min(s.from, s.to)), max(s.from, s.to))) / 10
}

// newScale covers values, on a linear axis from 0 on.
func newScale(values []float64, axis report.Axis, from, to float64) scale {
	s := scale{from: from, to: to, log: axis.Log, low: math.Inf(1), unit: 1}
	if axis.Unit == "B" {
		s.unit = 1 << 20
	}
	for _, v := range values {
		if v > 0 {
			s.low, s.high = min(s.low, v), max(s.high, v)
		}
	}
	switch {
	case s.high == 0:
		s.low, s.high = 1, 10
	case s.log:
		s.low, s.high = s.low/1.15, s.high*1.15
	default:
		s.low, s.high = 0, s.high*1.05
	}
	return s
}

// ticks are round values inside the scale.
func (s scale) ticks(label func(float64) string) (out []tick) {
	if !s.log {
		step := s.unit * math.Pow(10, math.Floor(math.Log10(s.high/s.unit/3)))
		for _, m := range []float64{1, 2, 5, 10} {
			if s.high/(m*step) <= 6 {
				step *= m
				break
			}
		}
		for i := 0; float64(i)*step <= s.high; i++ {
			out = append(out, tick{s.at(float64(i) * step), label(float64(i) * step)})
		}
		return out
	}
	multiples := logMultiples
	if s.high/s.low > 1e3 {
		multiples = [][]float64{{1}}
	}
	for _, ms := range multiples {
		out = out[:0]
		for decade := math.Floor(math.Log10(s.low)); decade <= math.Log10(s.high); decade++ {
			for _, m := range ms {
				if v := m * math.Pow(10, decade); v >= s.low && v <= s.high {
					out = append(out, tick{s.at(v), label(v)})
				}
			}
		}
		if len(out) >= 3 {
			break
		}
	}
	return out
}

// logMultiples are what ticks stand at in each decade, the coarser the better
// as long as there are three of them.
var logMultiples = [][]float64{{1, 2, 5}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, multiplesBy(0.5), multiplesBy(0.1)}

func multiplesBy(step float64) (out []float64) {
	for m := 1.0; m < 10-step/2; m += step {
		out = append(out, m)
	}
	return out
}

// short takes the zeros behind a round value away: "10.0 ms" is 10 ms.
func short(label string) string {
	value, unit, found := strings.Cut(label, " ")
	if strings.Contains(value, ".") {
		value = strings.TrimRight(strings.TrimRight(value, "0"), ".")
	}
	if found {
		value += " " + unit
	}
	return value
}

// tickLabel writes round values.
func tickLabel(a report.Axis) func(float64) string {
	label := show.InUnit(sample.Unit(a.Unit))
	return func(v float64) string {
		if v == 0 {
			return "0"
		}
		return short(label(v))
	}
}

func newChart(c *report.Chart) chart {
	if c.Kind == "dots" {
		return rowChart(c)
	}
	out := chart{
		Name: c.Name, Title: show.Text(c.Title), Width: chartWidth, Height: linesHeight,
		Left: marginLeft, Right: chartWidth - marginRight, Top: marginTop, Bottom: linesHeight - marginFoot,
		XLabel: axisLabel(c.X), YLabel: axisLabel(c.Y), Center: c.Center,
	}
	xs, ys := extent(c)
	x, y := newScale(xs, c.X, out.Left+14, out.Right-14), newScale(ys, c.Y, out.Bottom, out.Top)
	slices.Sort(xs)
	last := math.Inf(-1)
	for _, v := range slices.Compact(xs) { // the axis is labeled where something was measured
		if at := x.at(v); at-last > 34 {
			out.XTicks = append(out.XTicks, tick{at, show.Place(c.X, v)})
			last = at
		}
	}
	out.YTicks = y.ticks(tickLabel(c.Y))
	for _, s := range c.Series {
		v := series{arm: newArm(s.Name(), s.Style), Tail: s.Variant == "p99"}
		out.Tails = out.Tails || v.Tail
		if !slices.Contains(out.Key, v.arm) {
			out.Key = append(out.Key, v.arm)
		}
		var line []string
		for _, p := range s.Points {
			pt := point{X: x.at(p.X), Y: y.at(p.Y.Mid), X1: x.at(p.X), Y1: y.at(p.Y.Low), X2: x.at(p.X), Y2: y.at(p.Y.High), Mark: v.Mark, Title: title(c, s, p)}
			for _, b := range thinned(p.Blocks) {
				pt.Dots = append(pt.Dots, tick{At: y.at(b)})
			}
			v.Points = append(v.Points, pt)
			line = append(line, fmt.Sprintf("%g,%g", pt.X, pt.Y))
		}
		if len(line) > 1 {
			v.Line = strings.Join(line, " ")
		}
		out.Series = append(out.Series, v)
	}
	return out
}

func rowChart(c *report.Chart) chart {
	out := chart{
		Name: c.Name, Title: show.Text(c.Title), Width: chartWidth, Rows: true,
		Left: 24, Right: chartWidth - marginRight, Top: marginTop, Bottom: marginTop + rowHeight*float64(len(c.Series)),
		XLabel: axisLabel(c.Y),
	}
	out.Height = out.Bottom + marginFoot
	for _, s := range c.Series {
		out.Left = max(out.Left, 24+nameWidth*float64(min(len([]rune(show.Text(s.Name()))), mostName)))
	}
	_, values := extent(c)
	x := newScale(values, c.Y, out.Left+8, out.Right-8)
	last := math.Inf(-1)
	for _, t := range x.ticks(tickLabel(c.Y)) {
		if t.At-last > 58 {
			out.XTicks = append(out.XTicks, t)
			last = t.At
		}
	}
	for i, s := range c.Series {
		row := out.Top + rowHeight*(float64(i)+0.5)
		v := series{arm: newArm(s.Name(), s.Style), Row: row}
		if name := []rune(v.Name); len(name) > mostName {
			v.Name = string(name[:mostName-1]) + "…"
		}
		for _, p := range s.Points {
			pt := point{X: x.at(p.Y.Mid), Y: row, X1: x.at(p.Y.Low), Y1: row, X2: x.at(p.Y.High), Y2: row, Mark: v.Mark, Title: title(c, s, p)}
			for _, b := range thinned(p.Blocks) {
				pt.Dots = append(pt.Dots, tick{At: x.at(b)})
			}
			v.Points = append(v.Points, pt)
		}
		out.Series = append(out.Series, v)
	}
	return out
}

// extent are the values that the axes have to hold. The whisker of an interval
// that reaches beyond ends at the edge.
func extent(c *report.Chart) (xs, ys []float64) {
	for _, s := range c.Series {
		for _, p := range s.Points {
			xs = append(xs, p.X)
			ys = append(append(ys, p.Y.Mid), p.Blocks...)
		}
	}
	return append(xs, c.X.From, c.X.To), append(ys, c.Y.From, c.Y.To)
}

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

func axisLabel(a report.Axis) string {
	label := show.Text(a.Label)
	if a.Unit != "" && a.Unit != "s" && a.Unit != "B" && a.Unit != report.Percentiles { // these stand at the ticks
		label += ", " + a.Unit
	}
	if a.Log && a.Unit != report.Percentiles {
		label += " (log scale)"
	}
	return label
}

// title is what a point says when asked.
func title(c *report.Chart, s report.Series, p report.Point) string {
	label := show.InUnit(sample.Unit(c.Y.Unit))
	text := s.Arm
	if s.Variant != "" {
		text += ", " + s.Variant
	}
	switch {
	case c.Kind == "dots":
	case c.X.Unit == report.Percentiles:
		text += ", " + show.Place(c.X, p.X)
	default:
		text += fmt.Sprintf(", %s %s", strings.ToLower(c.X.Label), show.Place(c.X, p.X))
	}
	unit := ""
	if c.Y.Unit != "s" && c.Y.Unit != "B" {
		unit = " " + c.Y.Unit
	}
	text += fmt.Sprintf(": %s%s [%s, %s], %d blocks", label(p.Y.Mid), unit, label(p.Y.Low), label(p.Y.High), p.Y.Blocks)
	if p.Bound {
		text += "; a lower bound"
	}
	return show.Text(text)
}
