package stats

import "math"

// Interval is an estimate with its confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	Mid  float64 `json:"mid"`
	High float64 `json:"high"`
}

// Bounded reports whether both ends are finite numbers.
func (i Interval) Bounded() bool {
	return !math.IsNaN(i.Low-i.High) && !math.IsInf(i.Low, 0) && !math.IsInf(i.High, 0)
}

// HalfWidth is the relative half-width of an interval of positive values,
// measured on the log scale: 0.03 means that either end lies within a factor
// 1.03 of the geometric middle. It is +Inf unless 0 < Low <= High < +Inf, so
// that an interval that says nothing never counts as narrow.
//
// The measuring loop stops on it, and on nothing else: the width does not show
// which arm is ahead, so stopping on it cannot favor an answer. SpendAlpha
// tells which interval to feed it at each look.
func (i Interval) HalfWidth() float64 {
	if !i.Bounded() || i.Low <= 0 || i.High < i.Low {
		return math.Inf(1)
	}
	return math.Expm1(math.Log(i.High/i.Low) / 2)
}

// exp maps an interval of logarithms to one of ratios. Unbounded ends become 0 and +Inf.
func (i Interval) exp() Interval {
	return Interval{Low: math.Exp(i.Low), Mid: math.Exp(i.Mid), High: math.Exp(i.High)}
}
