package session

import (
	"context"
	"errors"
	"time"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// checkAgain compares the engines once more where they did not agree before the
// run: a disturbance passes, an engine that errs does not.
func (s *Session) checkAgain(ctx context.Context) error {
	if !s.Run.Engine.Disproved() {
		return nil
	}
	c, err := s.crossCheck(ctx)
	if err == nil && c != nil {
		s.Run.Engine.CrossCheck = c
	}
	return err
}

// crossCheck has both engines ask the first arm that runs, at a fifth of what
// it or the slower engine can do, and compares what they read. It is nil if no
// arm runs.
func (s *Session) crossCheck(ctx context.Context) (*record.CrossCheck, error) {
	engines := [2]load.Engine{s.newEngine("wire"), s.newEngine("vegeta")}
	ceiling, err := s.ceiling(ctx, engines[1])
	if err != nil {
		return nil, err
	}
	for _, arm := range present(s.Run.Arms, s.Run.Missing) {
		var c *record.CrossCheck
		noisy := s.watchNoise()
		arm.Instances = 0 // a schedule is for one, and what is asked is about the engines
		err := s.briefly(ctx, s.startOf(arm, nil, ""), arm.Route, func(spec load.Spec) (err error) {
			spec.Close = arm.Close
			c, err = s.compareEngines(ctx, engines, arm.Name, ceiling, spec)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			s.say("warning: %v", err) // its trials will say so too
			continue
		case c == nil: // neither engine could read anything of it
			continue
		case !c.Agree && noisy():
			// Nothing is known of the engines then. The gates will judge each window.
			s.notice("The engines could not be compared: other work used too much of this machine when they were.")
			return nil, nil
		case !c.Agree && len(s.Run.LoadCPUs) == 0 && !s.apart():
			s.notice("The engines could not be compared: they share their cores with the servers.")
			return nil, nil
		}
		return c, nil
	}
	s.notice("The engines could not be compared: no arm answered.")
	return nil, nil
}

// watchNoise reads what else happens on the run's cores; what it returns says
// whether that was too much since then. The servers that were started in the
// meantime have to be stopped by then, for their time to be known.
func (s *Session) watchNoise() func() bool {
	read := s.readCores()
	if read == nil {
		return func() bool { return false }
	}
	own := func(r *host.Reading) time.Duration { return r.Self.Total() + r.Children.Total() }
	before, err := read()
	return func() bool {
		after, again := read()
		if errors.Join(err, again) != nil {
			return false
		}
		for i := range after {
			if bench.Noisy(bench.Disturbance(before[i].Noise, after[i].Noise, own(&after[i])-own(&before[i]))) {
				return true
			}
		}
		return false
	}
}

// checks is how often the engines may be compared: a disturbance can spoil a
// comparison, an engine that errs spoils all.
const checks = 3

// compareEngines compares the engines on the server of a specification, and on
// the null server for what vegeta's reading costs.
func (s *Session) compareEngines(ctx context.Context, engines [2]load.Engine, arm string, ceiling float64, spec load.Spec) (*record.CrossCheck, error) {
	m, err := engines[0].Run(ctx, spec)
	if err != nil {
		return nil, err
	}
	rate := max(min(ceiling, m.Throughput())/5, 1)
	var c *record.CrossCheck
	err = s.withNull(ctx, func(null load.Spec) error {
		null.Close = spec.Close // to open a connection costs the engines differently, too
		for i := range checks {
			for _, sp := range []*load.Spec{&null, &spec} {
				sp.Schedule = &load.Schedule{Rate: rate, Poisson: true, Seed: s.Run.Seed + uint64(i)}
			}
			var cost, read [2]reading
			if cost, err = readInTurns(ctx, engines, null); err == nil {
				read, err = readInTurns(ctx, engines, spec)
			}
			if err != nil {
				return err
			}
			if read[0].p50 == record.MaxLatency && read[1].p50 == record.MaxLatency {
				return nil
			}
			if c = crossCheck(arm, rate, cost, read); c.Agree {
				return nil
			}
		}
		return nil
	})
	return c, err
}

// reading is what an engine reads of a server: the lower of two windows each,
// for a disturbance hits one, and how far the two are apart.
type reading struct{ p50, p90, apart50, apart90 time.Duration }

// readInTurns has both engines read a server, in turns that favor neither.
func readInTurns(ctx context.Context, engines [2]load.Engine, spec load.Spec) (out [2]reading, err error) {
	var windows [2][]reading
	for _, i := range []int{0, 1, 1, 0} {
		m, err := engines[i].Run(ctx, spec)
		if err != nil {
			return out, err
		}
		if m.Latency == nil || m.Latency.Count == 0 || m.ErrorRate() > mostErrors {
			// Where one engine gets answers and the other does not, they do not agree.
			windows[i] = append(windows[i], reading{p50: record.MaxLatency, p90: record.MaxLatency})
			continue
		}
		h, err := m.Latency.Histogram()
		if err != nil {
			return out, err
		}
		windows[i] = append(windows[i], reading{p50: h.Quantile(0.5), p90: h.Quantile(0.9)})
	}
	for i, w := range windows {
		out[i] = reading{
			p50: min(w[0].p50, w[1].p50), apart50: (w[0].p50 - w[1].p50).Abs(),
			p90: min(w[0].p90, w[1].p90), apart90: (w[0].p90 - w[1].p90).Abs(),
		}
	}
	return out, nil
}

// The engines agree if their percentiles differ by no more than this, beyond
// what an engine differs from itself.
const (
	agreeShare = 0.05
	agreeTime  = 20 * time.Microsecond
	// mostApart bounds what an engine may differ from itself: more tells nothing.
	mostApart = 200 * time.Microsecond
	// mostErrors is the share of failed requests from where on an engine reads nothing.
	mostErrors = 0.01
	// mostWake bounds what it may cost to wake a goroutine: one core that another
	// thread keeps would be a cost of milliseconds.
	mostWake = 250 * time.Microsecond
)

// crossCheck compares two readings of an arm; cost are those of the null server,
// of wire and of vegeta each.
func crossCheck(arm string, rate float64, cost, read [2]reading) *record.CrossCheck {
	c := &record.CrossCheck{
		Arm: arm, Rate: rate, Wire: read[0].p50, WireP90: read[0].p90,
		Wake: min(max(cost[1].p50-cost[0].p50, 0), mostWake), WakeP90: min(max(cost[1].p90-cost[0].p90, 0), mostWake),
	}
	c.Vegeta, c.VegetaP90 = max(read[1].p50-c.Wake, 0), max(read[1].p90-c.WakeP90, 0)
	apart50 := min(cost[0].apart50+cost[1].apart50+read[0].apart50+read[1].apart50, mostApart)
	apart90 := min(cost[0].apart90+cost[1].apart90+read[0].apart90+read[1].apart90, mostApart)
	over50, tolerance50 := disagreement(c.Wire, c.Vegeta, apart50)
	over90, tolerance90 := disagreement(c.WireP90, c.VegetaP90, apart90)
	c.Tolerance = tolerance50
	if over90 > over50 {
		c.Tolerance = tolerance90
	}
	c.Agree = max(over50, over90) <= 0
	return c
}

// disagreement is by how much two percentiles differ more than is tolerated,
// and what is tolerated.
func disagreement(a, b, apart time.Duration) (over, tolerance time.Duration) {
	tolerance = max(time.Duration(agreeShare*float64(min(a, b))), agreeTime) + apart
	return (a - b).Abs() - tolerance, tolerance
}
