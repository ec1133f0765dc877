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

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// trialRun is a trial while it runs.
type trialRun struct {
	*blockRun
	arm     record.Arm
	planned record.PlannedTrial
	record  *record.Trial
	server  Server    // nil: it does not run
	spec    load.Spec // what all windows of the trial ask of the engine
	beside  *http1.Exchange
}

func newTrial(r *blockRun, planned record.PlannedTrial) *trialRun {
	return &trialRun{blockRun: r, arm: r.Arms[planned.Arm], planned: planned, record: &record.Trial{
		Schema: record.SchemaVersion, Arm: planned.Arm, Start: time.Now().UTC(), Windows: []record.Window{}, Setup: nuisance(planned.Seed),
	}}
}

// start starts the server, verifies it and warms it up.
func (t *trialRun) start(ctx context.Context) error {
	server, err := t.Launcher.Launch(ctx, t.arm, map[string]string{
		"PYTHONHASHSEED": t.record.Setup["PYTHONHASHSEED"],
		"HELLOBENCH_PAD": pad(t.record.Setup["pad"]),
	})
	if err != nil {
		return err
	}
	t.server = server
	t.record.Setup["port"] = strings.Trim(fmt.Sprint(server.Ports()), "[]") // of several instances with spaces between
	t.record.Startup = server.Startup()
	if err := t.verify(ctx); err != nil {
		return err
	}
	if t.arm.Beside != "" {
		beside, err := server.Verify(ctx, t.arm.Beside)
		if err != nil {
			return err
		}
		t.beside = &beside[0]
	}
	if t.arm.Canary() { // which has nothing to warm
		return nil
	}
	return t.warmUp(ctx)
}

// fail ends a trial that cannot go on.
func (t *trialRun) fail(err error) {
	t.record.Failure = err.Error()
	if fault := (record.Fault{}); errors.As(err, &fault) {
		t.record.Fault = record.ServerFault
	}
	t.stop()
	t.tellOf(t, ArmFailed, nil)
}

// stop ends the server and the trial.
func (t *trialRun) stop() {
	if t.server != nil {
		if err := t.server.Stop(); err != nil && t.record.Failure == "" {
			t.record.Failure = err.Error()
		}
		t.server = nil
	}
	if t.record.End.IsZero() {
		t.record.End = time.Now().UTC()
	}
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

// verify checks the answers and reads what the server is before any load.
func (t *trialRun) verify(ctx context.Context) error {
	exchanges, err := t.server.Verify(ctx, t.arm.Route)
	if err != nil {
		return err
	}
	t.record.Runtime = t.server.Runtime(ctx)
	if t.record.Idle, err = t.server.Usage(true); err != nil {
		t.record.Idle = record.Usage{} // systems without a meter still measure load
	}
	t.spec = load.Spec{Exchanges: exchanges, Timeout: t.Run.Timeout, Close: t.arm.Close, CPUs: t.Run.LoadCPUs, Sleep: t.arm.Shared && !t.Run.Apart()}
	return nil
}

// capacity is the most that the arm did in a closed loop of this trial, as the
// mean of its windows at a level; crowds do not count where anything else does.
func (t *trialRun) capacity() (rate float64) {
	sums := map[record.Level]*record.Measurement{}
	for i := range t.record.Windows {
		w := &t.record.Windows[i]
		if w.Warmup || w.Level.Open() {
			continue
		}
		if sums[w.Level] == nil {
			sums[w.Level] = &record.Measurement{}
		}
		sums[w.Level].Add(&w.Load)
	}
	crowd := 0.0
	for level, m := range sums {
		if level.Crowd() {
			crowd = max(crowd, m.Throughput())
		} else {
			rate = max(rate, m.Throughput())
		}
	}
	if rate == 0 {
		return crowd
	}
	return rate
}

// noCapacity says why no closed loop of the trial shows what the arm can do.
func (t *trialRun) noCapacity() error {
	for i := range t.record.Windows {
		if w := &t.record.Windows[i]; !w.Warmup && !w.Level.Open() && w.Load.FirstError != "" {
			return record.Fault{Err: fmt.Errorf("no correct answer in the closed loop, which shows the capacity: %s", w.Load.FirstError)}
		}
	}
	return errors.New("no closed loop shows the capacity of the arm: no response came within a window")
}

// visit measures a level, given by its index, in a pass.
func (t *trialRun) visit(ctx context.Context, index, pass int) error {
	level, seed := t.Run.Levels[index], t.planned.Seed+uint64(index)<<32+uint64(pass)
	w, err := t.window(ctx, level, pass, seed)
	if err != nil {
		return fmt.Errorf("%v: %w", level, err)
	}
	return t.keep(ctx, w)
}

// keep appends a window to the trial.
func (t *trialRun) keep(ctx context.Context, w *record.Window) error {
	if err := t.checkCeiling(ctx, w); err != nil {
		return err
	}
	if !w.Warmup {
		w.Gates = gates(w, t.arm, t.Run)
	}
	if t.arm.Canary() { // that the generator limits it is what it is for
		w.Gates = slices.DeleteFunc(w.Gates, func(g record.Gate) bool { return record.LowerBound(g.Name) })
	}
	t.record.Windows = append(t.record.Windows, *w)
	t.tellOf(t, WindowEnds, w)
	return nil
}

// checkCeiling corrects a ceiling that a window disproves: the generator did
// more. The calibration is repeated because the machine may be faster now; and
// what an arm reached, the generator can reach.
func (t *trialRun) checkCeiling(ctx context.Context, w *record.Window) error {
	reached, ceiling := w.Load.Throughput(), t.Run.Engine.CeilingAt(w.Level)
	if ceiling == 0 || reached <= ceiling {
		return nil
	}
	if t.Recalibrate != nil && !t.arm.Canary() { // whose windows are a calibration
		if err := t.Recalibrate(ctx, w.Level, t.arm); err != nil {
			return err
		}
	}
	t.Run.Engine.Raise(w.Level, reached)
	return nil
}
