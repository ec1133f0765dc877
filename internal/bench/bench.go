// Package bench is the measuring loop: start a server, verify it, warm it up,
// measure it at every level, stop it, write the trial down; trial after trial,
// block after block. It never prints, and it knows servers and load
// generators only through the interfaces that it declares.
package bench

import (
	"context"
	"slices"
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
			trial, err := b.run(ctx, planned, ev)
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
		case record.Share: // its rate is not known yet: assume a window long enough for a p99
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
