// Package claims holds a ledger of claims against the measurements of a run
// and gives each a verdict. The ledger is stated before the run; nothing here
// looks for a margin or a level at which a claim would come out better, and
// no verdict is given where there is no sample.
package claims

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/hellobench/hellobench/internal/yamlfile"
)

// Ledger is a list of claims. Its YAML form is docs/formats/claims.schema.json.
type Ledger struct {
	Schema int     `yaml:"schema"`
	Source string  `yaml:"source"`
	Alpha  float64 `yaml:"alpha"` // chance of any false verdict in the whole ledger
	Claims []Claim `yaml:"claims"`

	Hash string `yaml:"-"` // SHA-256 of the text, hexadecimal
}

// Claim is one statement and what measuring it means. It holds only if every
// comparison holds at every level.
type Claim struct {
	ID          string       `yaml:"id"`
	Section     string       `yaml:"section"`
	Paraphrase  string       `yaml:"paraphrase"`
	Margin      float64      `yaml:"margin"` // 0.10: a difference of 10% or less is not material
	Comparisons []Comparison `yaml:"comparisons"`
}

// Comparison sets arm A, which the claim favors, against arm B.
type Comparison struct {
	Group       string    `yaml:"group"`
	Metric      Metric    `yaml:"metric"`
	A           string    `yaml:"a"`
	B           string    `yaml:"b"`
	Connections []int     `yaml:"connections"` // closed-loop levels
	Rates       []float64 `yaml:"rates"`       // open-loop levels; if both are empty, all closed-loop levels of the run
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
		for j, cmp := range c.Comparisons {
			if cmp.A == cmp.B {
				errs = append(errs, doc.Errorf([]string{"claims", strconv.Itoa(i), "comparisons", strconv.Itoa(j), "b"}, "%q is compared with itself", cmp.B))
			}
		}
	}
	sum := sha256.Sum256(data)
	l.Hash = hex.EncodeToString(sum[:])
	return l, errors.Join(errs...)
}
