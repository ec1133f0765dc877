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
	Facts         []Fact       `yaml:"facts"`
	NotMeasurable string       `yaml:"not_measurable"`
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
	Metric Metric `yaml:"metric"`
	A      string `yaml:"a"`
	B      string `yaml:"b"` // A itself if there is a baseline

	AOver string `yaml:"a_over"` // A's value is divided by this arm's: a speed-up instead of a speed
	BOver string `yaml:"b_over"`

	Baseline int           `yaml:"baseline"` // B at so many connections in a closed loop, whatever A's level
	Limit    float64       `yaml:"limit"`    // a figure in the metric's unit in the place of B
	Delay    time.Duration `yaml:"-"`        // the throughput of N connections that wait so long for each answer, in the place of B
	Factor   float64       `yaml:"factor"`   // multiplies the ratio; 1.25 asks whether A reaches 80% of B
	Margin   *float64      `yaml:"margin"`   // in the place of the claim's

	Connections []int     `yaml:"connections"`  // closed-loop levels
	Rates       []float64 `yaml:"rates"`        // open-loop levels; if no levels are named, all closed-loop ones that both arms visit
	Idle        int       `yaml:"idle"`         // idle connections beside the open-loop levels
	Shares      []float64 `yaml:"shares"`       // open-loop levels at shares of each arm's own capacity
	SLO         bool      `yaml:"slo"`          // the level that is searched for; metric capacity
	Cores       int       `yaml:"cores"`        // that the servers need for this to mean anything
	ErrorsCount bool      `yaml:"errors_count"` // errors and missing connections speak against A instead of spoiling the window

	DelayText string `yaml:"delay"`
}

// Fact is what a running arm must say of itself for the claim to hold.
type Fact struct {
	Group string `yaml:"group"`
	Arm   string `yaml:"arm"`
	Field string `yaml:"field"` // of Trial.Runtime
	Is    string `yaml:"is"`
}

// DecodeLedger reads a ledger; name is the file's name for messages. Every
// mistake is reported with its line.
func DecodeLedger(name string, data []byte) (*Ledger, error) {
	l := new(Ledger)
	doc, err := yamlfile.Decode(name, data, "claims", l)
	if err != nil {
		return nil, err
	}
	var errs []error
	seen := map[string]bool{}
	for i, c := range l.Claims {
		at := []string{"claims", strconv.Itoa(i), "id"}
		if seen[c.ID] {
			errs = append(errs, doc.Errorf(at, "%q stands here twice", c.ID))
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
		if c.Metric != Throughput {
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
	if against != 1 {
		return "a", errors.New("is compared with nothing; give one of b, baseline, limit and delay")
	}
	if c.A == c.B && c.Baseline == 0 {
		return "b", fmt.Errorf("%q is compared with itself", c.B)
	}
	if c.Factor == 0 {
		c.Factor = 1
	}
	return "", nil
}

// Keep leaves the claims with these ids, in the ledger's order; no ids leave
// all. The hash stays that of the whole text.
func (l *Ledger) Keep(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		if !slices.ContainsFunc(l.Claims, func(c Claim) bool { return c.ID == id }) {
			return fmt.Errorf("there is no claim %q in the ledger", id)
		}
	}
	l.Claims = slices.DeleteFunc(l.Claims, func(c Claim) bool { return !slices.Contains(ids, c.ID) })
	return nil
}

// SetMargin gives every measured claim the same margin.
func (l *Ledger) SetMargin(margin float64) {
	for i := range l.Claims {
		l.Claims[i].Margin = margin
		for j := range l.Claims[i].Comparisons {
			l.Claims[i].Comparisons[j].Margin = nil
		}
	}
}

// measured counts the claims that share the chance of a false verdict.
func (l *Ledger) measured() (n int) {
	for i := range l.Claims {
		if l.Claims[i].Kind() == Measured {
			n++
		}
	}
	return max(n, 1)
}
