package html

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

//go:embed index.html
var indexText string

var indexPage = template.Must(template.Must(page.Clone()).New("index").Parse(indexText))

type indexView struct {
	Policy string
	Style  template.CSS
	Trend  string // the page; empty: there is none
	Newest indexRun
	Runs   []indexRun // the newest first
}

// indexRun is a run in a list of runs.
type indexRun struct {
	*report.Document
	Page     string
	Machine  string
	Tally    string
	Warnings []string
}

// WriteIndex renders the first page of a site: the runs, the newest first, with where
// their pages are. Like a report it loads nothing.
func WriteIndex(w io.Writer, docs []*report.Document, pages []string, trend string) error {
	v := &indexView{
		Style: template.CSS(style), Trend: trend, // a constant of this package
		Policy: fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; style-src '%s'", hash(style)),
	}
	for i, d := range docs {
		v.Runs = append(v.Runs, indexRun{d, pages[i], show.Machine(d), show.Tally(d), show.Warnings(d)})
	}
	v.Newest = v.Runs[0]
	return indexPage.Execute(w, v)
}
