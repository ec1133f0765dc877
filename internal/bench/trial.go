package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// trialRun is a trial while it runs.
type trialRun struct {
	*Bench
	arm    record.Arm
	server Server
	spec   load.Spec // what all windows of the trial ask of the engine
	trial  *record.Trial
	event  Event
}

// run runs one trial. The error is ctx's; everything that the server does
// wrong is recorded in the trial.
func (b *Bench) run(ctx context.Context, planned record.PlannedTrial, ev Event) (*record.Trial, error) {
	arm := b.Arms[planned.Arm]
	t := &record.Trial{Schema: record.SchemaVersion, Arm: arm.Name, Start: time.Now().UTC(), Windows: []record.Window{}, Setup: nuisance(planned.Seed)}
	server, err := b.Launcher.Launch(ctx, arm, map[string]string{
		"PYTHONHASHSEED": t.Setup["PYTHONHASHSEED"],
		"HELLOBENCH_PAD": pad(t.Setup["pad"]),
	})
	if err == nil {
		t.Setup["port"] = strings.Trim(fmt.Sprint(server.Ports()), "[]") // of several instances with spaces between
		t.Startup = server.Startup()
		r := &trialRun{Bench: b, arm: arm, server: server, trial: t, event: ev}
		err = r.windows(ctx, planned)
		if stopErr := server.Stop(); err == nil {
			err = stopErr
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		t.Failure = err.Error()
		if fault := (record.Fault{}); errors.As(err, &fault) {
			t.Fault = record.ServerFault
		}
	}
	t.End = time.Now().UTC()
	return t, nil
}

// nuisance draws what a comparison must not depend on, so that it differs
// from start to start instead of favoring an arm throughout a run (Mytkowicz
// et al., ASPLOS 2009). The port is drawn by the launcher.
func nuisance(seed uint64) map[string]string {
	rng := rand.New(rand.NewPCG(seed, 1))
	return map[string]string{
		"PYTHONHASHSEED": strconv.FormatUint(uint64(rng.Uint32()), 10),
		"pad":            strconv.Itoa(rng.IntN(4096)), // bytes by which the environment is longer
	}
}

func pad(size string) string {
	n, _ := strconv.Atoi(size)
	return strings.Repeat("x", n)
}

// windows verifies the server, warms it up and measures it at every level.
func (r *trialRun) windows(ctx context.Context, planned record.PlannedTrial) error {
	if err := r.verify(ctx); err != nil {
		return err
	}
	if !r.arm.Canary() { // which has nothing to warm
		if err := r.warmUp(ctx); err != nil {
			return err
		}
	}
	if r.arm.Beside != "" {
		if _, err := r.server.Verify(ctx, r.arm.Beside); err != nil {
			return err
		}
	}
	for _, l := range planned.Levels {
		level, seed := r.Run.Levels[l], planned.Seed+uint64(l)
		measure := r.window
		if level.Kind == record.SLO {
			measure = r.search
		}
		w, err := measure(ctx, level, seed)
		if err != nil {
			return fmt.Errorf("%v: %w", level, err)
		}
		if err := r.keep(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// verify checks the answers and reads what the server is before any load.
func (r *trialRun) verify(ctx context.Context) error {
	body, err := r.server.Verify(ctx, r.arm.Route)
	if err != nil {
		return err
	}
	r.trial.Runtime = r.server.Runtime(ctx)
	if r.trial.Idle, err = r.server.Usage(); err != nil {
		r.trial.Idle = record.Usage{} // systems without a meter still measure load
	}
	r.spec = load.Spec{
		URLs: r.server.URLs(r.arm.Route), Timeout: r.Run.Timeout, Close: r.arm.Close,
		Expect: load.Expect{Status: r.server.Status(r.arm.Route), Body: body}, CPUs: r.Run.LoadCPUs,
	}
	return nil
}

// capacity is the most that the arm did in a closed loop so far, which leaves
// out the crowds that come last.
func (r *trialRun) capacity() (rate float64) {
	for i := range r.trial.Windows {
		if w := &r.trial.Windows[i]; !w.Warmup && !w.Level.Open() {
			rate = max(rate, w.Load.Throughput())
		}
	}
	return rate
}

// keep appends a window to the trial.
func (r *trialRun) keep(ctx context.Context, w *record.Window) error {
	if err := r.checkCeiling(ctx, w); err != nil {
		return err
	}
	if !w.Warmup {
		w.Gates = gates(w, r.Run)
	}
	if r.arm.Canary() { // that the generator limits it is what it is for
		w.Gates = slices.DeleteFunc(w.Gates, func(g record.Gate) bool { return record.LowerBound(g.Name) })
	}
	r.trial.Windows = append(r.trial.Windows, *w)
	r.event.Window = w
	r.tell(r.event, WindowEnds)
	return nil
}

// checkCeiling corrects a ceiling that a window disproves: the generator did
// more. The calibration is repeated because the machine may be faster now; and
// what an arm reached, the generator can reach.
func (r *trialRun) checkCeiling(ctx context.Context, w *record.Window) error {
	reached, ceiling := w.Load.Throughput(), r.Run.Engine.CeilingAt(w.Level)
	if ceiling == 0 || reached <= ceiling {
		return nil
	}
	if r.Recalibrate != nil && !r.arm.Canary() { // whose windows are a calibration
		if err := r.Recalibrate(ctx, w.Level, r.arm); err != nil {
			return err
		}
	}
	r.Run.Engine.Raise(w.Level, reached)
	return nil
}
