package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"
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

// Holm is the step-down adjustment of p-values (Holm 1979), in the order
// given: rejecting where the result is <= alpha keeps the chance of any false
// rejection at alpha under any dependence, and rejects at least what
// Bonferroni rejects. It has no intervals to go with it, so it serves lists of
// tests and Bonferroni serves intervals. Each p must lie in [0, 1].
func Holm(p []float64) ([]float64, error) {
	order := make([]int, len(p))
	for k, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("p-value %v at index %d lies outside [0, 1]", v, k)
		}
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	adjusted := make([]float64, len(p))
	highest := 0.0
	for rank, k := range order {
		highest = math.Max(highest, float64(len(p)-rank)*p[k])
		adjusted[k] = math.Min(1, highest)
	}
	return adjusted, nil
}
