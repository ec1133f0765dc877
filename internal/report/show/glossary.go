package show

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hellobench/hellobench/docs"
)

// Word is a term and what it means.
type Word struct{ Term, Meaning string }

// Glossary is that of docs/glossary.md.
var Glossary = sync.OnceValue(func() (words []Word) {
	for line := range strings.Lines(docs.Glossary) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if term := strings.TrimSpace(cells[0]); len(cells) == 2 && term != "term" && !strings.HasPrefix(term, "---") {
			words = append(words, Word{term, strings.ReplaceAll(strings.TrimSpace(cells[1]), "`", "")})
		}
	}
	return words
})

// everyday are terms that also stand in sentences that mean nothing special by them.
var everyday = []string{"run", "pass", "round", "level", "effect", "depends", "supported", "refuted", "chain", "experiment", "condition", "trial"}

// terms finds what the glossary explains, the longer of two first.
var terms = sync.OnceValues(func() (*regexp.Regexp, map[string]string) {
	meaning := map[string]string{}
	var patterns []string
	for _, w := range Glossary() {
		term, _, _ := strings.Cut(w.Term, " (")
		if !slices.Contains(everyday, term) {
			meaning[strings.ToLower(term)] = w.Meaning
			patterns = append(patterns, regexp.QuoteMeta(term))
		}
	}
	slices.SortFunc(patterns, func(a, b string) int { return len(b) - len(a) })
	return regexp.MustCompile(`(?i)\b(?:` + strings.Join(patterns, "|") + `)s?\b`), meaning
})

// Part is a part of a text, with what it means if it is a term.
type Part struct{ Text, Meaning string }

// Explainer explains each term where it is used first.
type Explainer struct{ seen map[string]bool }

// Parts takes a text apart at the terms that it is the first to use.
func (e *Explainer) Parts(text string) (out []Part) {
	find, meaning := terms()
	if e.seen == nil {
		e.seen = map[string]bool{}
	}
	add := func(text, meaning string) {
		if text != "" {
			out = append(out, Part{text, meaning})
		}
	}
	from := 0
	for _, at := range find.FindAllStringIndex(text, -1) {
		term := strings.ToLower(text[at[0]:at[1]])
		if meaning[term] == "" {
			term = strings.TrimSuffix(term, "s")
		}
		if e.seen[term] {
			continue
		}
		e.seen[term] = true
		add(text[from:at[0]], "")
		add(text[at[0]:at[1]], meaning[term])
		from = at[1]
	}
	add(text[from:], "")
	return out
}
