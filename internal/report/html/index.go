package html

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

//go:embed index.html
var indexText string

var indexPage = template.Must(template.Must(page.Clone()).New("index").Parse(indexText))

type indexView struct {
	head
	Trend  string // the page; empty: there is none
	Newest indexRun
	Runs   []indexRun // the newest first
}

// indexRun is a run in a list of runs.
type indexRun struct {
	*report.Document
	Page string
}

// WriteIndex renders the first page of a site: the runs, the newest first, with where
// their pages are. Like a report it loads nothing.
func WriteIndex(w io.Writer, docs []*report.Document, pages []string, trend string) error {
	v := &indexView{head: newHead(show.Text(docs[0].Heading()), policy), Trend: trend}
	for i, d := range docs {
		v.Runs = append(v.Runs, indexRun{d, pages[i]})
	}
	v.Newest = v.Runs[0]
	return execute(w, indexPage, v)
}
