package claims

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

// Value is one of the five answers to a claim.
type Value string

// The five values of a verdict.
const (
	Supported    Value = "supported"         // every condition's interval lies beyond the margin in the claimed direction
	Refuted      Value = "refuted"           // every interval lies inside the margin or is reversed
	Depends      Value = "depends"           // conditions disagree; Flips names what decides
	Inconclusive Value = "inconclusive"      // some interval is too wide to tell
	NotTestable  Value = "not testable here" // a validity gate, the machine's size or a missing arm forbids an answer in every condition
)

// Values are the five, in the order in which reports list them.
var Values = []Value{Supported, Refuted, Depends, Inconclusive, NotTestable}

// Answers says whether the value is an answer to its claim, whichever it is.
func (v Value) Answers() bool { return v != Inconclusive && v != NotTestable }

// Kind says how a claim is checked.
type Kind string

// The kinds of claims.
const (
	Measured      Kind = "measured"
	FactCheck     Kind = "fact check"     // answered by what a running server says of itself
	NotMeasurable Kind = "not measurable" // listed, with the reason
)

// Verdict is the answer to one claim.
//
// Effect, Low and High describe the condition that decides, the hardest for the
// claim among those with its verdict (of a claim that depends: where it fails; of a
// chain: its whole, not a step);
// they are ratios, above 1 in the claimed direction, and 0 where nothing could be computed.
type Verdict struct {
	ID         string       `json:"id"`
	Kind       Kind         `json:"kind"`
	Verdict    Value        `json:"verdict"`
	Cause      sample.Cause `json:"cause,omitempty"` // of NotTestable; none where no measurement could tell
	Effect     float64      `json:"effect"`
	Low        float64      `json:"low"`
	High       float64      `json:"high"`
	Margin     float64      `json:"margin"` // 0.10: a difference of 10% or less is not material
	Reason     string       `json:"reason"`
	Flips      string       `json:"flips,omitempty"` // what would turn the answer, in one sentence
	Conditions []Condition  `json:"cells"`
	Facts      []Found      `json:"facts,omitempty"`
	Chain      *Chain       `json:"chain,omitempty"`   // what the ratio of its ends is made of
	Section    string       `json:"section,omitempty"` // of the article
	Paraphrase string       `json:"paraphrase"`
	Means      string       `json:"means,omitempty"` // the answer for a choice; the ledger says it
}

// Headline is the condition that Effect is of, nil where nothing could be computed.
func (v *Verdict) Headline() *Condition {
	if v.Chain != nil && v.Chain.Whole.Ratio.Mid == v.Effect {
		return &v.Chain.Whole
	}
	i := slices.IndexFunc(v.Conditions, func(c Condition) bool { return c.Ratio.Mid == v.Effect && c.Ratio.Low == v.Low })
	if i < 0 || v.Effect <= 0 {
		return nil
	}
	return &v.Conditions[i]
}

// Found is one fact as it was found.
type Found struct {
	Group string `json:"group"`
	Arm   string `json:"arm"`
	Field string `json:"field"`
	Want  string `json:"want"`  // what the claim says
	Found string `json:"found"` // what the arm said; empty: the arm did not run, or did not say
	Holds bool   `json:"holds"`
}

// Condition is one condition of a claim: one comparison at one level.
type Condition struct {
	Metric  string         `json:"metric"`
	A       string         `json:"a"`                // arm that the claim favors
	B       string         `json:"b"`                // arm, or the figure that stands in its place
	AOver   string         `json:"a_over,omitempty"` // what is compared of A is its ratio to this arm
	BOver   string         `json:"b_over,omitempty"`
	Level   string         `json:"level"`
	Group   string         `json:"group"` // "as in the article", "production", ...
	Verdict Value          `json:"verdict"`
	Cause   sample.Cause   `json:"cause,omitempty"`    // of NotTestable
	Ratio   stats.Interval `json:"ratio"`              // of A over B, above 1 where A is better
	AtLeast float64        `json:"at_least,omitempty"` // the ratio that the claim asks for
	Blocks  int            `json:"blocks"`             // pairs that entered
	Floor   *float64       `json:"floor,omitempty"`    // of runs of schema 1: the A/A noise that the ratio was held against
	Reason  string         `json:"reason,omitempty"`
	Gates   []string       `json:"gates,omitempty"`

	apart Value // Verdict at the confidence that a claim needs to depend on its conditions
}

// StoredVerdicts reads the verdicts that a run was given, as verdicts.json holds them.
// They must be those of the ledger's claims. Without the file it is fs.ErrNotExist.
func (l *Ledger) StoredVerdicts(file string) (verdicts []Verdict, err error) {
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, &yamlfile.Error{File: file, Msg: "cannot be read: " + record.Reason(err).Error()}
	}
	doc, err := yamlfile.DecodeJSON(file, data, "verdicts", record.SchemaVersion, &verdicts)
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(verdicts, l.Claims, func(v Verdict, c Claim) bool { return v.ID == c.ID }) {
		return nil, doc.Errorf(nil, "its claims are not those of run.json, in their order; without the file they are judged anew")
	}
	return verdicts, nil
}
