package show

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/report"
)

// Section is a part of a report under one heading.
type Section struct {
	ID    string // of its anchor
	Title string
	Items []Item
}

// Item is one thing in a section; one of its fields is set.
type Item struct {
	Texts   []string // a paragraph, or a list where they are several; see Spans
	Grid    *Grid    // one with rows
	Chart   *report.Chart
	Verdict *claims.Verdict // an answer with its evidence
	Flame   *report.Explained
	Words   []Word // the terms of this report
}

// The anchors of the sections, in the order of Sections.
const (
	ClaimsID   = "claims"
	EvidenceID = "evidence"
	GlanceID   = "figures"
	PicturesID = "pictures"
	WhyID      = "why"
	ResultsID  = "results"
	TrustID    = "trust"
	MachineID  = "machine"
	MethodID   = "method"
	RawID      = "raw"
	WordsID    = "words"
)

// Sections is the whole report: what it holds, and in which order. Renderers
// walk it. One that has no way to show an item leaves it out and adds none.
func Sections(d *report.Document) []Section {
	var out []Section
	add := func(id, title string, items ...[]Item) {
		s := Section{ID: id, Title: title}
		for _, list := range items {
			s.Items = append(s.Items, list...)
		}
		if len(s.Items) > 0 {
			out = append(out, s)
		}
	}
	if len(d.Verdicts) > 0 {
		add(ClaimsID, "What the measurement says", says(Tally(d)), says(some(choose(d))...), grids("verdicts", ledger(d)), pictures(d, true), grids("glance", Glance(d)))
		add(EvidenceID, "The evidence, claim by claim", evidence(d))
	}
	if len(d.Verdicts) == 0 {
		add(GlanceID, "At a glance", grids("glance", Glance(d)))
	}
	add(PicturesID, "Pictures", pictures(d, false))
	if len(d.Explained) > 0 {
		add(WhyID, "Where the time goes", grids("layers", explained(d)), flames(d))
	}
	add(ResultsID, "Results", grids("ranking", rankings(d)),
		ofRoutes(d, route{"ratios", ratios}, route{"throughput", throughput}, route{"latency", latency}, route{"resources", resources}),
		grids("fits", fits(d)), grids("starts", starts(d)))
	add(TrustID, "What may be believed", trust(d))
	add(MachineID, "Machine and versions", says(Machine(d)+"."), grids("versions", versions(d)))
	add(MethodID, "How it was measured", says(method(d)...))
	add(RawID, "Raw data", raw(d))
	add(WordsID, "Words", []Item{{Words: words(d)}})
	return out
}

// words are those of the glossary that the report may use: where no claim was asked,
// none that is about claims.
func words(d *report.Document) []Word {
	if len(d.Verdicts) > 0 {
		return Glossary()
	}
	return slices.DeleteFunc(slices.Clone(Glossary()), func(w Word) bool {
		return ofClaims.MatchString(w.Term + " " + w.Meaning)
	})
}

var ofClaims = regexp.MustCompile(`[Cc]laim|ledger|verdict|conditions? `)

// some is a list without what is empty.
func some(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}

// says is an item of sentences, none without any.
func says(sentences ...string) []Item {
	if len(sentences) == 0 {
		return nil
	}
	return []Item{{Texts: sentences}}
}

// grids is a table with its anchor, if it has rows.
func grids(id string, g *Grid) []Item {
	if len(g.Rows) == 0 {
		return nil
	}
	g.ID = id
	return []Item{{Grid: g}}
}

// route is a table of one route.
type route struct {
	id   string
	grid func(*report.Document, string) *Grid
}

func ofRoutes(d *report.Document, tables ...route) (out []Item) {
	for i, path := range d.Routes() {
		for _, t := range tables {
			out = append(out, grids(fmt.Sprintf("%s-%d", t.id, i), t.grid(d, path))...)
		}
	}
	return out
}

func evidence(d *report.Document) (out []Item) {
	for i := range d.Verdicts {
		out = append(out, Item{Verdict: &d.Verdicts[i]})
	}
	return out
}

// pictures are those of the answers, or all others.
func pictures(d *report.Document, ofAnswers bool) (out []Item) {
	for i := range d.Charts {
		if ofAnswers == (d.Charts[i].Quantity == report.OfAnswers) {
			out = append(out, Item{Chart: &d.Charts[i]})
		}
	}
	return out
}

// trust is what says how far the figures may be believed.
func trust(d *report.Document) (out []Item) {
	out = append(says(Chance(d)), grids("noise", noise(d))...)
	out = append(out, grids("experiments", experiments(d))...)
	out = append(out, grids("precision", precision(d))...)
	if len(d.Gates) == 0 {
		out = append(out, says("No validity gate fired.")...)
	}
	out = append(out, grids("gates", gates(d))...)
	out = append(out, ofRoutes(d, route{"validity", validity})...)
	for _, list := range [][]Item{grids("failures", failures(d)), grids("missing", missing(d)), grids("blocks", blocks(d))} {
		out = append(out, list...)
	}
	var notices []string
	for _, n := range d.Notices {
		notices = append(notices, "Notice: "+plain(n))
	}
	return append(out, says(notices...)...)
}

func method(d *report.Document) (out []string) {
	for _, s := range Asked(d) {
		out = append(out, plain(s))
	}
	ledger := ""
	if len(d.Verdicts) > 0 {
		ledger = "; claims ledger SHA-256 " + code(d.Asked.ClaimsHash) + ", fixed before the run"
	}
	return append(out,
		fmt.Sprintf("The unit is a fresh start of the server; intervals of %.0f%% come from starts in different blocks, never from requests inside one start.", report.Confidence*100),
		"Throughput, CPU, memory and start-up are geometric means with a t interval on the log scale; latency percentiles are medians of the starts' percentiles with an interval between order statistics.",
		spent(d),
		"Latency runs from the intended send; a failed request is an error and never a fast sample.",
		"Method "+code(d.Asked.Method)+ledger+". Figures compare only within one method.")
}

// spent says how much of the run's time was measuring.
func spent(d *report.Document) string {
	if d.Asked.Inside == 0 {
		return "The run has no end yet."
	}
	return fmt.Sprintf("%.0f%% of the run's time was spent inside windows, their lead-ins and warm-ups.", 100*d.Asked.Inside)
}

func raw(d *report.Document) []Item {
	answers := ""
	if len(d.Verdicts) > 0 {
		answers = ", the answers in `verdicts.json`"
	}
	when := d.Asked.Start.UTC().Format(time.RFC3339)
	if !d.Asked.End.IsZero() {
		when += " to " + d.Asked.End.UTC().Format(time.RFC3339)
	}
	return append(
		says("Every start with its histograms is in `trials.jsonl`, what was asked and the machine in `run.json`"+answers+", next to this page. `hellobench report` derives this page from them again, bit for bit."),
		says(plain(fmt.Sprintf("Run %s, %s, state: %s.", d.Asked.ID, when, d.Asked.State)))...)
}

// Span is a part of a text.
type Span struct {
	Text string
	Code bool // a name or a command as a machine writes it
}

// Spans takes the text of an item apart: what is between two backticks is code.
func Spans(s string) (out []Span) {
	for i, part := range strings.Split(s, "`") {
		if part != "" {
			out = append(out, Span{Text: part, Code: i%2 == 1})
		}
	}
	return out
}

// plain is text from outside without what would be code.
func plain(s string) string { return strings.ReplaceAll(Text(s), "`", "'") }

func code(s string) string {
	if s = plain(s); s == "" {
		s = None
	}
	return "`" + s + "`"
}
