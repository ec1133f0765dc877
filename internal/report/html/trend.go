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
	Lines         []string // one a stretch
	Points        []point
	Changes       []tick
	Stretches     []tick // where a new one begins, and why
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
	for k, stretch := range t.Stretches {
		var line []string
		for _, p := range t.PointsOf(s, k) {
			run := t.Runs[p.Run]
			at := point{X: x.at(float64(p.Run)), Y: y.at(p.Ratio), Title: fmt.Sprintf("%s: %s, %d blocks, %s", show.Text(run.ID), show.Number(p.Ratio), p.Blocks, show.Text(run.Machine))}
			l.Points = append(l.Points, at)
			line = append(line, fmt.Sprintf("%g,%g", at.X, at.Y))
		}
		if len(line) > 1 {
			l.Lines = append(l.Lines, strings.Join(line, " "))
		}
		if k > 0 {
			l.Stretches = append(l.Stretches, tick{x.at(float64(stretch.First) - 0.5), show.NewStretch(t, stretch)})
		}
	}
	for _, c := range s.Changes {
		l.Changes = append(l.Changes, tick{x.at(float64(c.Run) - 0.5), fmt.Sprintf("from %s to %s", show.Number(c.Before), show.Number(c.After))})
	}
	return l
}
