package stats

import (
	"fmt"
)

// Bonferroni is the confidence at which each of m intervals has to be computed
// so that all of them hold together with the given confidence: 1 - (1-c)/m.
// It holds for any dependence between them. A claim that needs all of its conditions
// needs no correction (intersection-union test, Berger 1982); a family
// of claims shown side by side does.
func Bonferroni(confidence float64, m int) (float64, error) {
	if err := checkConfidence(confidence); err != nil {
		return 0, err
	}
	if m < 1 {
		return 0, fmt.Errorf("a family has at least 1 member, not %d", m)
	}
	return 1 - (1-confidence)/float64(m), nil
}
