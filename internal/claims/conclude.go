package claims

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// decide places the interval against the bar.
func (c *Condition) decide(bar bar, p *sample.Pairs) {
	position := bar.position(c.Ratio)
	c.Verdict = valueOf(position)
	switch {
	case c.Verdict == Supported && p.LimitB.Bound:
		c.Verdict, c.Reason = Inconclusive, fmt.Sprintf("the generator limited %s, which could have done better", c.B)
	case c.Verdict == Refuted && p.LimitA.Bound:
		c.Verdict, c.Reason = Inconclusive, fmt.Sprintf("the generator limited %s, which could have done better", c.A)
	case p.LimitA.Bound:
		c.Reason = fmt.Sprintf("a lower bound: the generator limited %s", c.A)
	case c.Verdict == Inconclusive:
		c.Reason = fmt.Sprintf("the interval %s reaches across %s", ratioRange(c.Ratio), bar)
	case position == stats.Reversed:
		c.Reason = fmt.Sprintf("the other way round: %s is ahead", c.B)
		if c.A == c.B { // itself at another level
			c.Reason = "it is less than there"
		}
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

// conclude combines the conditions of a claim. One that cannot be tested here, or
// is open, does not hide the others: the reason says which those are.
func conclude(v *Verdict) {
	byValue := map[Value][]Condition{}
	var answered []Condition
	for _, c := range v.Conditions {
		byValue[c.Verdict] = append(byValue[c.Verdict], c)
		if c.Ratio.Mid > 0 {
			answered = append(answered, c)
		}
	}
	supported, refuted, open, untested := byValue[Supported], byValue[Refuted], byValue[Inconclusive], byValue[NotTestable]
	switch {
	case len(supported) > 0 && len(refuted) > 0 && apart(supported, refuted):
		v.Verdict = Depends
		v.Reason = fmt.Sprintf("it holds %s, and does not hold %s", v.describe(supported), v.describe(refuted))
	case len(supported) > 0 && len(refuted) > 0:
		v.Verdict = Inconclusive
		v.Reason = fmt.Sprintf("it seems to hold %s and not %s, but not surely enough to say that it depends", v.describe(supported), v.describe(refuted))
	case len(open) > 0:
		v.Verdict = Inconclusive
		nearest := hardest(open)
		v.Reason = soFar(v, supported, refuted) + fmt.Sprintf("open: %s, where %s", v.describe(open), nearest.Reason)
	case len(supported) > 0:
		v.Verdict = Supported
		v.Reason = fmt.Sprintf("%s the whole interval lies beyond %s", everywhere(supported, v.Conditions), asked(supported, v.Margin))
	case len(refuted) > 0:
		v.Verdict = Refuted
		v.Reason = fmt.Sprintf("in none of %s does the ratio go beyond %s", record.Plural(len(refuted), "condition"), asked(refuted, v.Margin))
	default:
		v.Verdict, v.Cause = NotTestable, untested[0].Cause
		v.Reason = fmt.Sprintf("%s: %s", untested[0].where(), untested[0].Reason)
	}
	if v.Verdict != NotTestable && len(untested) > 0 {
		v.Reason += fmt.Sprintf("; not testable here: %s (%s)", v.describe(untested), untested[0].Reason)
	}
	if v.Chain != nil && v.Chain.Whole.Ratio.Mid > 0 { // a single step is not what the claim is about
		whole := v.Chain.Whole.Ratio
		v.Effect, v.Low, v.High = whole.Mid, whole.Low, whole.High
	} else if c := v.deciding(byValue); c != nil {
		v.Effect, v.Low, v.High = c.Ratio.Mid, c.Ratio.Low, c.Ratio.High
	}
	v.Flips = flips(v, answered)
}

// deciding is the condition whose effect is the claim's, and no other's; nil if none has one.
func (v *Verdict) deciding(byValue map[Value][]Condition) *Condition {
	deciding := byValue[v.Verdict]
	if v.Verdict == Depends {
		deciding = byValue[Refuted]
	}
	if deciding = slices.DeleteFunc(slices.Clone(deciding), func(c Condition) bool { return c.Ratio.Mid <= 0 }); len(deciding) > 0 {
		return hardest(deciding)
	}
	return nil
}

// hardest is the cell whose interval begins lowest, as a share of what is asked.
func hardest(cells []Condition) *Condition {
	c := slices.MinFunc(cells, func(a, b Condition) int { return cmp.Compare(a.Ratio.Low/a.AtLeast, b.Ratio.Low/b.AtLeast) })
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

// apart says whether both kinds of conditions hold what they say at the confidence
// at which a claim may depend.
func apart(supported, refuted []Condition) bool {
	return slices.ContainsFunc(supported, func(c Condition) bool { return c.apart == Supported }) &&
		slices.ContainsFunc(refuted, func(c Condition) bool { return c.apart == Refuted })
}

// soFar says how far a claim with open conditions is answered.
func soFar(v *Verdict, supported, refuted []Condition) string {
	of := len(v.Conditions)
	switch {
	case len(supported) > 0:
		return fmt.Sprintf("supported in %d of %s, ", len(supported), record.Plural(of, "condition"))
	case len(refuted) > 0:
		return fmt.Sprintf("refuted in %d of %s, ", len(refuted), record.Plural(of, "condition"))
	}
	return ""
}

// everywhere says in how many conditions a claim is supported.
func everywhere(supported, all []Condition) string {
	switch n := len(supported); {
	case len(all) == 1:
		return "in its one condition"
	case n < len(all):
		return fmt.Sprintf("in %d of %d conditions", n, len(all))
	default:
		return fmt.Sprintf("in all %d conditions", n)
	}
}

// atStart is the level of what is taken before any load.
const atStart = "start"

func (c *Condition) where() string {
	if c.Level == atStart {
		return c.Group
	}
	return fmt.Sprintf("%s, at %s", c.Group, record.PlainLevel(c.Level))
}

// describe names conditions by group and by level. The groups of a chain are causes.
func (v *Verdict) describe(cells []Condition) string {
	var groups []string
	levels := map[string][]string{}
	for _, c := range cells {
		if levels[c.Group] == nil {
			groups = append(groups, c.Group)
		}
		levels[c.Group] = append(levels[c.Group], c.Level)
	}
	for i, g := range groups {
		if v.Chain != nil {
			groups[i] = "for " + g
			continue
		}
		if !slices.Equal(levels[g], []string{atStart}) {
			groups[i] = fmt.Sprintf("%s (%s)", g, record.PlainLevels(levels[g]))
		}
	}
	return strings.Join(groups, " and ")
}

// flips says in one sentence how far the answer is from another one, of the condition
// that is nearest to it.
func flips(v *Verdict, answered []Condition) string {
	if len(answered) == 0 {
		return ""
	}
	nearest := hardest(answered)
	switch v.Verdict {
	case Supported:
		return fmt.Sprintf("The condition nearest to turning: %s. Its interval begins at %s; below %s it would be open.", nearest.where(), multiple(nearest.Ratio.Low), multiple(nearest.AtLeast))
	case Refuted:
		high := slices.MaxFunc(answered, func(a, b Condition) int { return cmp.Compare(a.Ratio.High/a.AtLeast, b.Ratio.High/b.AtLeast) })
		return fmt.Sprintf("The condition nearest to turning: %s. Its interval ends at %s; above %s it would be open.", high.where(), multiple(high.Ratio.High), multiple(high.AtLeast))
	case Depends:
		return fmt.Sprintf("To be supported, every condition would have to be beyond what is asked. The farthest from it: %s, with %s where %s is asked.", nearest.where(), multiple(nearest.Ratio.Mid), multiple(nearest.AtLeast))
	case Inconclusive:
		open := slices.DeleteFunc(slices.Clone(answered), func(c Condition) bool { return c.Verdict != Inconclusive })
		if len(open) == 0 {
			return ""
		}
		c := hardest(open)
		return fmt.Sprintf("It takes a narrower interval: %s, it reaches from %s, across %s. More blocks make it narrower.", c.where(), ratioRange(c.Ratio), multiple(c.AtLeast))
	}
	return ""
}
