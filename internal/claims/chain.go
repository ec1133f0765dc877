package claims

import (
	"fmt"
	"math"
	"slices"

	"github.com/hellobench/hellobench/internal/stats"
)

// Chain takes a ratio apart: the conditions of a claim are steps, each from one cause to
// the next, and their product has to be the ratio of both ends measured by themselves.
type Chain struct {
	Whole       Condition      `json:"whole"`            // both ends
	Product     stats.Interval `json:"product"`          // of the steps; 0 where one of them has no ratio
	Unexplained stats.Interval `json:"unexplained"`      // the whole over the product; 0 where one of them is missing
	Closes      bool           `json:"closes"`           // 1 lies within Unexplained
	Reason      string         `json:"reason,omitempty"` // why nothing can be said
}

// chain compares the ends and multiplies the steps.
//
// The interval of the product adds the squares of the steps' half-widths (on the log
// scale), as if the steps were independent. Steps that were measured in the same rounds
// share an arm, whose noise then leaves the product, so that the interval is too wide
// and never too narrow.
func (e *evaluation) chain(c *Claim, steps []Condition) *Chain {
	first, last := c.Comparisons[0], c.Comparisons[len(c.Comparisons)-1]
	ends := first
	ends.Group, ends.B = "the whole", last.B
	ch := &Chain{Whole: e.condition(*c, ends, e.levels(ends)[0], 1)}
	ratios := make([]stats.Interval, 0, len(steps))
	for _, s := range steps {
		ratios = append(ratios, s.Ratio)
	}
	if i := slices.IndexFunc(steps, func(s Condition) bool { return s.Ratio.Mid <= 0 }); i >= 0 {
		ch.Reason = fmt.Sprintf("the step %s has no ratio", steps[i].Group)
		return ch
	}
	ch.Product = product(ratios)
	if ch.Whole.Ratio.Mid <= 0 {
		ch.Reason = "the whole has no ratio"
		return ch
	}
	p := ch.Product
	ch.Unexplained = product([]stats.Interval{ch.Whole.Ratio, {Low: 1 / p.High, Mid: 1 / p.Mid, High: 1 / p.Low}})
	if !ch.Product.Bounded() || !ch.Unexplained.Bounded() {
		ch.Product, ch.Unexplained, ch.Reason = stats.Interval{}, stats.Interval{}, "the steps differ too much for any interval"
		return ch
	}
	ch.Closes = ch.Unexplained.Low <= 1 && ch.Unexplained.High >= 1
	return ch
}

// product is that of independent ratios.
func product(ratios []stats.Interval) stats.Interval {
	var mid, below, above float64
	for _, r := range ratios {
		mid += math.Log(r.Mid)
		below += math.Pow(math.Log(r.Mid/r.Low), 2)
		above += math.Pow(math.Log(r.High/r.Mid), 2)
	}
	return stats.Interval{Low: math.Exp(mid - math.Sqrt(below)), Mid: math.Exp(mid), High: math.Exp(mid + math.Sqrt(above))}
}

// brokenChain finds the comparison at which the steps of a chain do not follow from one another.
func (c *Claim) brokenChain() (at int, why string) {
	if !c.Chain {
		return 0, ""
	}
	for i := range c.Comparisons {
		x := &c.Comparisons[i]
		switch {
		case len(c.Comparisons) < 2:
			return i, "a chain has at least two steps"
		case x.B == "" || x.A == x.B || x.AOver != "":
			return i, "a step of a chain is from one arm to another; give a and b alone"
		case len(x.List()) != 1 || x.Metric != c.Comparisons[0].Metric || x.List()[0] != c.Comparisons[0].List()[0]:
			return i, "the steps of a chain have one metric and one level, the same in all"
		case i > 0 && x.A != c.Comparisons[i-1].B:
			return i, fmt.Sprintf("a step of a chain begins where the one before ends: want a: %q", c.Comparisons[i-1].B)
		}
	}
	return 0, ""
}
