package claims

import (
	"fmt"

	"github.com/hellobench/hellobench/internal/stats"
)

// bar is what a ratio has to clear: times scale it is held against the margin,
// as package stats does it. A bar below 1 ("keeps 80%") has a scale, for there
// is no negative margin. What is shown is always the ratio itself.
type bar struct {
	scale, margin float64
	stated        bool // by the ledger as a ratio, and not as a margin
}

// bar is the comparison's: at_least takes the place of any margin. Ledgers of
// older runs have a factor, which the margin is added to.
func (c *Comparison) bar(margin float64) bar {
	if c.Margin != nil {
		margin = *c.Margin
	}
	switch {
	case c.AtLeast >= 1:
		return bar{scale: 1, margin: c.AtLeast - 1, stated: true}
	case c.AtLeast > 0:
		return bar{scale: 1 / c.AtLeast, stated: true}
	case c.Factor > 0:
		return bar{scale: c.Factor, margin: margin, stated: c.Factor != 1}
	}
	return bar{scale: 1, margin: margin}
}

// ratio is the smallest ratio that the claim asks for.
func (b bar) ratio() float64 { return (1 + b.margin) / b.scale }

// String names the bar in a sentence.
func (b bar) String() string {
	if b.stated {
		return "the " + multiple(b.ratio()) + " that the claim asks for"
	}
	return fmt.Sprintf("the margin of %.3g%%", 100*b.margin)
}

// position places an interval against the bar.
func (b bar) position(i stats.Interval) stats.Position {
	return stats.Decide(stats.Interval{Low: b.scale * i.Low, Mid: b.scale * i.Mid, High: b.scale * i.High}, b.margin)
}
