package html_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/html"
	"github.com/hellobench/hellobench/internal/report/plot"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

func document(t *testing.T, blocks int) *report.Document {
	t.Helper()
	doc, err := synthetic.Document(synthetic.Run(blocks, false))
	require.NoError(t, err)
	return doc
}

func render(t *testing.T, d *report.Document) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, html.Write(&b, d))
	return b.String()
}

// withoutScript is the page without its own code.
func withoutScript(page string) string { return page[:strings.LastIndex(page, "<script>")] }

func TestPageHoldsWhatTheDocumentSays(t *testing.T) {
	doc := document(t, 8)
	page := render(t, doc)
	for _, v := range doc.Verdicts {
		assert.Contains(t, page, `id="claim-`+v.ID+`"`)
		assert.Contains(t, page, `href="#claim-`+v.ID+`"`)
	}
	assert.Equal(t, len(doc.Verdicts), strings.Count(page, `<details id="claim-`))
	assert.Equal(t, len(doc.Charts), strings.Count(page, "<figure"))
	for _, c := range doc.Charts {
		assert.Contains(t, page, `id="chart-`+c.Name+`"`)
	}
	assert.Contains(t, page, "Cores for 10,000 requests/s")
	assert.Less(t, strings.Index(page, `id="chart-answers"`), strings.Index(page, `id="evidence"`), "the picture of all answers is no further down than they are")
	body := page[strings.Index(page, `id="raw-table"`):]
	assert.Equal(t, len(doc.Cells), strings.Count(body[:strings.Index(body, "</table>")], "<tr>")-1)
	for _, bad := range []string{"NaN", "+Inf", "ZgotmplZ"} {
		assert.False(t, strings.Contains(withoutScript(page), bad), bad)
	}
}

// TestNothingIsLoaded: no address, no style attribute and no handler that the
// policy would have to allow.
func TestNothingIsLoaded(t *testing.T) {
	page := render(t, document(t, 6))
	assert.NotRegexp(t, regexp.MustCompile(`(?i)(src|href|action|data)="?(https?:)?//`), page)
	assert.NotRegexp(t, regexp.MustCompile(`(?i)<(link|img|iframe|object|form|base)[ >]`), page)
	assert.NotRegexp(t, regexp.MustCompile(`<[^>]* (style|on[a-z]+)=`), page)
	assert.Contains(t, page, "default-src &#39;none&#39;")
}

// TestHostileText: what a server or a profile says is text and nothing else.
func TestHostileText(t *testing.T) {
	const evil = `</script><script>alert(1)</script>"'<img src=x onerror=alert(1)>`
	doc := document(t, 3)
	doc.Title, doc.Question, doc.Asked.Description, doc.Asked.Tool = evil, evil, evil, evil
	doc.Cells[0].FirstError = evil
	doc.Arms[0].Name, doc.Notices = evil, []string{evil}
	doc.Charts[0].Series[0].Label, doc.Charts[0].Title, doc.Charts[6].Series[0].Label = evil, evil, evil
	doc.Failures = append(doc.Failures, report.Failure{Arm: evil, Reason: evil})
	doc.Verdicts[0].Reason, doc.Verdicts[0].Conditions[0].Group = evil, evil
	doc.Verdicts = append(doc.Verdicts, claims.Verdict{ID: "x", Kind: claims.FactCheck, Verdict: "never heard of", Paraphrase: evil, Facts: []claims.Found{{Field: evil, Found: evil, Arm: evil}}})
	page := render(t, doc)
	assert.NotContains(t, page, "<script>alert")
	assert.NotContains(t, page, "<img")
	assert.Equal(t, 2, strings.Count(page, "</script>"))
	assert.Contains(t, page, "never heard of", "an answer of a later version has a card, too")
}

func TestEmptyRun(t *testing.T) {
	page := render(t, document(t, 0))
	assert.Contains(t, page, "What the measurement says")
	assert.False(t, strings.Contains(withoutScript(page), "NaN"))
}

// TestDataCanBeTakenAlong, and the page stays small with ten thousand trials.
func TestDataCanBeTakenAlong(t *testing.T) {
	data := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)
	doc := document(t, 4)
	page := render(t, doc)
	doc.Charts = []report.Chart{} // the page has the pictures
	whole, err := json.Marshal(doc)
	require.NoError(t, err)
	assert.JSONEq(t, string(whole), data.FindStringSubmatch(page)[1])

	arms := len(doc.Arms)
	big := document(t, 10_000/arms+1)
	page = render(t, big)
	assert.Less(t, len(page), 2<<20)
	assert.Contains(t, page, "too many for this page")
	assert.NotEmpty(t, big.Cells[0].Points, "the document itself is not trimmed")
}

// TestNothingMeasuredHasNoValue: what is missing sorts and downloads as
// nothing, never as a figure.
func TestNothingMeasuredHasNoValue(t *testing.T) {
	doc := document(t, 4)
	doc.Cells = []report.Cell{{Arm: "a", Level: "c=64"}}
	page := render(t, doc)
	body := page[strings.Index(page, `id="raw-table"`):]
	body = body[:strings.Index(body, "</table>")]
	assert.Equal(t, 16, strings.Count(body, `data-value=""`), "every metric, three times the throughput, and delivered in a closed loop")
	assert.NotContains(t, body, `data-value="-`)
	assert.NotContains(t, body, "&#43;", "a number as other tools write it")
}

// TestTheFirstScreen: the question, every answer with its effect, how sure, on
// what machine, before any evidence; and nothing of the reasons, which follow.
func TestTheFirstScreen(t *testing.T) {
	doc := document(t, 4)
	doc.Question = "Which is faster?"
	doc.Verdicts[0].Flips = "another server altogether"
	doc.Verdicts = append(doc.Verdicts,
		claims.Verdict{ID: "look", Kind: claims.FactCheck, Verdict: claims.Refuted, Paraphrase: "It has one thread.", Facts: []claims.Found{
			{Field: "threads", Found: "1", Holds: true}, {Field: "threads", Found: "7"},
		}},
		claims.Verdict{ID: "people", Kind: claims.NotMeasurable, Verdict: claims.NotTestable, Paraphrase: "People like it.", Reason: "ask them"})
	doc.Verdicts[4].Effect = 17 // not testable, though one of its conditions was
	page := render(t, doc)
	assert.Contains(t, page, "<h1>Which is faster?</h1>")
	assert.Contains(t, page, "<title>Which is faster?</title>")
	assert.Contains(t, page, "Run 20250314-092653-article, profile article. ")
	first, rest, _ := strings.Cut(page, `<section id="evidence"`)
	first = first[strings.Index(first, "<header>"):]
	for _, v := range doc.Verdicts {
		assert.Contains(t, first, `href="#claim-`+v.ID+`"`)
		assert.Contains(t, rest, `id="claim-`+v.ID+`"`)
	}
	for _, want := range []string{"1.02x [0.97, 1.07]", "threads: 7", "4 complete blocks", "AMD EPYC 7B13, 2 cores"} {
		assert.Contains(t, first, want)
	}
	assert.NotContains(t, first, "17.0x")
	assert.NotContains(t, first, "another server altogether")
	assert.Contains(t, rest, "another server altogether")
	assert.Contains(t, rest, "ask them")
	assert.Equal(t, 1, strings.Count(first, `class="warning"`))
	assert.Contains(t, render(t, document(t, 4)), "<h1>Run 20250314-092653-article, profile article</h1>", "a ledger without a question")
}

// TestArmsDiffer in the legend as they do in the pictures, and are called the
// same there, so that it can hide them.
func TestArmsDiffer(t *testing.T) {
	doc := document(t, 2)
	doc.Charts = doc.Charts[1:2] // the first is that of the answers
	c := &doc.Charts[0]
	one := c.Series[0]
	c.Series, c.Kind = nil, "lines"
	for i := range 30 {
		one.Arm, one.Label, one.Style = fmt.Sprint("arm-", i), fmt.Sprint("arm-", i), i
		c.Series = append(c.Series, one)
	}
	page := render(t, doc)
	swatches := regexp.MustCompile(`(?s)<label><input type="checkbox" checked data-arm="([^"]*)">(<svg.*?</svg>)`).FindAllStringSubmatch(page, -1)
	require.Len(t, swatches, 30)
	seen := map[string]bool{}
	for _, l := range swatches {
		assert.False(t, seen[l[2]], "%s", l[0])
		seen[l[2]] = true
		assert.Contains(t, page, `<g class="series" data-arm="`+l[1]+`">`)
		assert.Contains(t, page, `<g class="entry" data-arm="`+l[1]+`">`)
	}
}

// TestPicturesAreThoseOfTheFiles: what the page shows is what can be taken along.
func TestPicturesAreThoseOfTheFiles(t *testing.T) {
	doc := document(t, 3)
	page := render(t, doc)
	for i := range doc.Charts {
		var svg bytes.Buffer
		require.NoError(t, plot.Write(&svg, doc, &doc.Charts[i], "svg"))
		assert.True(t, strings.Contains(page, svg.String()), doc.Charts[i].Name)
	}
}

func TestTrendPage(t *testing.T) {
	var docs []*report.Document
	for i := range 12 {
		doc := document(t, 3)
		doc.Asked.Start = doc.Asked.Start.AddDate(0, 0, i)
		if i >= 5 {
			doc.Environment.CPU = "Another <CPU>"
		}
		if i == 7 {
			for k := range doc.Cells {
				doc.Cells[k].Broken, doc.Cells[k].Gates = 0, []report.GateCount{{Name: record.GateHostNoise, Count: doc.Cells[k].Trials}}
			}
		}
		docs = append(docs, doc)
	}
	tr, err := report.NewTrend(docs, "")
	require.NoError(t, err)
	tr.Series[0].Changes = []report.TrendChange{{Run: 4, Before: 1, After: 2}}
	var b bytes.Buffer
	require.NoError(t, html.WriteTrend(&b, tr))
	page := b.String()
	b.Reset()
	require.NoError(t, html.WriteTrend(&b, tr))
	assert.Equal(t, page, b.String(), "the second page explains its terms as well")
	assert.Equal(t, len(tr.Series), strings.Count(page, "<figure"))
	assert.Contains(t, page, ": from 1.00 to 2.00")
	points := 0
	for _, s := range tr.Series {
		points += len(s.Points)
	}
	assert.Equal(t, points, strings.Count(page, " blocks, "), "a mark a point")
	assert.Contains(t, page, ">2025-03-14</text>")
	assert.Equal(t, len(tr.Series), strings.Count(page, "<title>2025-03-21, 20250314-092653-article: invalid, because"), "the run without figures is shown")
	assert.Contains(t, page, `<p class="small">20250314-092653-article: invalid`)
	lines := 0
	for _, s := range tr.Series {
		if len(s.Points) > 0 {
			lines += 2
		}
	}
	assert.Equal(t, lines, strings.Count(page, `<g class="line">`), "a line for each machine")
	assert.Equal(t, len(tr.Series), strings.Count(page, "<title>the processor changed at"))
	assert.Contains(t, page, "then Another &lt;CPU&gt;")
	assert.False(t, strings.Contains(page, "ZgotmplZ"))
	assert.False(t, strings.Contains(strings.ReplaceAll(page, `xmlns="http://`, ""), "://"))
}
