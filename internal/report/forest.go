package report

import "github.com/hellobench/hellobench/internal/claims"

// forestStyles tell the answers apart, by shape as well as by color.
var forestStyles = []claims.Value{claims.Supported, claims.Refuted, claims.Depends, claims.Inconclusive}

// forestChart is every measured claim that has a ratio, in the condition that decides: the
// ratio with its interval, what the claim asks for, and the answer.
func forestChart(d *Document) Chart {
	c := Chart{
		Quantity: OfAnswers, Name: "answers", Kind: "dots", Title: "What the measurement says: each claim in the condition that decides",
		Y: Axis{Label: "Ratio, above 1 in the claimed direction", Log: true, From: 0.8, To: 1.25},
	}
	for style, value := range forestStyles {
		for i := range d.Verdicts {
			v := &d.Verdicts[i]
			if v.Verdict != value || v.Effect <= 0 {
				continue
			}
			p := Point{Y: Estimate{Mid: v.Effect, Low: v.Low, High: v.High}, Blocks: []float64{}}
			if h := v.Headline(); h != nil {
				p.Y.Blocks, p.Asks = h.Blocks, h.AtLeast
			}
			c.Series = append(c.Series, Series{Arm: v.ID, Label: v.ID + ": " + string(v.Verdict), Style: style, Points: []Point{p}})
		}
	}
	return c
}
