// Package claims holds a ledger of claims against the measurements of a run
// and gives each a verdict. The ledger is stated before the run; nothing here
// looks for a margin or a level at which a claim would come out better, and
// no verdict is given where there is no sample.
package claims

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

// Ledger is a list of claims. Its YAML form is docs/formats/claims.schema.json.
type Ledger struct {
	Schema int     `yaml:"schema"`
	Title  string  `yaml:"title"` // the question that all claims together put, as a report's heading; may be empty
	Source string  `yaml:"source"`
	Alpha  float64 `yaml:"alpha"` // chance of any false verdict in the whole ledger
	Claims []Claim `yaml:"claims"`

	Hash string `yaml:"-"` // SHA-256 of the text, hexadecimal

	doc *yamlfile.Document
}

// Claim is one statement and what it means to check it: by measuring
// (Comparisons), by looking at what runs (Facts), or not at all
// (NotMeasurable says why, so that a reader sees that nothing was dropped).
// It holds only if every comparison holds at every level, or every fact.
type Claim struct {
	ID            string       `yaml:"id"`
	Section       string       `yaml:"section"`
	Paraphrase    string       `yaml:"paraphrase"`
	Margin        float64      `yaml:"margin"` // 0.10: a difference of 10% or less is not material
	Comparisons   []Comparison `yaml:"comparisons"`
	Chain         bool         `yaml:"chain"` // the comparisons lead from the first's A, step by step, to the last's B
	Facts         []Fact       `yaml:"facts"`
	NotMeasurable string       `yaml:"not_measurable"`

	Means map[Value]string `yaml:"means"` // what an answer means for a choice, as a clause of a sentence
}

// Kind says how the claim is checked.
func (c *Claim) Kind() Kind {
	switch {
	case len(c.Facts) > 0:
		return FactCheck
	case c.NotMeasurable != "":
		return NotMeasurable
	default:
		return Measured
	}
}

// Comparison sets arm A, which the claim favors, against something: arm B at
// the same level, an arm at another level (Baseline), or a figure (Limit, Delay).
type Comparison struct {
	Group  string `yaml:"group"`
	Metric string `yaml:"metric"`
	A      string `yaml:"a"`
	B      string `yaml:"b"` // A itself if there is a baseline

	AOver string `yaml:"a_over"` // A's value is divided by this arm's: a speed-up instead of a speed
	BOver string `yaml:"b_over"`

	Baseline int           `yaml:"baseline"` // B at so many connections in a closed loop, whatever A's level
	Limit    float64       `yaml:"limit"`    // a figure in the metric's unit in the place of B
	Delay    time.Duration `yaml:"-"`        // the throughput of N connections that wait so long for each answer, in the place of B
	AtLeast  float64       `yaml:"at_least"` // the ratio that is asked for, in the place of any margin: 2 is twice as good, 0.8 at least 80%
	Factor   float64       `yaml:"factor"`   // of older ledgers: asks for (1 + margin) / factor
	Margin   *float64      `yaml:"margin"`   // in the place of the claim's

	record.Levels `yaml:",inline"` // if none are named, all closed loops that both arms visit
	Idle          int              `yaml:"idle"`         // idle connections beside the open-loop levels
	Cores         int              `yaml:"cores"`        // that the servers need for this to mean anything
	ErrorsCount   bool             `yaml:"errors_count"` // errors and missing connections speak against A instead of spoiling the window

	DelayText string `yaml:"delay"`
}

// metric is what is compared; the schema names only those that there are.
func (c *Comparison) metric() *sample.Metric { return sample.Named(c.Metric) }

// Fact is what a running arm must say of itself for the claim to hold.
type Fact struct {
	Group string `yaml:"group"`
	Arm   string `yaml:"arm"`
	Field string `yaml:"field"` // of Trial.Runtime
	Is    string `yaml:"is"`
}

// DecodeLedger reads a ledger and refuses what cannot be decided; name is the
// file's name for messages. Every mistake is reported with its line.
func DecodeLedger(name string, data []byte) (*Ledger, error) {
	l, err := StoredLedger(name, data)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i := range l.Claims {
		c := &l.Claims[i]
		if margin := []string{"claims", strconv.Itoa(i), "margin"}; c.Kind() != Measured && l.doc.Has(margin...) {
			errs = append(errs, l.doc.Errorf(margin, "has a meaning for comparisons only"))
		}
		if j, why := c.brokenChain(); why != "" {
			errs = append(errs, l.doc.Errorf([]string{"claims", strconv.Itoa(i), "comparisons", strconv.Itoa(j)}, "%s", why))
		}
		for j := range c.Comparisons {
			at := []string{"claims", strconv.Itoa(i), "comparisons", strconv.Itoa(j)}
			if field, why := c.Comparisons[j].mistake(); why != "" {
				errs = append(errs, l.doc.Errorf(append(at, field), "%s", why))
			} else if c.Comparisons[j].open() && !l.doc.Has("claims", strconv.Itoa(i), "margin") {
				errs = append(errs, l.doc.Errorf(at, "says not by how much; give the claim a margin, or this comparison a margin or at_least"))
			}
		}
	}
	return l, errors.Join(errs...)
}

// StoredLedger reads a ledger that a run was judged by. What was accepted then
// is not refused now: an old run keeps its answers.
func StoredLedger(name string, data []byte) (*Ledger, error) {
	l := new(Ledger)
	doc, err := yamlfile.Decode(name, data, "claims", l)
	if err != nil {
		return nil, err
	}
	l.doc = doc
	var errs []error
	seen := map[string]bool{}
	for i, c := range l.Claims {
		at := []string{"claims", strconv.Itoa(i), "id"}
		if seen[c.ID] {
			errs = append(errs, doc.Errorf(at, "%q is listed twice", c.ID))
		}
		seen[c.ID] = true
		for j := range c.Comparisons {
			at := []string{"claims", strconv.Itoa(i), "comparisons", strconv.Itoa(j)}
			if field, err := c.Comparisons[j].complete(); err != nil {
				errs = append(errs, doc.Errorf(append(at, field), "%v", err))
			}
		}
	}
	sum := sha256.Sum256(data)
	l.Hash = hex.EncodeToString(sum[:])
	return l, errors.Join(errs...)
}

// complete fills in what a comparison leaves out, and refuses one that is not
// against exactly one thing.
func (c *Comparison) complete() (field string, err error) {
	if c.DelayText != "" {
		if c.Delay, err = time.ParseDuration(c.DelayText); err != nil || c.Delay <= 0 {
			return "delay", fmt.Errorf("%q: want a duration above 0", c.DelayText)
		}
		if c.metric() != sample.Throughput {
			return "delay", errors.New("has a meaning for throughput only")
		}
	}
	if c.Baseline > 0 && c.B == "" {
		c.B = c.A
	}
	against := 0
	for _, given := range []bool{c.B != "", c.Limit > 0, c.Delay > 0} {
		if given {
			against++
		}
	}
	switch {
	case against == 0:
		return "a", errors.New("is compared with nothing; give one of b, baseline, limit and delay")
	case against > 1:
		return "a", errors.New("is compared with several things at once; give one of b, baseline, limit and delay")
	case c.A == c.B && c.Baseline == 0:
		return "b", fmt.Errorf("%q is compared with itself", c.B)
	}
	return "", nil
}

// CheckArms reports every arm that check refuses, each with its line.
func (l *Ledger) CheckArms(check func(arm string) error) error {
	var errs []error
	for i := range l.Claims {
		for _, a := range l.Claims[i].arms() {
			at := append([]string{"claims", strconv.Itoa(i)}, a.at...)
			if !l.doc.Has(at...) {
				continue // b is a where there is a baseline
			}
			if err := check(a.name); err != nil {
				errs = append(errs, l.doc.Errorf(at, "%v", err))
			}
		}
	}
	return errors.Join(errs...)
}

// named is an arm that a claim names, and where.
type named struct {
	name string
	at   []string // from the claim on
}

func (c *Claim) arms() (out []named) {
	for j := range c.Comparisons {
		cmp := &c.Comparisons[j]
		for _, a := range []struct{ field, name string }{{"a", cmp.A}, {"b", cmp.B}, {"a_over", cmp.AOver}, {"b_over", cmp.BOver}} {
			if a.name != "" {
				out = append(out, named{a.name, []string{"comparisons", strconv.Itoa(j), a.field}})
			}
		}
	}
	for j, f := range c.Facts {
		out = append(out, named{f.Arm, []string{"facts", strconv.Itoa(j), "arm"}})
	}
	return out
}

// LeftOut is a claim that a run does not answer.
type LeftOut struct {
	ID  string
	Arm string // the first of its arms that is no part of the run; empty: it can be answered nowhere
}

// Within leaves the claims all of whose arms are among these: part of its
// conditions would be another claim. Where any goes, those that no measurement
// can tell go too, for what is left is no longer the ledger's whole question.
func (l *Ledger) Within(arms []record.Arm) (left []LeftOut) {
	lacks := map[string]string{}
	for i := range l.Claims {
		for _, a := range l.Claims[i].arms() {
			if lacks[l.Claims[i].ID] == "" && !slices.ContainsFunc(arms, func(b record.Arm) bool { return a.name == b.Name }) {
				lacks[l.Claims[i].ID] = a.name
			}
		}
	}
	l.Claims = slices.DeleteFunc(l.Claims, func(c Claim) bool {
		gone := lacks[c.ID] != "" || len(lacks) > 0 && c.Kind() == NotMeasurable
		if gone {
			left = append(left, LeftOut{c.ID, lacks[c.ID]})
		}
		return gone
	})
	return left
}

// Unplanned says which conditions a run cannot answer because no experiment of it has
// their arms at their level.
func (l *Ledger) Unplanned(levels []record.Level, experiments []record.Experiment) (notes []string) {
	for i := range l.Claims {
		c := &l.Claims[i]
		for j := range c.Comparisons {
			x := &c.Comparisons[j]
			for _, level := range x.named() {
				at := slices.Index(levels, level)
				if !slices.ContainsFunc(experiments, func(e record.Experiment) bool { return slices.Contains(e.Levels, at) && x.among(e.Arms) }) {
					notes = append(notes, fmt.Sprintf("claim %q: no experiment of the profile has %s and what it is compared with at %s, so that condition gets no answer", c.ID, x.A, record.PlainLevel(level.String())))
				}
			}
		}
	}
	return notes
}

// IDs are those of the claims, in order; none is an empty list, not nil.
func (l *Ledger) IDs() []string {
	ids := []string{}
	for i := range l.Claims {
		ids = append(ids, l.Claims[i].ID)
	}
	return ids
}

// Keep leaves the claims with these ids, in the ledger's order; nil leaves
// all. The hash stays that of the whole text.
func (l *Ledger) Keep(ids []string) error {
	if ids == nil {
		return nil
	}
	for _, id := range ids {
		if all := l.IDs(); !slices.Contains(all, id) {
			return fmt.Errorf("there is no claim %q in the ledger%s", id, yamlfile.DidYouMean(id, all))
		}
	}
	l.Claims = slices.DeleteFunc(l.Claims, func(c Claim) bool { return !slices.Contains(ids, c.ID) })
	return nil
}

// SetMargin gives every measured claim the same margin; what is asked for by
// at_least stays.
func (l *Ledger) SetMargin(margin float64) {
	for i := range l.Claims {
		l.Claims[i].Margin = margin
		for j := range l.Claims[i].Comparisons {
			l.Claims[i].Comparisons[j].Margin = nil
		}
	}
}
