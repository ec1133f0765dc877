package html

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/plot"
	"github.com/hellobench/hellobench/internal/report/show"
)

//go:embed trend.html
var trendText string

var trendPage = template.Must(template.Must(page.Clone()).New("trend").Parse(trendText))

type trendView struct {
	head
	Trend *report.Trend
	Table *show.Grid
	Lines []trendLine
}

// trendLine is one series, drawn.
type trendLine struct {
	ID, Name string
	Noise    bool
	SVG      template.HTML
}

// WriteTrend renders the page of a trend. Like a report's it loads nothing.
func WriteTrend(w io.Writer, t *report.Trend) error {
	v := &trendView{head: newHead(fmt.Sprintf("Trend over %d runs", len(t.Runs)), policy), Trend: t, Table: show.Trend(t)}
	for i := range t.Series {
		s := &t.Series[i]
		name := show.Text(s.Arm + " over " + s.Over + " at " + s.Level)
		v.Lines = append(v.Lines, trendLine{fmt.Sprint("series-", i), name, s.Noise, template.HTML(plot.Trend(t, s, name))}) // it escapes its texts
	}
	return execute(w, trendPage, v)
}
