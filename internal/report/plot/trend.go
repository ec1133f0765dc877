package plot

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

const (
	trendHeight = 2 * vg.Inch
	trendDates  = 6 // at most
)

// Trend is an SVG of one series of a trend: its ratio over the runs.
func Trend(t *report.Trend, s *report.TrendSerie, title string) string {
	high := 0.0
	for _, p := range s.Points {
		high = max(high, p.Ratio, min(p.High, p.Ratio*report.Bleed))
	}
	pl := newPlot()
	ticks, top := linearTicks(high * 1.02)
	pl.Y.Min, pl.Y.Max = 0, top
	pl.Y.Tick.Marker = plot.ConstantTicks(ticks)
	pl.X.Min, pl.X.Max = -0.5, float64(len(t.Runs))-0.5
	var dates []plot.Tick
	for i := 0; i < len(t.Runs); i += (len(t.Runs) + trendDates - 1) / trendDates {
		dates = append(dates, plot.Tick{Value: float64(i), Label: date(&t.Runs[i])})
	}
	pl.X.Tick.Marker = plot.ConstantTicks(dates)
	l := trendLine{t, s, lookOf(0)}
	if s.Noise {
		l.look = lookOf(3)
	}
	pl.Add(&plotter.Grid{Horizontal: ruled}, l)
	c := newSVG(width, trendHeight, "chart", title)
	canvas := draw.NewCanvas(c, width, trendHeight)
	canvas.SetColor(color.White)
	canvas.Fill(canvas.Path())
	pl.Draw(draw.Crop(canvas, margin, -3*margin, margin, -margin))
	return c.String()
}

// trendLine draws a series of a trend: a line a stretch, an interval a run, and
// what happened between the runs.
type trendLine struct {
	trend  *report.Trend
	series *report.TrendSerie
	look   look
}

// Plot implements plot.Plotter.
func (l trendLine) Plot(c draw.Canvas, pl *plot.Plot) {
	x, y := pl.Transforms(&c)
	rule := func(class string, style draw.LineStyle, before int, title string) vg.Length {
		at := x(float64(before) - 0.5)
		end := group(c, class, "", title)
		c.StrokeLine2(style, at, c.Min.Y, at, c.Max.Y)
		end()
		return at
	}
	small := writing(textSize, muted, text.XLeft, text.YBottom)
	for k, stretch := range l.trend.Stretches {
		if k > 0 {
			rule("pt", draw.LineStyle{Color: muted, Width: vg.Points(1)}, stretch.First, show.NewStretch(l.trend, stretch))
		}
		l.drawStretch(c, pl, k)
	}
	for _, change := range l.series.Changes {
		label := fmt.Sprintf("%s: from %s to %s", date(&l.trend.Runs[change.Run]), show.Number(change.Before), show.Number(change.After))
		at := rule("pt", draw.LineStyle{Color: alarm, Width: vg.Points(1.6), Dashes: dashedTail}, change.Run, label)
		c.FillText(small, vg.Point{X: at + vg.Points(4), Y: c.Max.Y}, label)
	}
	cross := writing(legendSize, alarm, text.XCenter, text.YBottom)
	for i := range l.trend.Runs {
		if state := show.RunState(&l.trend.Runs[i]); state != "" {
			end := group(c, "pt", "", l.runTitle(i)+": "+state)
			c.FillText(cross, vg.Point{X: x(float64(i)), Y: y(0)}, "×")
			end()
		}
	}
}

// drawStretch draws the points of one machine and method.
func (l trendLine) drawStretch(c draw.Canvas, pl *plot.Plot, k int) {
	x, y := pl.Transforms(&c)
	points := l.trend.PointsOf(l.series, k)
	line := make([]vg.Point, len(points))
	for i, p := range points {
		line[i] = vg.Point{X: x(float64(p.Run)), Y: y(p.Ratio)}
	}
	if len(line) > 1 {
		end := group(c, "line", "", "")
		c.StrokeLines(draw.LineStyle{Color: l.look.color, Width: vg.Points(1.6), Dashes: l.look.dashes}, line)
		end()
	}
	bar := draw.LineStyle{Color: l.look.color, Width: vg.Points(1.1)}
	for i, p := range points {
		end := group(c, "pt", "", fmt.Sprintf("%s: %s, %d blocks, %s", l.runTitle(p.Run), show.Effect(p.Ratio, p.Low, p.High), p.Blocks, show.Text(l.trend.Runs[p.Run].Machine)))
		interval(c, bar, line[i].X, y(within(p.Low, &pl.Y)), y(within(p.High, &pl.Y)), pl.Y.Min < p.Low, p.High < pl.Y.Max, true)
		l.look.mark(c, line[i], vg.Points(3.3), false)
		end()
	}
}

func (l trendLine) runTitle(i int) string {
	return date(&l.trend.Runs[i]) + ", " + show.Text(l.trend.Runs[i].ID)
}

func date(r *report.TrendRun) string { return r.Start.UTC().Format("2006-01-02") }
