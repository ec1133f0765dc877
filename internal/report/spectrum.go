package report

import (
	"math"

	"github.com/hellobench/hellobench/internal/record"
)

// Dot is a place on a curve.
type Dot struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// spectrum is the whole distribution of an arm's latencies at a level, that of all its
// starts together: the latency in seconds at x = 1/(1-p), for p from 10% up to the
// highest percentile that so many requests tell.
func (d *Document) spectrum(arm string, level Level) (curve []Dot) {
	const perDecade = 12
	var all *record.Histogram
	for _, s := range d.samples(arm, level, d.table.Shown()) {
		for _, w := range s.Rounds {
			if w.Load.Latency == nil || w.Load.Latency.Count == 0 {
				continue
			}
			h, err := w.Load.Latency.Histogram()
			if err != nil {
				continue // the sample was made from it: it can be read
			}
			if all == nil {
				all = h
			} else {
				all.Merge(h)
			}
		}
	}
	if all == nil {
		return nil
	}
	for k := 0; ; k++ {
		x := math.Pow(10, 1.0/perDecade+float64(k)/perDecade)
		q := 1 - 1/x
		if !record.Known(q, all.Count()) {
			return curve
		}
		curve = append(curve, Dot{x, all.Quantile(q).Seconds()})
	}
}
