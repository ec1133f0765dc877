package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// windowAt is the length of an arm's windows at a level; rate is that of an open
// loop, in requests a second. An answer beside a calculation is as late as that
// is long, so it takes as long a window, too. An open loop lasts until its p99
// is known, where that is within TailWindow, and as long as the long ones: of a
// short window one pause of some milliseconds is a hundredth, and would be its
// p99. Each of the many windows of a search is short.
func windowAt(r *record.Run, a record.Arm, l record.Level, rate float64) time.Duration {
	window := r.Window
	if r.LongWindow > 0 && (l.Connections >= method.manyConnections || l.Kind == record.Idle || a.Beside != "") {
		window = r.LongWindow
	}
	if rate <= 0 || l.Kind == record.SLO {
		return window
	}
	if tail := time.Duration(method.tailRequests / rate * float64(time.Second)); tail <= r.TailWindow {
		window = max(window, tail, r.LongWindow)
	}
	return window
}

// window measures a level.
func (r *trialRun) window(ctx context.Context, level record.Level, seed uint64) (*record.Window, error) {
	rate := level.Rate
	if level.Kind == record.Share {
		if rate = level.Share * r.capacity(); rate == 0 {
			return nil, errors.New("the arm has no closed-loop level to take its capacity from")
		}
	}
	return r.windowOf(ctx, level, rate, seed)
}

// windowOf measures a level at a rate, which is 0 in a closed loop.
func (r *trialRun) windowOf(ctx context.Context, level record.Level, rate float64, seed uint64) (*record.Window, error) {
	spec := r.spec
	spec.Connections, spec.Duration = level.Connections, windowAt(r.Run, r.arm, level, rate)
	if rate > 0 {
		var err error
		if spec.Schedule, err = load.NewSchedule(rate, "poisson", seed); err != nil {
			return nil, err
		}
	}
	return r.measure(ctx, level, spec, r.arm.Beside)
}

// measure runs one window; beside is the route that is asked beside it, if any.
func (r *trialRun) measure(ctx context.Context, level record.Level, spec load.Spec, beside string) (*record.Window, error) {
	var held Held
	if level.Kind == record.Idle {
		var err error
		if held, err = r.Hold(ctx, spec.URLs[0], spec.Expect.Status, level.Idle); err != nil {
			return nil, err
		}
		defer held.Close()
	}
	settle(ctx, r.server)
	network := r.network()
	var begin beginning
	spec.Opened = func() { begin = r.begin(ctx, beside, spec.Duration) }
	m, err := r.Engine.Run(ctx, spec)
	middle, read := begin.middle.take()
	answers := begin.other.end()
	switch {
	case err != nil:
		return nil, err
	case begin.at.IsZero():
		return nil, fmt.Errorf("the engine %s did not tell when its connections were open", r.Engine.Name())
	}
	w := &record.Window{Level: level, Start: begin.at, Restless: begin.restless, Load: *m, Beside: answers}
	if held != nil {
		w.Held = held.Open()
	}
	if after, err := r.server.Usage(); err == nil {
		if w.Server = after; read {
			w.Server = middle
		}
		w.Server.CPU = after.CPU.Sub(begin.server.CPU)
	}
	w.Host = Disturbance(begin.noise, r.noise(), w.Server.CPU.Total()+host.SelfCPU().Sub(begin.self).Total())
	w.Network = network()
	return w, r.server.Alive()
}

func (b *Bench) noise() host.Noise {
	if b.Noise == nil {
		return host.Noise{}
	}
	n, err := b.Noise()
	if err != nil {
		return host.Noise{}
	}
	return n
}

// Disturbance is what happened between two readings less what the servers and
// the harness used. Interrupts are left out: the measurement causes most of them.
func Disturbance(before, after host.Noise, own time.Duration) record.Disturbance {
	d := after.Sub(before)
	return record.Disturbance{Elapsed: d.Total(), Others: max(0, d.User+d.System-own-method.tickError), Steal: d.Steal, Throttled: d.Throttled}
}
