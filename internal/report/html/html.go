// Package html renders a Document as one page that stands alone: it opens
// offline, loads nothing, says so to the browser (Content-Security-Policy),
// can be read without scripts and printed. Its script only adds to what is
// there: it hides arms, sorts the table, shows values and offers the data.
package html

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/plot"
	"github.com/hellobench/hellobench/internal/report/show"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style string

//go:embed script.js
var script string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"text": show.Text, "level": record.PlainLevel, "effect": show.Effect, "percent": show.Percent,
	"machine": show.Machine, "tally": show.Tally, "warnings": show.Warnings, "chance": show.Chance, "choice": show.Choice, "glance": show.Glance,
	"flame": flame, "meaning": show.Meaning, "spans": show.Spans, "parts": (&show.Explainer{}).Parts, "sub": func(a, b float64) float64 { return a - b },
}).Parse(pageText))

// mostPoints bounds what is embedded of the values behind the means: the page
// stays small whatever the number of blocks, and trials.jsonl has them all.
const mostPoints = 600

// head is what the head of each page has.
type head struct {
	Title  string
	Policy string
	Style  template.CSS
}

// policy lets a page have its own style and nothing else.
var policy = fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; style-src '%s'", hash(style))

func newHead(title, policy string) head {
	return head{title, policy, template.CSS(style)} // the style is a constant of this package
}

type view struct {
	head
	Doc       *report.Document
	Script    template.JS
	Sections  []show.Section
	Answers   []answer
	Cards     []card
	Listed    []claims.Verdict // what no measurement can tell
	Forest    []picture        // the answers
	Charts    []picture
	Raw       rawTable
	Arms      []arm            // in any picture
	Trimmed   bool             // values of single blocks were left out of Data
	Data      *report.Document // what can be downloaded
	Confident float64          // percent
}

// picture is a chart as its file has it.
type picture struct {
	Name string
	SVG  template.HTML
}

// arm is an entry of the legend, by the name that the pictures have.
type arm struct {
	Name   string
	Swatch template.HTML
}

// Write renders the page.
func Write(w io.Writer, d *report.Document) error {
	v := &view{
		head: newHead(show.Text(d.Heading()), fmt.Sprintf("%s; script-src '%s'", policy, hash(script))),
		Doc:  d, Script: template.JS(script), // a constant of this package
		Sections: show.Sections(d), Answers: answers(d), Raw: raw(d), Confident: 100 * report.Confidence,
	}
	for _, verdict := range d.Verdicts {
		if verdict.Kind == claims.NotMeasurable {
			v.Listed = append(v.Listed, verdict)
			continue
		}
		v.Cards = append(v.Cards, newCard(verdict))
	}
	for i := range d.Charts {
		var svg bytes.Buffer
		if err := plot.Write(&svg, d, &d.Charts[i], "svg"); err != nil {
			return err
		}
		p := picture{d.Charts[i].Name, template.HTML(svg.String())} // it escapes its texts
		if d.Charts[i].Quantity == report.OfAnswers {
			v.Forest = append(v.Forest, p)
			continue
		}
		v.Charts = append(v.Charts, p)
	}
	v.Arms = drawn(d.Charts)
	v.Data, v.Trimmed = trim(d)
	return execute(w, page, v)
}

// execute writes a page from a copy of its template, for each page explains a term once.
func execute(w io.Writer, page *template.Template, view any) error {
	mine, err := page.Clone()
	if err != nil {
		return err
	}
	return mine.Funcs(template.FuncMap{"parts": (&show.Explainer{}).Parts}).Execute(w, view)
}

// flame is a flame graph as its file has it.
func flame(e *report.Explained) (template.HTML, error) {
	var svg bytes.Buffer
	err := e.Flame(&svg)
	return template.HTML(svg.String()), err // it escapes its texts
}

// drawn are the arms in the charts, each once.
func drawn(charts []report.Chart) (out []arm) {
	for i := range charts {
		if charts[i].Quantity == report.OfAnswers {
			continue
		}
		for _, s := range charts[i].Series {
			if a := (arm{show.Text(s.Name()), template.HTML(plot.Swatch(s.Style))}); !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

// hash is how a policy names an inline element that may stand there.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// trim leaves out what the pictures show, and the values of single blocks where there are too many.
func trim(d *report.Document) (*report.Document, bool) {
	n := 0
	for i := range d.Cells {
		n += len(d.Cells[i].Points)
	}
	small := *d
	small.Charts = []report.Chart{}
	if n <= mostPoints {
		return &small, false
	}
	small.Cells = slices.Clone(d.Cells)
	for i := range small.Cells {
		small.Cells[i].Points = []report.BlockPoint{}
	}
	small.Starts = slices.Clone(d.Starts)
	for i := range small.Starts {
		small.Starts[i].StartupBlocks, small.Starts[i].MemoryBlocks = []float64{}, []float64{}
	}
	return &small, true
}
