// Package bench is the measuring loop: start a server, verify it, warm it up,
// measure it at every level, stop it, write the trial down; trial after trial,
// block after block. It never prints, and it knows servers and load
// generators only through the interfaces that it declares.
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

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// Server is a running server, as far as the loop is concerned: one instance of
// it, or several to which the load is dealt.
type Server interface {
	URLs(path string) []string // one an instance
	Ports() []int
	Startup() time.Duration
	// Verify checks the answers of a route and returns the body that all must have.
	Verify(ctx context.Context, route string) ([]byte, error)
	// Status is that of a correct answer of a route.
	Status(route string) int
	// Runtime is what the server says of itself.
	Runtime(ctx context.Context) map[string]string
	// Usage is what the process tree has used since its start.
	Usage() (record.Usage, error)
	// Alive is nil while the server runs, else it says how it ended.
	Alive() error
	Stop() error
}

// Launcher starts an arm's server in a fresh process with additional
// environment variables and returns once it answers.
type Launcher interface {
	Launch(ctx context.Context, arm record.Arm, env map[string]string) (Server, error)
}

// Held is idle connections that are kept open.
type Held interface {
	Open() int // how many are open now
	Close()
}

// Sink takes finished trials and keeps them.
type Sink interface {
	Append(*record.Trial) error
}

// Event tells an observer how far the run has come. Trial is nil when a trial
// begins; Window is set when a window of it ends.
type Event struct {
	Block, Blocks   int // from 0; Blocks is what is expected by now
	Trial, Trials   int // within the block, from 0
	Arm             string
	Kind            EventKind
	Window          *record.Window
	Failure         string
	Remaining, Took time.Duration // estimate; of the trial
}

// EventKind says what happened.
type EventKind int

// The kinds of events.
const (
	TrialBegins EventKind = iota
	WindowEnds
	TrialEnds
)

// Bench runs the blocks of a run.
type Bench struct {
	Run      *record.Run
	Launcher Launcher
	Engine   load.Engine
	Sink     Sink
	Hold     func(ctx context.Context, url string, status, n int) (Held, error) // opens idle connections
	Noise    func() (host.Noise, error)                                         // of the run's cores; nil: not read
	Network  func() (host.Network, error)                                       // nil: not read
	// Recalibrate, if set, measures the generator's ceiling at a level again,
	// which an arm's window has disproved, and raises it in Run.
	Recalibrate func(ctx context.Context, level record.Level, arm record.Arm) error

	Observe func(Event)           // may be nil
	Done    []record.Trial        // trials that the journal already holds
	Arms    map[string]record.Arm // by name

	// Enough, if set, is asked after each of the numbers of blocks in Looks
	// whether what is measured suffices, and how many blocks should.
	Looks  []int
	Enough func() (enough bool, expected int, err error)
}

// Blocks runs what is planned and not done. It returns ctx's error if it
// ended, the sink's if a trial could not be written; a server that fails is a
// trial with a failure and ends nothing but that trial.
func (b *Bench) Blocks(ctx context.Context) error {
	type key struct {
		block int
		arm   string
	}
	done := map[key]bool{}
	for _, t := range b.Done {
		done[key{t.Block, t.Arm}] = true
	}
	isDone := func(block int, p record.PlannedTrial) bool {
		return done[key{block, p.Arm}] || !b.Run.Shard.Has(block)
	}
	expected := len(b.Run.Plan)
	if len(b.Looks) > 0 {
		expected = b.Looks[0]
	}
	pace, canary := pace{}, canary{}
	for i, block := range b.Run.Plan {
		for j, planned := range block {
			if isDone(i, planned) {
				continue
			}
			ev := Event{Block: i, Blocks: max(expected, i+1), Trial: j, Trials: len(block), Arm: planned.Arm}
			ev.Remaining = pace.remaining(b.left(i, j, ev.Blocks, isDone))
			b.tell(ev, TrialBegins)
			began := time.Now()
			trial, err := b.trial(ctx, planned, ev)
			if err != nil {
				return err // an unfinished trial is no trial: it would be run again on resume
			}
			trial.Block, trial.Position = i, j
			if arm := b.Arms[planned.Arm]; arm.Canary() {
				canary.add(arm, trial)
			}
			if err := b.Sink.Append(trial); err != nil {
				return err
			}
			pace.add(b.expected(planned), time.Since(began))
			ev.Took, ev.Remaining, ev.Failure = time.Since(began), pace.remaining(b.left(i, j+1, ev.Blocks, isDone)), trial.Failure
			b.tell(ev, TrialEnds)
		}
		if i+1 < len(b.Run.Plan) && slices.Contains(b.Looks, i+1) {
			enough, blocks, err := b.Enough()
			if err != nil || enough {
				return err
			}
			expected = b.nextLook(blocks, i+1)
		}
	}
	return nil
}

// left is what the trials from a place on until the expected end should take,
// by their windows alone.
func (b *Bench) left(block, position, blocks int, isDone func(int, record.PlannedTrial) bool) (d time.Duration) {
	for i := block; i < blocks; i++ {
		for j, p := range b.Run.Plan[i] {
			if (i > block || j >= position) && !isDone(i, p) {
				d += b.expected(p)
			}
		}
	}
	return d
}

// nextLook is the first look at which so many blocks are done, the last one at the latest.
func (b *Bench) nextLook(blocks, done int) int {
	for _, look := range b.Looks {
		if look >= blocks && look > done {
			return look
		}
	}
	return len(b.Run.Plan)
}

func (b *Bench) tell(ev Event, kind EventKind) {
	if b.Observe != nil {
		ev.Kind = kind
		b.Observe(ev)
	}
}

// expected is how long a trial should take by its windows, its warm-up and a
// second for the rest.
func (b *Bench) expected(p record.PlannedTrial) time.Duration {
	arm := b.Arms[p.Arm]
	d := time.Second
	if !arm.Canary() {
		d += max(b.Run.Warmup, b.Run.WarmupMax)
	}
	for _, l := range p.Levels {
		level := b.Run.Levels[l]
		window := windowAt(b.Run, arm, level, level.Rate)
		switch level.Kind {
		case record.SLO:
			window *= searchWindows
		case record.Share: // at a rate that is not known yet, for its p99
			window = max(window, b.Run.LongWindow)
		}
		d += window
	}
	return d
}

// pace corrects what is expected by what the trials so far took.
type pace struct{ expected, took time.Duration }

func (p *pace) add(expected, took time.Duration) {
	p.expected += expected
	p.took += took
}

func (p *pace) remaining(expected time.Duration) time.Duration {
	if p.expected == 0 {
		return expected
	}
	return time.Duration(float64(expected) * float64(p.took) / float64(p.expected))
}

// trial runs one trial. The error is ctx's; everything that the server does
// wrong stands in the trial.
func (b *Bench) trial(ctx context.Context, planned record.PlannedTrial, ev Event) (*record.Trial, error) {
	arm := b.Arms[planned.Arm]
	t := &record.Trial{Schema: record.SchemaVersion, Arm: arm.Name, Start: time.Now().UTC(), Windows: []record.Window{}, Setup: nuisance(planned.Seed)}
	server, err := b.Launcher.Launch(ctx, arm, map[string]string{
		"PYTHONHASHSEED": t.Setup["PYTHONHASHSEED"],
		"HELLOBENCH_PAD": pad(t.Setup["pad"]),
	})
	if err == nil {
		t.Setup["port"] = strings.Trim(fmt.Sprint(server.Ports()), "[]") // of several instances with spaces between
		t.Startup = server.Startup()
		err = b.windows(ctx, server, arm, planned, t, ev)
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
	p := make([]byte, n)
	for i := range p {
		p[i] = 'x'
	}
	return string(p)
}

func (b *Bench) windows(ctx context.Context, server Server, arm record.Arm, planned record.PlannedTrial, t *record.Trial, ev Event) error {
	body, err := server.Verify(ctx, arm.Route)
	if err != nil {
		return err
	}
	t.Runtime = server.Runtime(ctx)
	if t.Idle, err = server.Usage(); err != nil {
		t.Idle = record.Usage{} // systems without a meter still measure load
	}
	spec := load.Spec{
		URLs: server.URLs(arm.Route), Duration: b.Run.Warmup, Timeout: b.Run.Timeout,
		Close: arm.Close, Expect: load.Expect{Status: server.Status(arm.Route), Body: body}, CPUs: b.Run.LoadCPUs,
	}
	if !arm.Canary() { // which has nothing to warm
		if err := b.warmUp(ctx, server, spec, t, ev); err != nil {
			return err
		}
	}
	if arm.Beside != "" {
		if _, err := server.Verify(ctx, arm.Beside); err != nil {
			return err
		}
	}
	for _, l := range planned.Levels {
		level, seed := b.Run.Levels[l], planned.Seed+uint64(l)
		var err error
		if level.Kind == record.SLO {
			err = b.search(ctx, server, level, spec, seed, t, ev)
		} else {
			err = b.window(ctx, server, level, spec, seed, t, ev, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// capacity is the most that the arm did in a closed loop in this trial so far,
// which leaves out the crowds that come last.
func capacity(t *record.Trial) (rate float64) {
	for i := range t.Windows {
		if w := &t.Windows[i]; !w.Warmup && !w.Level.Open() {
			rate = max(rate, w.Load.Throughput())
		}
	}
	return rate
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

// window measures a level and appends what came out to the trial.
func (b *Bench) window(ctx context.Context, server Server, level record.Level, spec load.Spec, seed uint64, t *record.Trial, ev Event, warmup bool) error {
	w, err := b.measure(ctx, server, level, spec, seed, t, warmup)
	if err != nil {
		return fmt.Errorf("%v: %w", level, err)
	}
	return b.keep(ctx, w, t, ev)
}

// keep appends a window to the trial.
func (b *Bench) keep(ctx context.Context, w *record.Window, t *record.Trial, ev Event) error {
	if err := b.checkCeiling(ctx, w, b.Arms[t.Arm]); err != nil {
		return err
	}
	if !w.Warmup {
		w.Gates = gates(w, b.Run)
	}
	if b.Arms[t.Arm].Canary() { // that the generator limits it is what it is for
		w.Gates = slices.DeleteFunc(w.Gates, func(g record.Gate) bool { return record.LowerBound(g.Name) })
	}
	t.Windows = append(t.Windows, *w)
	ev.Window = w
	b.tell(ev, WindowEnds)
	return nil
}

// checkCeiling corrects a ceiling that a window disproves: the generator did
// more. The calibration is repeated because the machine may be faster now; and
// what an arm reached, the generator can reach.
func (b *Bench) checkCeiling(ctx context.Context, w *record.Window, arm record.Arm) error {
	reached, ceiling := w.Load.Throughput(), b.Run.Engine.CeilingAt(w.Level)
	if ceiling == 0 || reached <= ceiling {
		return nil
	}
	if b.Recalibrate != nil && !arm.Canary() { // whose windows are a calibration
		if err := b.Recalibrate(ctx, w.Level, arm); err != nil {
			return err
		}
	}
	b.Run.Engine.Raise(w.Level, reached)
	return nil
}

// demand completes what a window asks of the engine: connections or a schedule,
// and for how long.
func (b *Bench) demand(spec *load.Spec, level record.Level, seed uint64, t *record.Trial, warmup bool) (err error) {
	spec.Connections = level.Connections
	rate := level.Rate
	if level.Kind == record.Share {
		if rate = level.Share * capacity(t); rate == 0 {
			return errors.New("the arm has no closed-loop level to take its capacity from")
		}
	}
	if !warmup {
		spec.Duration = windowAt(b.Run, b.Arms[t.Arm], level, rate)
	}
	if rate > 0 {
		spec.Schedule, err = load.NewSchedule(rate, "poisson", seed)
	}
	return err
}

// measure runs one window.
func (b *Bench) measure(ctx context.Context, server Server, level record.Level, spec load.Spec, seed uint64, t *record.Trial, warmup bool) (*record.Window, error) {
	if err := b.demand(&spec, level, seed, t, warmup); err != nil {
		return nil, err
	}
	var held Held
	if level.Kind == record.Idle {
		var err error
		if held, err = b.Hold(ctx, spec.URLs[0], spec.Expect.Status, level.Idle); err != nil {
			return nil, err
		}
		defer held.Close()
	}
	settle(ctx, server)
	network := b.network()
	var begin beginning
	route := ""
	if !warmup {
		route = b.Arms[t.Arm].Beside
	}
	spec.Opened = func() { begin = b.begin(ctx, server, route, spec.Duration) }
	m, err := b.Engine.Run(ctx, spec)
	middle, read := begin.middle.take()
	answers := begin.other.end()
	switch {
	case err != nil:
		return nil, err
	case begin.at.IsZero():
		return nil, fmt.Errorf("the engine %s did not tell when its connections were open", b.Engine.Name())
	}
	w := &record.Window{Level: level, Start: begin.at, Warmup: warmup, Restless: begin.restless, Load: *m, Beside: answers}
	if held != nil {
		w.Held = held.Open()
	}
	if after, err := server.Usage(); err == nil {
		if w.Server = after; read {
			w.Server = middle
		}
		w.Server.CPU = after.CPU.Sub(begin.server.CPU)
	}
	w.Host = Disturbance(begin.noise, b.noise(), w.Server.CPU.Total()+host.SelfCPU().Sub(begin.self).Total())
	w.Network = network()
	if err := server.Alive(); err != nil {
		return nil, err
	}
	return w, nil
}
