package bench

import (
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// holds says whether a window held the objective. The percentile is taken from
// what is there, however few: all windows decide together, not one.
func holds(m *record.Measurement) bool {
	if m.Requests == 0 || m.Latency == nil || m.ErrorRate() > method.sloErrors || m.Delivered() < method.sloSent {
		return false
	}
	h, err := m.Latency.Histogram()
	return err == nil && h.Quantile(method.sloQuantile) <= method.sloLatency
}

// nextProbe is the rate at which the next window tries the objective: where the
// windows so far leave it most open, from half of the arm's capacity in a closed
// loop to some more than that, so that the failing side is seen.
func (t *trialRun) nextProbe(level record.Level, capacity float64) float64 {
	var probes []stats.Probe
	for i := range t.record.Windows {
		if w := &t.record.Windows[i]; w.Level == level {
			for _, p := range w.Probes {
				probes = append(probes, stats.Probe{Rate: p.Rate, Passed: p.Passed})
			}
		}
	}
	return stats.Threshold(probes, method.sloLow*capacity, method.sloHigh*capacity)
}
