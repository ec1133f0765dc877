package html

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

//go:embed trend.html
var trendText string

var trendPage = template.Must(template.Must(page.Clone()).New("trend").Parse(trendText))

type trendView struct {
	Trend  *report.Trend
	Policy string
	Style  template.CSS
	Table  *show.Grid
	Lines  []trendLine
}

// trendLine is one series, drawn.
type trendLine struct {
	ID, Name      string
	Noise         bool
	Width, Height float64
	Line          string
	Points        []point
	Changes       []tick
	Method        float64 // where the method in force begins; 0: with the first run
	YTicks        []tick
}

// Geometry of a series.
const (
	trendWidth  = 900
	trendHeight = 120
	trendLeft   = 64
)

// WriteTrend renders the page of a trend. Like a report's it loads nothing.
func WriteTrend(w io.Writer, t *report.Trend) error {
	v := &trendView{
		Trend: t, Style: template.CSS(style), Table: show.Trend(t), // a constant of this package
		Policy: fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; style-src '%s'", hash(style)),
	}
	for i := range t.Series {
		v.Lines = append(v.Lines, newTrendLine(t, &t.Series[i], i))
	}
	return trendPage.Execute(w, v)
}

func newTrendLine(t *report.Trend, s *report.TrendSerie, i int) trendLine {
	l := trendLine{ID: fmt.Sprint("series-", i), Name: show.Text(s.Arm + " over " + s.Over + " at " + s.Level), Noise: s.Noise, Width: trendWidth, Height: trendHeight}
	var values []float64
	for _, p := range s.Points {
		values = append(values, p.Ratio)
	}
	x := scale{low: 0, high: float64(max(len(t.Runs)-1, 1)), from: trendLeft, to: trendWidth - 10}
	y := newScale(values, report.Axis{}, trendHeight-10, 10)
	l.YTicks = y.ticks(show.Number)
	var line []string
	for _, p := range s.Points {
		at := point{X: x.at(float64(p.Run)), Y: y.at(p.Ratio), Title: fmt.Sprintf("%s: %s, %d blocks", show.Text(t.Runs[p.Run].ID), show.Number(p.Ratio), p.Blocks)}
		l.Points = append(l.Points, at)
		line = append(line, fmt.Sprintf("%g,%g", at.X, at.Y))
	}
	if len(line) > 1 {
		l.Line = strings.Join(line, " ")
	}
	for _, c := range s.Changes {
		l.Changes = append(l.Changes, tick{x.at(float64(c.Run) - 0.5), fmt.Sprintf("from %s to %s", show.Number(c.Before), show.Number(c.After))})
	}
	if t.Since > 0 {
		l.Method = x.at(float64(t.Since) - 0.5)
	}
	return l
}
