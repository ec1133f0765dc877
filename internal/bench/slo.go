package bench

import (
	"context"
	"errors"
	"math"

	"github.com/hellobench/hellobench/internal/record"
)

// searchWindows is how many windows a search takes as a rule: the first rate
// and six bisections of a factor of 16 down to 5%, and two windows a rate. It is
// for the estimate of the time that is left.
const searchWindows = 14

// holds says whether a window held the objective. The percentile is taken from
// what is there, however few: several windows decide, not one.
func holds(m *record.Measurement) bool {
	if m.Requests == 0 || m.Latency == nil || m.ErrorRate() > method.sloErrors || m.Delivered() < method.sloSent {
		return false
	}
	h, err := m.Latency.Histogram()
	return err == nil && h.Quantile(method.sloQuantile) <= method.sloLatency
}

// search finds the largest rate at which the server holds the objective, by
// bisection of its logarithm between a sixteenth of the arm's capacity and the
// capacity itself, and returns a window at that rate. If not even the lowest rate
// is held, it returns that one's window with its probe: a finding, and no value. The
// search gives one value of one trial; the blocks repeat it in fresh starts.
func (r *trialRun) search(ctx context.Context, level record.Level, seed uint64) (best *record.Window, err error) {
	high := r.capacity()
	low := high / method.sloReach
	if high == 0 {
		return nil, errors.New("the arm has no closed-loop level to begin from")
	}
	var probes []record.Probe
	for rate := low; ; rate = math.Sqrt(low * high) {
		p, w, err := r.probe(ctx, level, rate, seed+uint64(len(probes)*method.sloTries))
		if err != nil {
			return nil, err
		}
		probes = append(probes, p)
		if p.Passed || best == nil {
			low, best = rate, w
		} else {
			high = rate
		}
		if !probes[0].Passed || high/low <= method.sloBracket {
			break
		}
	}
	best.Probes = probes
	return best, nil
}

// probe tries one rate until most of its windows agree; last is the last of
// those that agreed.
func (r *trialRun) probe(ctx context.Context, level record.Level, rate float64, seed uint64) (p record.Probe, last *record.Window, err error) {
	p.Rate = rate
	most := method.sloTries/2 + 1
	for passed := 0; passed < most && p.Trials-passed < most; p.Trials++ {
		w, err := r.windowOf(ctx, level, rate, seed+uint64(p.Trials))
		if err != nil {
			return p, nil, err
		}
		holds := holds(&w.Load)
		if holds {
			passed++
		}
		if p.Passed = passed >= most; last == nil || holds == p.Passed {
			last = w
		}
	}
	return p, last, nil
}
