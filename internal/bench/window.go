package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// windowAt is the length of an experiment's windows at a level. With thousands of
// connections the first and the last requests are a part of a short window that
// Little's law shows; a probe of the SLO has to be long enough for a queue to grow.
func (b *Bench) windowAt(e *record.Experiment, l record.Level) time.Duration {
	window := e.Window
	if l.Connections >= method.manyConnections || l.Kind() == record.Idle {
		window = max(window, b.Run.LongWindow)
	}
	if l.Kind() == record.SLO {
		window = max(window, method.sloWindow)
	}
	return window
}

// window measures a level.
func (t *trialRun) window(ctx context.Context, level record.Level, pass int, seed uint64) (*record.Window, error) {
	spec := t.spec
	spec.Connections, spec.Duration, spec.LeadIn = level.Connections, t.windowAt(t.experiment, level), t.experiment.LeadIn
	rate := level.Rate
	if level.Kind().OfCapacity() {
		capacity := t.capacity()
		if capacity == 0 {
			return nil, t.noCapacity()
		}
		if rate = level.Share * capacity; level.Kind() == record.SLO {
			rate = t.nextProbe(level, capacity)
		}
	}
	if rate > 0 {
		spec.Schedule = &load.Schedule{Rate: rate, Poisson: true, Seed: seed}
	}
	w, err := t.measure(ctx, level, spec, t.beside, pass == t.experiment.Passes-1)
	if err != nil {
		return nil, err
	}
	if w.Pass = pass; level.Kind() == record.SLO {
		w.Probes = []record.Probe{{Rate: rate, Trials: 1, Passed: holds(&w.Load)}}
	}
	return w, nil
}

// measure runs one window, with what is asked beside it, if anything. Memory is read in
// the middle of the windows of the last pass only: to read it stops the server for some
// milliseconds.
func (t *trialRun) measure(ctx context.Context, level record.Level, spec load.Spec, beside *http1.Exchange, memory bool) (*record.Window, error) {
	held := func() int { return 0 }
	if level.Kind() == record.Idle {
		end, err := t.Hold(ctx, &spec.Exchanges[0], level.Idle)
		if err != nil {
			return nil, err
		}
		held = sync.OnceValue(end)
		defer held()
	}
	if _, err := settle(ctx, func() time.Duration { return t.clocks().sum() }); err != nil { // the one before may be closing its connections
		return nil, err
	}
	network := t.network()
	r := watch{trial: t, window: spec.Duration, beside: beside, memory: memory}
	spec.Opened, spec.Began, spec.Ended = func() { r.opened(ctx) }, r.began, r.ended
	m, err := t.Engine.Run(ctx, spec)
	middle, read := r.middle.take()
	answers := 0
	if r.other != nil {
		answers = r.other()
	}
	switch {
	case err != nil:
		return nil, err
	case r.at.IsZero():
		return nil, fmt.Errorf("the engine %s did not tell when its window began", t.Engine.Name())
	}
	r.after = t.read()
	w := &record.Window{
		Level: level, Start: r.at, Restless: r.restless, Load: *m, Beside: answers,
		Host: r.disturbance(), Network: network(), Held: held(),
	}
	if read { // its counts are those since the start; used has the window's
		w.Server = record.Usage{RSS: middle.RSS, PSS: middle.PSS, Threads: middle.Threads, Processes: middle.Processes}
	}
	w.Others = r.used(&w.Server)
	return w, t.server.Alive()
}

func (b *Bench) cores() []host.Reading {
	if b.Cores == nil {
		return nil
	}
	read, err := b.Cores()
	if err != nil {
		return nil
	}
	return read
}

// Disturbance is what happened between two readings less what the servers and
// the harness used. Interrupts are left out: the measurement causes most of them.
func Disturbance(before, after host.Noise, own time.Duration) record.Disturbance {
	d := after.Sub(before)
	return record.Disturbance{Elapsed: d.Total(), Others: max(0, d.User+d.System-own-method.tickError), Steal: d.Steal, Throttled: d.Throttled}
}
