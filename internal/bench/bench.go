// Package bench is the measuring loop. In each block of an experiment it starts
// the servers of all arms afresh, verifies them and warms them up, and then sends
// load to one after the other in rounds, so that what is compared is measured side
// by side. It never prints, and it knows servers and load generators only through
// the interfaces that it declares.
package bench

import (
	"context"
	"slices"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// Server is a running server, as far as the loop is concerned: one instance of
// it, or several to which the connections are distributed.
type Server interface {
	Ports() []int
	Startup() time.Duration
	// Verify checks the answers of a route and returns what its load consists of: the
	// same of every instance.
	Verify(ctx context.Context, route string) ([]http1.Exchange, error)
	// Runtime is what the server says of itself.
	Runtime(ctx context.Context) map[string]string
	// Usage is what the process tree has used since its start, and its threads and, if
	// asked for, its memory now, which takes longer to read.
	Usage(memory bool) (record.Usage, error)
	// Clock reads the processor time of the processes that Usage found last; what
	// it returns gives it. It costs microseconds, for it does not wait for an answer that
	// comes over a network.
	Clock() func() time.Duration
	// Alive is nil while the server runs, else it says how it ended.
	Alive() error
	Stop() error
}

// Launcher starts an arm's server in a fresh process with additional
// environment variables and returns once it answers.
type Launcher interface {
	Launch(ctx context.Context, arm record.Arm, env map[string]string) (Server, error)
}

// Sink takes the trials of a finished block and keeps them.
type Sink interface {
	Append(trials []*record.Trial) error
}

// Event tells an observer how far the run has come.
type Event struct {
	Kind          EventKind
	Experiment    string
	Block, Blocks int            // of the experiment: from 0; what is expected by now
	Arm           string         // of the server that starts, the window, or the failure
	Window        *record.Window // that ended
	Failure       string
	Done          float64 // share of the run's time that is over, from 0 to 1
	Remaining     time.Duration
	Took          time.Duration // of the block that ended
}

// EventKind says what happened.
type EventKind int

// The kinds of events.
const (
	BlockBegins EventKind = iota
	ServerStarts
	WindowEnds
	ArmFailed
	BlockEnds
)

// Bench runs the blocks of a run.
type Bench struct {
	Run      *record.Run
	Launcher Launcher
	Engine   load.Engine
	Sink     Sink
	Hold     func(ctx context.Context, x *http1.Exchange, n int) (end func() int, err error) // opens idle connections until end, which says how many were still open
	Beside   func(ctx context.Context, x *http1.Exchange) (end func() int)                   // asks one thing over and over until end, which says how often it was answered
	Cores    func() ([]host.Reading, error)                                                  // what the run's cores did, of each machine; nil: not read
	Network  func() (record.Network, error)                                                  // nil: not read
	// Recalibrate, if set, measures the generator's ceiling at a level again,
	// which an arm's window has disproved, and raises it in Run.
	Recalibrate func(ctx context.Context, level record.Level, arm record.Arm) error

	Observe func(Event)           // may be nil
	Done    []record.Trial        // trials of whole blocks that the journal already holds
	Arms    map[string]record.Arm // by name

	// Enough, if set, is asked after each of the numbers of blocks that Looks has
	// for an experiment whether what is measured suffices, and how many blocks should.
	Looks  func(experiment int) []int
	Enough func(experiment int) (enough bool, expected int, err error)
}

// Blocks runs what is planned and not done. It returns ctx's error if it
// ended, the sink's if a block could not be written; a server that fails is a
// trial with a failure and ends nothing but that trial.
func (b *Bench) Blocks(ctx context.Context) error {
	s := b.schedule()
	for i := range b.Run.Plan {
		block := &b.Run.Plan[i]
		if s.over(i) {
			continue
		}
		ev := Event{Experiment: b.Run.Experiments[block.Experiment].Name, Block: block.Number, Blocks: max(s.expected[block.Experiment], block.Number+1)}
		ev.Done, ev.Remaining = s.progress()
		b.tell(ev, BlockBegins)
		began := time.Now()
		trials, err := b.block(ctx, i, ev)
		if err != nil {
			return err // an unfinished block is no block: it is run again on resume
		}
		if err := b.Sink.Append(trials); err != nil {
			return err
		}
		ev.Took = time.Since(began)
		if err := s.add(i, ev.Took); err != nil {
			return err
		}
		ev.Done, ev.Remaining = s.progress()
		b.tell(ev, BlockEnds)
	}
	return nil
}

func (b *Bench) tell(ev Event, kind EventKind) {
	if b.Observe != nil {
		ev.Kind = kind
		b.Observe(ev)
	}
}

// schedule decides which blocks are run, and estimates what they take.
type schedule struct {
	*Bench
	done     map[int]bool // blocks
	counts   []int        // of done blocks, by experiment
	expected []int        // blocks, by experiment
	narrow   []bool       // by experiment: its intervals are narrow enough
	spent    time.Duration
	planned  time.Duration // what the blocks so far should have taken
	took     time.Duration // what they took
}

func (b *Bench) schedule() *schedule {
	n := len(b.Run.Experiments)
	s := &schedule{Bench: b, done: map[int]bool{}, counts: make([]int, n), expected: make([]int, n), narrow: make([]bool, n)}
	for x := range b.Run.Experiments {
		s.expected[x] = b.Run.Experiments[x].Blocks.Max
		if looks := b.looks(x); len(looks) > 0 {
			s.expected[x] = looks[0]
		}
	}
	spans := map[int][2]time.Time{}
	for _, t := range b.Done {
		span, has := spans[t.Block]
		if !has || t.Start.Before(span[0]) {
			span[0] = t.Start
		}
		if t.End.After(span[1]) {
			span[1] = t.End
		}
		spans[t.Block] = span
		if !has {
			s.done[t.Block] = true
			s.counts[b.Run.Plan[t.Block].Experiment]++
		}
	}
	for _, span := range spans {
		s.spent += span[1].Sub(span[0])
	}
	return s
}

func (b *Bench) looks(experiment int) []int {
	if b.Looks == nil {
		return nil
	}
	return b.Looks(experiment)
}

// over says whether a block is not to be run: it is done, or another shard's,
// or its experiment needs no more. Beyond the least number of blocks the budget
// ends what it does not allow.
func (s *schedule) over(i int) bool {
	block := &s.Run.Plan[i]
	if s.done[i] || !s.Run.Shard.Has(i) || s.narrow[block.Experiment] {
		return true
	}
	least := s.Run.Experiments[block.Experiment].Blocks.Min
	return s.Run.Budget > 0 && block.Number >= least && s.spent+s.estimate(i) > s.Run.Budget
}

// add counts a block that was run, and looks at the widths where a look is planned.
func (s *schedule) add(i int, took time.Duration) (err error) {
	x := s.Run.Plan[i].Experiment
	s.planned += s.length(i)
	s.took += took
	s.spent += took
	s.done[i] = true
	s.counts[x]++
	if looks := s.looks(x); slices.Contains(looks, s.counts[x]) && s.Enough != nil {
		var blocks int
		if s.narrow[x], blocks, err = s.Enough(x); err != nil {
			return err
		}
		s.expected[x] = s.counts[x]
		if !s.narrow[x] {
			s.expected[x] = nextLook(looks, blocks, s.counts[x])
		}
	}
	return nil
}

// nextLook is the first look at which so many blocks are done, the last one at the latest.
func nextLook(looks []int, blocks, done int) int {
	for _, look := range looks {
		if look >= blocks && look > done {
			return look
		}
	}
	return looks[len(looks)-1]
}

// progress is the share of the run's time that is over, and what is left.
func (s *schedule) progress() (done float64, left time.Duration) {
	for i := range s.Run.Plan {
		if x := s.Run.Plan[i].Experiment; s.Run.Plan[i].Number < s.expected[x] && !s.over(i) {
			left += s.estimate(i)
		}
	}
	if s.Run.Budget > 0 && s.spent < s.Run.Budget {
		left = min(left, s.Run.Budget-s.spent)
	}
	return float64(s.spent) / float64(max(s.spent+left, 1)), left
}

// estimate corrects the length of a block by what the blocks so far took.
func (s *schedule) estimate(i int) time.Duration {
	if s.planned == 0 {
		return s.length(i)
	}
	return time.Duration(float64(s.length(i)) * float64(s.took) / float64(s.planned))
}

// length is how long a block should take by its windows and warm-ups.
func (s *schedule) length(i int) (d time.Duration) {
	const startAndStop, around = time.Second, 40 * time.Millisecond // of a server; a window
	block := &s.Run.Plan[i]
	e := &s.Run.Experiments[block.Experiment]
	for _, t := range block.Trials {
		d += startAndStop
		if !s.Arms[t.Arm].Canary() {
			d += s.Run.Warmup
		}
		for _, l := range t.Levels {
			d += time.Duration(e.Passes) * (s.windowAt(e, s.Run.Levels[l]) + e.LeadIn + around)
		}
	}
	return d
}
