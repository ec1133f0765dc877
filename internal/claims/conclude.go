package claims

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// decide places the intervals against the bar and the noise. The t interval
// decides; the signed-rank one must not contradict it.
func (c *Condition) decide(robust stats.Interval, bar bar, p *sample.Pairs) {
	position := bar.position(c.Ratio, c.Floor)
	value := valueOf(position)
	if valueOf(bar.position(robust, c.Floor)) != value {
		c.Verdict = Inconclusive
		c.Reason = fmt.Sprintf("the t interval and the signed-rank interval (%s) disagree", ratioRange(robust))
		return
	}
	c.Verdict = value
	switch {
	case value == Supported && p.BoundB:
		c.Verdict, c.Reason = Inconclusive, fmt.Sprintf("the generator limited %s, which could have done better", c.B)
	case value == Refuted && p.BoundA:
		c.Verdict, c.Reason = Inconclusive, fmt.Sprintf("the generator limited %s, which could have done better", c.A)
	case p.BoundA:
		c.Reason = fmt.Sprintf("a lower bound: the generator limited %s", c.A)
	case value == Inconclusive && c.Floor > 1+bar.margin:
		c.Reason = fmt.Sprintf("the same server against itself could differ by %s here, more than the margin", multiple(c.Floor))
	case value == Inconclusive:
		c.Reason = fmt.Sprintf("the interval %s reaches across %s", ratioRange(c.Ratio), bar)
	case position == stats.Reversed:
		c.Reason = fmt.Sprintf("the other way round: %s is ahead", c.B)
	}
}

func valueOf(p stats.Position) Value {
	switch {
	case p.Supports():
		return Supported
	case p.Refutes():
		return Refuted
	default:
		return Inconclusive
	}
}

func ratioRange(i stats.Interval) string { return multiple(i.Low) + " to " + multiple(i.High) }

// multiple writes a ratio; beyond a factor of 100 only that it is beyond.
func multiple(ratio float64) string {
	switch {
	case ratio > 100:
		return "more than 100x"
	case ratio < 0.01:
		return "less than 0.01x"
	default:
		return fmt.Sprintf("%.3gx", ratio)
	}
}

// conclude combines the cells of a claim.
func (e *evaluation) conclude(v *Verdict) {
	byValue := map[Value][]Condition{}
	var answered []Condition
	for _, c := range v.Conditions {
		byValue[c.Verdict] = append(byValue[c.Verdict], c)
		if c.Ratio.Mid > 0 {
			answered = append(answered, c)
		}
	}
	supported, refuted := byValue[Supported], byValue[Refuted]
	switch {
	case len(supported) > 0 && len(refuted) > 0:
		v.Verdict = Depends
		v.Reason = fmt.Sprintf("it holds %s, and does not hold %s", describe(supported), describe(refuted))
	case len(byValue[Inconclusive]) > 0:
		v.Verdict = Inconclusive
		open := hardest(byValue[Inconclusive])
		v.Reason = fmt.Sprintf("%s: %s", open.where(), open.Reason) + besides(supported, refuted)
	case len(byValue[NotTestable]) > 0:
		v.Verdict, v.Cause = NotTestable, byValue[NotTestable][0].Cause
		v.Reason = fmt.Sprintf("%s: %s", byValue[NotTestable][0].where(), byValue[NotTestable][0].Reason) + besides(supported, refuted)
	case len(supported) > 0:
		v.Verdict = Supported
		everywhere := fmt.Sprintf("in all %d conditions", len(supported))
		if len(supported) == 1 {
			everywhere = "in its one condition"
		}
		v.Reason = fmt.Sprintf("%s the whole interval lies beyond %s", everywhere, asked(supported, v.Margin))
	default:
		v.Verdict = Refuted
		v.Reason = fmt.Sprintf("in none of %d conditions does the ratio go beyond %s", len(refuted), asked(refuted, v.Margin))
	}
	// The effect is that of the condition that decides, and of no other.
	deciding := byValue[v.Verdict]
	if v.Verdict == Depends {
		deciding = refuted
	}
	if deciding = slices.DeleteFunc(slices.Clone(deciding), func(c Condition) bool { return c.Ratio.Mid <= 0 }); len(deciding) > 0 {
		c := hardest(deciding)
		v.Effect, v.Low, v.High = c.Ratio.Mid, c.Ratio.Low, c.Ratio.High
	}
	v.Flips = flips(v, answered)
}

// hardest is the cell whose interval begins lowest, as a share of what is asked.
func hardest(cells []Condition) *Condition {
	c := slices.MinFunc(cells, func(a, b Condition) int { return compare(a.Ratio.Low/a.AtLeast, b.Ratio.Low/b.AtLeast) })
	return &c
}

// asked is what conditions of a claim with this margin ask for, in words.
func asked(cells []Condition, margin float64) string {
	ratio := cells[0].AtLeast
	if slices.ContainsFunc(cells, func(c Condition) bool { return c.AtLeast != ratio }) {
		return "what it asks for"
	}
	return bar{scale: 1, margin: ratio - 1, stated: math.Abs(ratio-1-margin) > 1e-9}.String()
}

// besides says what is known of the other conditions of a claim without an answer.
func besides(supported, refuted []Condition) string {
	switch {
	case len(refuted) > 0:
		return "; it does not hold " + describe(refuted)
	case len(supported) > 0:
		return "; it holds " + describe(supported)
	}
	return ""
}

func (c *Condition) where() string { return fmt.Sprintf("%s at %s", c.Group, c.Level) }

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// describe names conditions by group and, where a group is not whole, by level.
func describe(cells []Condition) string {
	var groups []string
	levels := map[string][]string{}
	for _, c := range cells {
		if levels[c.Group] == nil {
			groups = append(groups, c.Group)
		}
		levels[c.Group] = append(levels[c.Group], c.Level)
	}
	for i, g := range groups {
		groups[i] = fmt.Sprintf("%s (%s)", g, strings.Join(levels[g], ", "))
	}
	return strings.Join(groups, " and ")
}

// flips says in one sentence how the answer moves over the conditions, and
// how far the nearest one is from turning it.
func flips(v *Verdict, answered []Condition) string {
	if len(answered) == 0 {
		return ""
	}
	byMid := func(a, b Condition) int { return compare(a.Ratio.Mid, b.Ratio.Mid) }
	least, most := slices.MinFunc(answered, byMid), slices.MaxFunc(answered, byMid)
	move := fmt.Sprintf("The ratio goes from %.3gx %s to %.3gx %s", most.Ratio.Mid, most.where(), least.Ratio.Mid, least.where())
	if len(answered) == 1 {
		move = fmt.Sprintf("The ratio is %.3gx %s", least.Ratio.Mid, least.where())
	}
	switch v.Verdict {
	case Supported:
		nearest := hardest(answered)
		return fmt.Sprintf("%s; the nearest to turning is %s, where %.3gx would still be supported.", move, nearest.where(), nearest.Ratio.Low)
	case Refuted:
		high := slices.MaxFunc(answered, func(a, b Condition) int { return compare(a.Ratio.High/a.AtLeast, b.Ratio.High/b.AtLeast) })
		return fmt.Sprintf("%s; only a claim of less than %.3gx %s would be open.", move, high.Ratio.High, high.where())
	default:
		return move + "."
	}
}
