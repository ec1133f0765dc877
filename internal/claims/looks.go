package claims

import (
	"math"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// alphaAt is the part of alpha for an interval after so many blocks of an experiment
// with these looks.
func alphaAt(alpha float64, looks []int, done int) float64 {
	if len(looks) < 2 {
		return alpha
	}
	parts := stats.SpendAlpha(stats.Pocock, alpha, looks)
	// An experiment that ended between two looks did so for reasons that have nothing
	// to do with its figures, and takes the part of the look to come.
	i, _ := slices.BinarySearch(looks, done)
	return parts[min(i, len(parts)-1)]
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

// Precision says whether the intervals of all conditions that an experiment is for are
// narrow enough to stop it, and after how many blocks they should be, as far as that
// can be told. It looks at widths alone: a run never goes on until something comes out.
func Precision(l *Ledger, t *sample.Table, experiment int) (enough bool, blocks int) {
	e := newEvaluation(l, t)
	done := t.Done(experiment)
	if done < 2 {
		return false, done + 1 // nothing is known yet of any width
	}
	enough = true
	for _, c := range l.Claims {
		for _, cmp := range c.Comparisons {
			goal := cmp.metric().Goal
			for _, level := range e.levels(cmp) {
				if goal == 0 || !e.within(experiment, &cmp, level) {
					continue
				}
				c := e.condition(c, cmp, level, 1)
				if c.Verdict == NotTestable {
					continue // cannot become narrower by measuring more
				}
				if c.Ratio.Mid == 0 { // the blocks differ too much for any interval
					enough, blocks = false, max(blocks, done+1)
					continue
				}
				over := math.Log1p(c.Ratio.HalfWidth()) / math.Log1p(goal)
				enough = enough && over <= 1
				blocks = max(blocks, int(min(math.Ceil(float64(c.Blocks)*over*over), 1e6)))
			}
		}
	}
	return enough, blocks
}

// within says whether an experiment has both sides of a comparison at a level.
func (e *evaluation) within(experiment int, c *Comparison, level record.Level) bool {
	x := &e.table.Run.Experiments[experiment]
	at := slices.Index(e.table.Run.Levels, level)
	return c.among(x.Arms) && (c.metric().OfStart || slices.Contains(x.Levels, at))
}
