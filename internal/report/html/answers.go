package html

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

// answer is all claims that got the same answer, on the first screen.
type answer struct {
	Value claims.Value
	Class string
	Mark  string
	Cards []card
}

// card is one claim with its evidence.
type card struct {
	claims.Verdict
	Class  string // of the color: the answer with dashes
	Mark   string // says the same as the color
	Short  string // what stands beside the claim
	Forest []forestRow
	Axis   *forestAxis // nil where no condition is drawn
	Chain  *show.Grid
	Facts  *show.Grid
}

func newCard(v claims.Verdict) card {
	c := card{Verdict: v, Class: strings.ReplaceAll(string(v.Verdict), " ", "-"), Mark: mark(v.Verdict), Short: beside(&v), Chain: show.Chain(&v), Facts: show.Facts(&v)}
	c.Forest, c.Axis = forest(v.Conditions)
	for i := range c.Forest {
		c.Forest[i].Asks = show.AtLeast(&c.Forest[i].Condition, v.Margin)
	}
	return c
}

// mark says the same as the color of an answer.
func mark(v claims.Value) string {
	switch v {
	case claims.Supported:
		return "✓"
	case claims.Refuted:
		return "✗"
	case claims.Depends:
		return "±"
	case claims.NotTestable, claims.Value(claims.NotMeasurable):
		return "–"
	}
	return "?"
}

// beside is the effect, or what a look at the servers found, and nothing where
// there is no answer: the effect of some conditions is not that of the claim.
func beside(v *claims.Verdict) string {
	if v.Verdict == claims.NotTestable {
		return ""
	}
	if v.Effect > 0 {
		return show.Effect(v.Effect, v.Low, v.High) + show.Asks(v)
	}
	for _, f := range v.Facts { // the one that decides
		if f.Found != "" && f.Holds == (v.Verdict == claims.Supported) {
			return show.Text(f.Field + ": " + f.Found)
		}
	}
	return ""
}

// answers groups the claims by answer, and lists those that no measurement can tell.
func answers(d *report.Document) (out []answer) {
	const unmeasured = claims.Value(claims.NotMeasurable)
	for _, value := range append(slices.Clone(claims.Values), unmeasured) {
		a := answer{Value: value, Class: strings.ReplaceAll(string(value), " ", "-"), Mark: mark(value)}
		for _, v := range d.Verdicts {
			if unmeasurable := v.Kind == claims.NotMeasurable; unmeasurable && value == unmeasured || !unmeasurable && value == v.Verdict {
				a.Cards = append(a.Cards, card{Verdict: v, Short: beside(&v)})
			}
		}
		if len(a.Cards) > 0 {
			out = append(out, a)
		}
	}
	return out
}

// Geometry of a forest plot's row.
const (
	forestWidth  = 200
	forestHeight = 22
)

// forestRow is one condition of a claim with its interval drawn.
type forestRow struct {
	claims.Condition
	Drawn                bool
	Mid, Low, High       float64 // coordinates
	One                  float64
	MarginLow, MarginTop float64 // what is not material
	Width, Height        float64
	Sides                string // what is compared
	Asks                 string // the ratio, where the margin does not say it
}

type tick struct {
	At    float64
	Label string
}

// forestAxis names places on the axis that all conditions of a claim share.
type forestAxis struct {
	Width float64
	Ticks []tick
}

// forest draws the conditions of one claim on one logarithmic axis.
func forest(cells []claims.Condition) ([]forestRow, *forestAxis) {
	reach := 1.5       // the axis is the same to both sides of 1
	const widest = 200 // an interval beyond it says nothing, and would hide the others
	drawn := false
	for _, c := range cells {
		drawn = drawn || c.Ratio.Mid > 0
		for _, v := range []float64{c.Ratio.Low, c.Ratio.High} {
			if v = min(max(v, 1.0/widest), widest); c.Ratio.Mid > 0 {
				reach = max(reach, math.Max(v, 1/v))
			}
		}
	}
	x := func(v float64) float64 {
		half := math.Log(max(v, 0.5/widest)) / math.Log(reach*1.1)
		return math.Round(10*(forestWidth/2+(forestWidth/2-4)*min(max(half, -1), 1))) / 10
	}
	rows := make([]forestRow, len(cells))
	for i, c := range cells {
		r := forestRow{Condition: c, Sides: show.Compared(&c), Drawn: c.Ratio.Mid > 0, One: x(1), Width: forestWidth, Height: forestHeight}
		r.Mid, r.Low, r.High = x(c.Ratio.Mid), x(c.Ratio.Low), x(c.Ratio.High)
		r.MarginLow, r.MarginTop = x(1), x(1)
		if c.AtLeast > 0 {
			r.MarginLow, r.MarginTop = x(min(c.AtLeast, 1/c.AtLeast)), x(max(c.AtLeast, 1/c.AtLeast))
		}
		rows[i] = r
	}
	if !drawn {
		return rows, nil
	}
	axis := &forestAxis{Width: forestWidth, Ticks: []tick{{x(1), "1"}}}
	for _, v := range []float64{100, 30, 10, 5, 3, 2, 1.4} {
		if 1.15*v <= reach { // a label at the edge would be cut
			axis.Ticks = append(axis.Ticks, tick{x(1 / v), fmt.Sprintf("1/%g", v)}, tick{x(v), fmt.Sprintf("%g", v)})
			break
		}
	}
	return rows, axis
}
