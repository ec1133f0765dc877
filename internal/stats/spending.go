package stats

import (
	"math"
)

// PlannedLooks are the numbers of blocks after which a run looks at its intervals.
func PlannedLooks() []int { return []int{5, 10, 15, 20, 30} }

// Spending is how much of alpha may be spent once a fraction of the
// planned blocks is in: 0 at 0, alpha at 1, never falling.
type Spending func(alpha, fraction float64) float64

// Pocock spends almost evenly: alpha ln(1 + (e-1) t).
// Source: Lan & DeMets (Biometrika 1983), second spending function.
func Pocock(alpha, fraction float64) float64 {
	if fraction <= 0 {
		return 0
	}
	return alpha * math.Log1p((math.E-1)*math.Min(fraction, 1))
}

// SpendAlpha is the part of alpha that each look may use: look k, after looks[k]
// blocks of looks[len-1] planned, gets f at its fraction less f at the look
// before. The parts add up to alpha, so the intervals computed at confidence
// 1 - part[k] all hold together with probability at least 1 - alpha (union
// bound), whatever rule picks the one that is reported. That needs no known
// variance and no normal increments, unlike the boundaries of Lan & DeMets, and
// costs some width.
//
// How this relates to stopping on width: a run stops at the first look whose
// interval, computed at that look's part, has HalfWidth at most the goal. The
// width does not depend on which arm is ahead, but it does on the spread seen
// so far, and a run that stops when the spread happens to look small would
// cover too rarely at the nominal confidence. Spending pays for that, and for any other
// reason to stop at a look. A reader who knows only the reported interval may
// quote it at confidence 1 - alpha.
//
// looks must rise from at least 2; alpha must lie strictly between 0 and 1. A
// run that was sharded or resumed keeps the looks that were planned.
func SpendAlpha(f Spending, alpha float64, looks []int) []float64 {
	parts := make([]float64, len(looks))
	spent, last := 0.0, float64(looks[len(looks)-1])
	for k, blocks := range looks {
		now := f(alpha, float64(blocks)/last)
		parts[k], spent = now-spent, now
	}
	return parts
}
