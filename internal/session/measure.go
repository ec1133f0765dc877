package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// Measure runs the blocks that are planned and not done, until the intervals
// are narrow enough, and compares the engines again where they had not agreed.
// Every finished trial is on disk when it returns.
func (s *Session) Measure(ctx context.Context) error {
	ctx = s.within(ctx)
	err := s.blocks(ctx)
	if err == nil {
		err = s.checkAgain(ctx)
	}
	return s.whyEnded(err)
}

// End writes down how far the run came; err is what ended it, nil for its own end.
// It returns err with what else goes wrong.
func (s *Session) End(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		s.Run.State = record.Interrupted
	case err != nil:
		s.Run.State = record.Failed
	default:
		s.Run.State = record.Complete
	}
	s.Run.End = time.Now().UTC()
	return errors.Join(err, record.WriteRun(s.Dir, s.Run))
}

func (s *Session) blocks(ctx context.Context) error {
	trials, err := record.TrialsOf(s.Dir, s.Run)
	if err != nil {
		return err
	}
	if err := s.makeLogs(); err != nil {
		return err
	}
	trials = wholeBlocks(s.Run, trials)
	if err := s.journal.Keep(len(trials)); err != nil {
		return err
	}
	sink := &keeper{journal: s.journal, trials: trials}
	b := &bench.Bench{
		Run: s.Run, Launcher: s, Engine: s.engine, Sink: sink, Observe: s.tell.Observe, Arms: map[string]record.Arm{},
		Recalibrate: s.recalibrate, Done: trials, Cores: s.readCores(), Network: s.readNetwork, Hold: s.hold, Beside: s.beside,
		Enough: func(experiment int) (bool, int, error) {
			t, err := sample.New(s.Run, sink.trials)
			if err != nil {
				return false, 0, err
			}
			enough, blocks := claims.Precision(s.ledger, t, experiment)
			return enough, blocks, nil
		},
	}
	if s.Run.Shard == nil { // a shard does not see the others' figures and runs all its blocks
		b.Looks = func(experiment int) []int { return claims.Looks(s.Run.Experiments[experiment].Blocks) }
	}
	for _, arm := range s.Run.Arms {
		b.Arms[arm.Name] = arm
	}
	return b.Blocks(ctx)
}

// wholeBlocks are the trials up to the first block that is not whole, which a crash
// left while it was written down.
func wholeBlocks(run *record.Run, trials []record.Trial) []record.Trial {
	for start, end := 0, 0; start < len(trials); start = end {
		block := trials[start].Block
		for end = start; end < len(trials) && trials[end].Block == block; end++ {
			continue
		}
		if end-start < len(run.Plan[block].Trials) {
			return trials[:start]
		}
	}
	return trials
}

// makeLogs makes the log files of all servers: a folder that cannot take one ends
// the run here, not a trial as if its server had failed.
func (s *Session) makeLogs() error {
	for _, arm := range s.Run.Arms {
		name := s.logFile(arm)
		if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("make the log of a server: %s is no plain file", name)
		}
		f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("make the log of a server: %w", err)
		}
		_ = f.Close()
	}
	return nil
}

// logFile is where an arm's server prints to.
func (s *Session) logFile(arm record.Arm) string {
	return filepath.Join(s.Dir, logsFolder, logName(arm.Name))
}

// keeper writes trials to the journal and keeps them for the looks.
type keeper struct {
	journal *record.Journal
	trials  []record.Trial
}

// Append implements bench.Sink.
func (k *keeper) Append(trials []*record.Trial) error {
	for _, t := range trials {
		k.trials = append(k.trials, *t)
	}
	return k.journal.Append(trials)
}

// Launch implements bench.Launcher.
func (s *Session) Launch(ctx context.Context, arm record.Arm, env map[string]string) (bench.Server, error) {
	env["HELLOBENCH_RUN"] = s.Dir // says in a list of processes whose server this is
	return s.start(ctx, s.startOf(arm, env, s.logFile(arm)))
}

// cpusOf are the cores of an arm's server: those of the servers, or where it shares
// the generator's, all. None: it is not pinned.
func (s *Session) cpusOf(arm record.Arm) []int {
	if !arm.Shared || len(s.Run.ServerCPUs) == 0 || s.apart() {
		return s.Run.ServerCPUs
	}
	return slices.Sorted(slices.Values(slices.Concat(s.Run.ServerCPUs, s.Run.LoadCPUs)))
}

// logName makes a file name of an arm's name.
func logName(arm string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '?' || r == ':' || r == '&' {
			return '_'
		}
		return r
	}, arm) + ".log"
}

// present keeps the arms whose server could be prepared.
func present(arms []record.Arm, missing []record.Missing) []record.Arm {
	return slices.DeleteFunc(slices.Clone(arms), func(a record.Arm) bool {
		return slices.ContainsFunc(missing, func(m record.Missing) bool { return m.Arm == a.Name })
	})
}
