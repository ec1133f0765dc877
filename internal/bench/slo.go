package bench

import (
	"context"
	"fmt"
	"math"

	"github.com/hellobench/hellobench/internal/load"
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
// capacity itself, and keeps a window at that rate. If not even the lowest rate
// is held, that one's window is kept with its probe: a finding, and no value. The
// search gives one value of one trial; the blocks repeat it in fresh starts.
func (b *Bench) search(ctx context.Context, server Server, level record.Level, spec load.Spec, seed uint64, t *record.Trial, ev Event) error {
	low, high := capacity(t)/method.sloReach, capacity(t)
	if high == 0 {
		return fmt.Errorf("%v: the arm has no closed-loop level to begin from", level)
	}
	var best *record.Window
	var probes []record.Probe
	for rate := low; ; rate = math.Sqrt(low * high) {
		p, w, err := b.probe(ctx, server, spec, rate, seed+uint64(len(probes)*method.sloTries), t)
		if err != nil {
			return fmt.Errorf("%v: %w", level, err)
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
	best.Level, best.Probes = level, probes
	return b.keep(ctx, best, t, ev)
}

// probe tries one rate until most of its windows agree; last is the last of
// those that agreed.
func (b *Bench) probe(ctx context.Context, server Server, spec load.Spec, rate float64, seed uint64, t *record.Trial) (p record.Probe, last *record.Window, err error) {
	p.Rate = rate
	most := method.sloTries/2 + 1
	for passed := 0; passed < most && p.Trials-passed < most; p.Trials++ {
		w, err := b.measure(ctx, server, record.Level{Kind: record.SLO, Rate: rate}, spec, seed+uint64(p.Trials), t, false)
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
