package html

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

// styles is how many looks style.css has for arms.
const styles = 7

// Geometry of a chart, in the units of its viewBox.
const (
	chartWidth  = 640
	marginLeft  = 74
	marginRight = 16
	marginTop   = 12
	marginFoot  = 46
	linesHeight = 360
	rowHeight   = 26
	nameWidth   = 230 // of the arms' names in a chart of rows
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
	Rows           bool // one row an arm
}

type tick struct {
	At    float64
	Label string
}

type series struct {
	Arm, Variant string
	Style        int
	Line         string // points of a polyline, empty for one point
	Dashed       bool
	Points       []point
	Row          float64 // of a chart of rows
}

type point struct {
	X, Y   float64
	X1, Y1 float64 // of the interval
	X2, Y2 float64
	Dots   []tick // values of single blocks
	Title  string
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
	steps := []float64{1, 2, 5}
	if s.high/s.low > 1e3 {
		steps = []float64{1}
	}
	for decade := math.Floor(math.Log10(s.low)); decade <= math.Log10(s.high); decade++ {
		for _, m := range steps {
			if v := m * math.Pow(10, decade); v >= s.low && v <= s.high {
				out = append(out, tick{s.at(v), label(v)})
			}
		}
	}
	return out
}

func labeler(a report.Axis) func(float64) string {
	switch a.Unit {
	case "s":
		return func(v float64) string {
			if v == 0 {
				return "0"
			}
			return show.Seconds(v)
		}
	case "B":
		return show.Bytes
	default:
		return show.Number
	}
}

// whole writes a level in full: 4,096 is not 4,100.
func whole(v float64) string {
	if v != math.Trunc(v) {
		return show.Number(v)
	}
	return show.Count(uint64(v))
}

func newChart(c *report.Chart) chart {
	if c.Kind == "dots" {
		return rowChart(c)
	}
	out := chart{
		Name: c.Name, Title: show.Text(c.Title), Width: chartWidth, Height: linesHeight,
		Left: marginLeft, Right: chartWidth - marginRight, Top: marginTop, Bottom: linesHeight - marginFoot,
		XLabel: axisLabel(c.X), YLabel: axisLabel(c.Y),
	}
	var xs, ys []float64
	for _, s := range c.Series {
		for _, p := range s.Points {
			xs = append(xs, p.X)
			ys = append(ys, p.Y.Mid, p.Y.Low, p.Y.High)
			ys = append(ys, p.Blocks...)
		}
	}
	x, y := newScale(xs, c.X, out.Left+14, out.Right-14), newScale(ys, c.Y, out.Bottom, out.Top)
	slices.Sort(xs)
	last := math.Inf(-1)
	for _, v := range slices.Compact(xs) { // the axis is labeled where something was measured
		if at := x.at(v); at-last > 34 {
			out.XTicks = append(out.XTicks, tick{at, whole(v)})
			last = at
		}
	}
	out.YTicks = y.ticks(labeler(c.Y))
	for _, s := range c.Series {
		v := series{Arm: show.Text(s.Arm), Variant: s.Variant, Style: s.Style % styles, Dashed: s.Variant == "p99"}
		var line []string
		for _, p := range s.Points {
			pt := point{X: x.at(p.X), Y: y.at(p.Y.Mid), X1: x.at(p.X), Y1: y.at(p.Y.Low), X2: x.at(p.X), Y2: y.at(p.Y.High), Title: title(c, s, p)}
			for _, b := range sample(p.Blocks) {
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
		Left: nameWidth, Right: chartWidth - marginRight, Top: marginTop, Bottom: marginTop + rowHeight*float64(len(c.Series)),
		XLabel: axisLabel(c.Y),
	}
	out.Height = out.Bottom + marginFoot
	var values []float64
	for _, s := range c.Series {
		for _, p := range s.Points {
			values = append(values, p.Y.Mid, p.Y.Low, p.Y.High)
			values = append(values, p.Blocks...)
		}
	}
	x := newScale(values, c.Y, out.Left+8, out.Right-8)
	last := math.Inf(-1)
	for _, t := range x.ticks(labeler(c.Y)) {
		if t.At-last > 58 {
			out.XTicks = append(out.XTicks, t)
			last = t.At
		}
	}
	for i, s := range c.Series {
		row := out.Top + rowHeight*(float64(i)+0.5)
		v := series{Arm: show.Text(s.Arm), Variant: s.Variant, Style: s.Style % styles, Row: row}
		for _, p := range s.Points {
			pt := point{X: x.at(p.Y.Mid), Y: row, X1: x.at(p.Y.Low), Y1: row, X2: x.at(p.Y.High), Y2: row, Title: title(c, s, p)}
			for _, b := range sample(p.Blocks) {
				pt.Dots = append(pt.Dots, tick{At: x.at(b)})
			}
			v.Points = append(v.Points, pt)
		}
		out.Series = append(out.Series, v)
	}
	return out
}

// sample takes at most mostDots values, evenly.
func sample(values []float64) []float64 {
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
	if a.Unit != "" && a.Unit != "s" && a.Unit != "B" { // these stand at the ticks
		label += ", " + a.Unit
	}
	if a.Log {
		label += " (log scale)"
	}
	return label
}

// title is what a point says when asked.
func title(c *report.Chart, s report.Series, p report.Point) string {
	label := labeler(c.Y)
	text := s.Arm
	if s.Variant != "" {
		text += ", " + s.Variant
	}
	if c.Kind != "dots" {
		text += fmt.Sprintf(", %s %s", strings.ToLower(c.X.Label), whole(p.X))
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

// Geometry of a forest plot's row.
const (
	forestWidth  = 240
	forestHeight = 22
)

// forestRow is one condition of a claim with its interval drawn.
type forestRow struct {
	claims.Cell
	Drawn              bool
	Mid, Low, High     float64 // coordinates
	One                float64
	NoiseLow, NoiseTop float64 // what chance alone does
	Width, Height      float64
}

// forest draws the conditions of one claim on one logarithmic axis.
func forest(cells []claims.Cell) []forestRow {
	reach := 1.5 // the axis is the same to both sides of 1
	far := func(v float64) {
		if v > 0 {
			reach = max(reach, math.Max(v, 1/v))
		}
	}
	const widest = 200 // an interval beyond it says nothing, and would hide the others
	for _, c := range cells {
		far(min(max(c.Ratio.Low, 1.0/widest), widest))
		far(min(max(c.Ratio.High, 1.0/widest), widest))
	}
	x := scale{low: 1 / reach / 1.1, high: reach * 1.1, from: 4, to: forestWidth - 4, log: true}
	rows := make([]forestRow, len(cells))
	for i, c := range cells {
		r := forestRow{Cell: c, Drawn: c.Ratio.Mid > 0, One: x.at(1), Width: forestWidth, Height: forestHeight}
		r.Mid, r.Low, r.High = x.at(c.Ratio.Mid), x.at(c.Ratio.Low), x.at(c.Ratio.High)
		r.NoiseLow, r.NoiseTop = x.at(1), x.at(1)
		if c.Floor > 1 {
			r.NoiseLow, r.NoiseTop = x.at(1/c.Floor), x.at(c.Floor)
		}
		rows[i] = r
	}
	return rows
}
