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
	Ranges        []span // the interval of each point
	Invalid       []tick // runs without figures
	XTicks        []tick // dates
	Changes       []tick
	Stretches     []tick // where a new one begins, and why
	YTicks        []tick
}

// span is a vertical line.
type span struct{ X, From, To float64 }

// Geometry of a series.
const (
	trendWidth  = 900
	trendHeight = 140
	trendBottom = 110
	trendLeft   = 64
	trendDates  = 6 // at most
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
		values = append(values, p.Ratio, p.Low, p.High)
	}
	x := scale{low: 0, high: float64(max(len(t.Runs)-1, 1)), from: trendLeft, to: trendWidth - 10}
	y := newScale(values, report.Axis{}, trendBottom, 10)
	l.YTicks = y.ticks(show.Number)
	every := (len(t.Runs) + trendDates - 1) / trendDates
	for i := range t.Runs {
		r := &t.Runs[i]
		if i%every == 0 {
			l.XTicks = append(l.XTicks, tick{x.at(float64(i)), date(r)})
		}
		if state := show.RunState(r); state != "" {
			l.Invalid = append(l.Invalid, tick{x.at(float64(i)), date(r) + ", " + show.Text(r.ID) + ": " + state})
		}
	}
	for k, stretch := range t.Stretches {
		var line []string
		for _, p := range t.PointsOf(s, k) {
			run := t.Runs[p.Run]
			at := point{X: x.at(float64(p.Run)), Y: y.at(p.Ratio), Title: fmt.Sprintf("%s, %s: %s, %d blocks, %s", date(&run), show.Text(run.ID), show.Effect(p.Ratio, p.Low, p.High), p.Blocks, show.Text(run.Machine))}
			l.Ranges = append(l.Ranges, span{at.X, y.at(p.Low), y.at(p.High)})
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
		l.Changes = append(l.Changes, tick{x.at(float64(c.Run) - 0.5), fmt.Sprintf("%s: from %s to %s", date(&t.Runs[c.Run]), show.Number(c.Before), show.Number(c.After))})
	}
	return l
}

func date(r *report.TrendRun) string { return r.Start.UTC().Format("2006-01-02") }
