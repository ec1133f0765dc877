package claims

import (
	"math"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// alphaAt is the part of alpha for one claim's intervals after so many blocks.
func alphaAt(l *Ledger, blocks record.Range, done int) (float64, error) {
	confidence, err := stats.Bonferroni(1-l.Alpha, l.measured())
	if err != nil {
		return 0, err
	}
	looks := Looks(blocks)
	if len(looks) < 2 {
		return 1 - confidence, nil
	}
	parts, err := stats.SpendAlpha(stats.Pocock, 1-confidence, looks)
	if err != nil {
		return 0, err
	}
	// A run that ended between two looks did so for reasons that have nothing
	// to do with its figures, and stands in for the look to come.
	i, _ := slices.BinarySearch(looks, done)
	return parts[min(i, len(parts)-1)], nil
}

// Looks are the numbers of blocks after which a run looks whether its
// intervals are narrow enough: the least, the most, and the planned ones between.
func Looks(blocks record.Range) []int {
	if blocks.Min >= blocks.Max || blocks.Max < 2 {
		return nil
	}
	looks := []int{max(blocks.Min, 2)}
	for _, n := range stats.PlannedLooks() {
		if n > looks[0] && n < blocks.Max {
			looks = append(looks, n)
		}
	}
	if blocks.Max > looks[0] {
		looks = append(looks, blocks.Max)
	}
	return looks
}

// Precision says whether the intervals of all conditions are narrow enough to
// stop, and after how many blocks they should be, as far as that can be told.
// It looks at widths alone: a run never goes on until something comes out.
func Precision(l *Ledger, t *sample.Table) (enough bool, blocks int, err error) {
	e, err := newEvaluation(l, t)
	if err != nil {
		return false, 0, err
	}
	if len(t.Blocks.Counted) < 2 {
		return false, t.Blocks.Complete() + 1, nil // nothing is known yet of any width
	}
	counting := float64(t.Blocks.Complete()) / float64(len(t.Blocks.Counted)) // blocks to be run for one that counts
	enough = true
	for _, c := range l.Claims {
		for _, cmp := range c.Comparisons {
			goal := cmp.metric().Goal
			for _, level := range e.levels(cmp) {
				c := e.condition(c, cmp, level)
				if goal == 0 || c.Verdict == NotTestable {
					continue // cannot become narrower by measuring more
				}
				if c.Ratio.Mid == 0 { // the blocks differ too much for any interval
					enough, blocks = false, max(blocks, t.Blocks.Complete()+1)
					continue
				}
				over := math.Log1p(c.Ratio.HalfWidth()) / math.Log1p(goal)
				enough = enough && over <= 1
				blocks = max(blocks, int(min(math.Ceil(float64(c.Blocks)*over*over*counting), 1e6)))
			}
		}
	}
	return enough, blocks, nil
}
