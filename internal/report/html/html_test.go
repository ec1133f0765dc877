package html_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/html"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

func document(t *testing.T, blocks int) *report.Document {
	t.Helper()
	doc, err := report.Build(synthetic.Run(blocks, false))
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
	assert.Equal(t, len(doc.Verdicts), strings.Count(page, `<article class="card`))
	assert.Equal(t, len(doc.Charts), strings.Count(page, "<figure"))
	for _, c := range doc.Charts {
		assert.Contains(t, page, `id="chart-`+c.Name+`"`)
	}
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
	doc.Title, doc.Asked.Description, doc.Asked.Tool = evil, evil, evil
	doc.Cells[0].FirstError = evil
	doc.Arms[0].Name, doc.Notices = evil, []string{evil}
	doc.Failures = append(doc.Failures, report.Failure{Arm: evil, Reason: evil})
	doc.Verdicts[0].Reason, doc.Verdicts[0].Cells[0].Group = evil, evil
	doc.Verdicts = append(doc.Verdicts, claims.Verdict{ID: "x", Kind: claims.FactCheck, Verdict: "never heard of", Paraphrase: evil, Facts: []claims.Found{{Found: evil, Arm: evil}}})
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
	var got report.Document
	require.NoError(t, json.Unmarshal([]byte(data.FindStringSubmatch(render(t, doc))[1]), &got))
	assert.Equal(t, doc.Cells, got.Cells)

	arms := len(doc.Arms)
	big := document(t, 10_000/arms+1)
	page := render(t, big)
	assert.Less(t, len(page), 2<<20)
	assert.Contains(t, page, "too many for this page")
	require.NoError(t, json.Unmarshal([]byte(data.FindStringSubmatch(page)[1]), &got))
	assert.Equal(t, big.Cells[0].Throughput, got.Cells[0].Throughput)
	assert.NotEmpty(t, big.Cells[0].Points, "the document itself is not trimmed")
}

// TestNothingMeasuredHasNoValue: what is missing sorts and downloads as
// nothing, never as a figure.
func TestNothingMeasuredHasNoValue(t *testing.T) {
	doc := document(t, 4)
	doc.Cells = doc.Cells[:1]
	doc.Cells[0].Throughput, doc.Cells[0].P999 = nil, nil
	page := render(t, doc)
	body := page[strings.Index(page, `id="raw-table"`):]
	body = body[:strings.Index(body, "</table>")]
	assert.Equal(t, 4, strings.Count(body, `data-value=""`), "three of the throughput and p99.9")
	assert.NotContains(t, body, `data-value="-`)
	assert.NotContains(t, body, "&#43;", "a number as other tools write it")
}

// TestCardsSayWhatFlipsThem: on the first screen, not in the evidence alone.
func TestCardsSayWhatFlipsThem(t *testing.T) {
	doc := document(t, 4)
	doc.Verdicts[0].Flips = "another server altogether"
	page := render(t, doc)
	cards := page[strings.Index(page, `<div class="cards">`):strings.Index(page, `<section id="evidence"`)]
	assert.Contains(t, cards, "another server altogether")
}

func TestTrendPage(t *testing.T) {
	var docs []*report.Document
	for i := range 12 {
		doc := document(t, 3)
		doc.Asked.Start = doc.Asked.Start.AddDate(0, 0, i)
		docs = append(docs, doc)
	}
	tr, err := report.NewTrend(docs, "")
	require.NoError(t, err)
	tr.Series[0].Changes = []report.TrendChange{{Run: 4, Before: 1, After: 2}}
	var b bytes.Buffer
	require.NoError(t, html.WriteTrend(&b, tr))
	page := b.String()
	assert.Equal(t, len(tr.Series), strings.Count(page, "<figure"))
	assert.Contains(t, page, "from 1.00 to 2.00")
	assert.False(t, strings.Contains(page, "ZgotmplZ"))
	assert.False(t, strings.Contains(page, "://"))
}
