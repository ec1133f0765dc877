package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load/hold"
	"github.com/hellobench/hellobench/internal/profile"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/runners"
)

type runOptions struct {
	profile, engine      string
	arms, servers        []string
	blocks               string
	seed                 uint64
	serverCPUs, loadCPUs string
	out, format, resume  string
	shard                string
	claims               string
}

func (a *app) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Measure servers and answer the claims",
		Long: `Run a profile: every block starts every arm in a fresh process, in shuffled
order, and loads it at every level. Each finished trial is on disk at once; the
report is made from what is there, however the run ends.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("resume") {
				if !begun(o.resume) {
					return a.startOver(cmd, o)
				}
				if err := onlyFlags(cmd, "resume", "format"); err != nil {
					return err
				}
			}
			return a.run(cmd.Context(), o, cmd.Flags().Changed("seed"))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "article", "a profile's name (see list profiles), or a .yaml file")
	f.StringArrayVar(&o.arms, "arm", nil, "only these arms: of the profile, or SERVER[:workers=N][:threads=N][:instances=N][:route=/PATH][:beside=/PATH][:close]")
	f.StringSliceVar(&o.servers, "server", nil, "folder of a server of your own (docs/adding-a-server.md); becomes an arm unless --arm says which")
	f.StringVar(&o.claims, "claims", "", "a ledger of your own (.yaml, docs/formats/claims.schema.json) instead of the article's")
	f.StringVar(&o.engine, "engine", "auto", "auto, wire or vegeta")
	f.StringVar(&o.blocks, "blocks", "", "number of blocks, N or MIN..MAX (the profile's by default)")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the order and the set-up (random by default, recorded in run.json)")
	f.StringVar(&o.serverCPUs, "server-cpus", "", "cores of the servers (the first by default)")
	f.StringVar(&o.loadCPUs, "load-cpus", "", "cores of the generator (the second by default)")
	f.StringVar(&o.out, "out", "", "run folder (results/TIME-PROFILE by default)")
	f.StringVar(&o.shard, "shard", "", "i/n: only every n-th block, beginning with the i-th; the same --seed on all machines, then merge")
	f.StringVar(&o.resume, "resume", "", "continue the run in this folder with its own profile, seed and cores; start it over if it had not begun")
	f.StringVar(&o.format, "format", "text", "format of the output at the end: text or json")
	completeProfiles(cmd)
	completeWith(cmd, "engine", "auto", "wire", "vegeta")
	completeWith(cmd, "arm", fixtures.ServerNames()...)
	completeWith(cmd, "format", "text", "json")
	return cmd
}

// startOver starts the run of a folder in which none had begun: as this command says
// if it says anything, else as the one that left the folder.
func (a *app) startOver(cmd *cobra.Command, o runOptions) error {
	o.out, o.resume = o.resume, ""
	args := commandOf(o.out)
	if args == nil || onlyFlags(cmd, "resume", "format") != nil {
		_, _ = fmt.Fprintf(a.err, "note: no run had begun in %s: starting profile %s there\n", o.out, o.profile)
		return a.run(cmd.Context(), o, cmd.Flags().Changed("seed"))
	}
	_, _ = fmt.Fprintf(a.err, "note: no run had begun in %s: starting it over, hellobench %s\n", o.out, strings.Join(args, " "))
	return a.execute(cmd.Context(), append(args, "--out", o.out, "--format", o.format))
}

func (a *app) run(ctx context.Context, o runOptions, seeded bool) error {
	if err := oneOf("format", o.format, "text", "json"); err != nil {
		return err
	}
	if o.resume != "" {
		if old, err := record.ReadRun(o.resume); err == nil && old.State == record.Complete {
			doc, err := deriveDocument(old, o.resume)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(a.err, "%s is complete: there is nothing to go on with\n", o.resume)
			return errors.Join(a.printRun(doc, o.resume, o.format, nil), judge(doc))
		}
	}
	s, err := a.openSession(ctx, o, seeded)
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	if err = s.measure(ctx); err == nil {
		err = s.checkAgain(ctx)
	}
	if ctx.Err() != nil {
		// What was measured is to be reported even though ctx has ended.
		s.run.State = record.Interrupted
	} else if err != nil {
		s.run.State = record.Failed
	} else {
		s.run.State = record.Complete
	}
	a.saving.Store(true)
	s.run.End = time.Now().UTC()
	// What can be shown is shown, even where the disk takes nothing more.
	err = errors.Join(err, record.WriteRun(s.dir, s.run))
	doc, rerr := deriveDocument(s.run, s.dir)
	if rerr != nil {
		return errors.Join(err, rerr)
	}
	failed := writeFolder(s.dir, doc)
	err = errors.Join(err, a.printRun(doc, s.dir, o.format, failed), failed.err())
	if err != nil {
		return err
	}
	return judge(doc)
}

// machineHint is what can be done about a run that the machine spoiled.
const machineHint = "hint: hellobench doctor says what disturbs this machine; close what else uses its cores, and run again"

// judge is an error if the run came to nothing that an answer can stand on, or
// if a server failed by itself.
func judge(doc *report.Document) error {
	if err := hopelessArms(doc); err != nil {
		return err
	}
	if failed := doc.FailedServers(); len(failed) > 0 {
		var lines []string
		for i := range failed {
			lines = append(lines, "server failed: "+show.Breakdown(&failed[i]))
		}
		return exitError{exitMissed, strings.Join(lines, "\n") + "\nhint: what it printed is in the run folder, under logs"}
	}
	if doc.Invalid() {
		return exitError{exitInvalid, "the run is invalid: the machine spoiled every figure or every block, see the gates above\n" + machineHint}
	}
	return nil
}

// hopelessArms is an error if an arm became ready in no trial.
func hopelessArms(doc *report.Document) error {
	var errs []error
	for _, arm := range doc.Arms {
		failed, ready, why := 0, false, ""
		for _, f := range doc.Failures {
			if f.Arm == arm.Name {
				failed++
				ready, why = ready || f.Ready, f.Reason
			}
		}
		measured := slices.ContainsFunc(doc.Cells, func(c report.Cell) bool { return c.Arm == arm.Name })
		if failed > 0 && !measured && !ready {
			errs = append(errs, fmt.Errorf("%s failed in every trial: %s", arm.Name, why))
		}
	}
	return errors.Join(errs...)
}

// selection is a profile with what the flags change of it.
type selection struct {
	*profile.Profile
	chosen  bool // the arms are not those of the profile
	notices []string
}

// selected reads the profile and lets the flags change it.
func (o runOptions) selected(known catalog) (selection, error) {
	p, err := loadProfile(o.profile)
	if err != nil {
		return selection{}, err
	}
	if err := p.CheckArms(known.checkArm); err != nil {
		return selection{}, err
	}
	s := selection{Profile: p}
	profiles := slices.Clone(p.Arms)
	var arms []string
	for _, list := range o.arms { // not as CSV, in which the quotes of a route would mean something
		arms = append(arms, strings.Split(list, ",")...)
	}
	if len(o.servers) > 0 && len(arms) == 0 {
		for _, a := range p.Arms {
			arms = append(arms, a.Name)
		}
		arms = append(arms, slices.Sorted(maps.Keys(known))...)
	}
	if len(arms) > 0 {
		if err := p.Select(arms); err != nil {
			return selection{}, usageError{fmt.Errorf("--arm: %w", err)}
		}
		for _, a := range p.Arms {
			if err := known.checkArm(a); err != nil {
				return selection{}, usageError{fmt.Errorf("--arm: %w", err)}
			}
		}
		p.KeepVisited()
		s.chosen = len(p.Arms) != len(profiles) || slices.ContainsFunc(p.Arms, func(a record.Arm) bool { return !slices.Contains(profiles, a) })
	}
	if o.blocks != "" {
		least := p.Blocks.Min
		if p.Blocks, err = parseRange(o.blocks); err != nil {
			return selection{}, usageError{err}
		}
		if p.Quotable && p.Blocks.Min < least {
			p.Quotable = false
			s.notices = append(s.notices, fmt.Sprintf("--blocks %s is below the least of profile %s, %d blocks", o.blocks, p.Name, least))
		}
	}
	return s, nil
}

// parseShard reads "2/3", counted from 1; an empty text is no shard.
func parseShard(text string) (*record.Shard, error) {
	if text == "" {
		return nil, nil
	}
	index, of, _ := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if errors.Join(err1, err2) != nil || i < 1 || i > n {
		return nil, fmt.Errorf("--shard %q: want i/n with i from 1 to n", text)
	}
	return &record.Shard{Index: i - 1, Of: n}, nil
}

func parseRange(text string) (record.Range, error) {
	lo, hi, ranged := strings.Cut(text, "..")
	if !ranged {
		hi = lo
	}
	low, err1 := strconv.Atoi(lo)
	high, err2 := strconv.Atoi(hi)
	if err := errors.Join(err1, err2); err != nil || low < 1 || high < low || high > 1000 {
		return record.Range{}, fmt.Errorf("--blocks %q: want N or MIN..MAX, from 1 to 1000", text)
	}
	return record.Range{Min: low, Max: high}, nil
}

// onlyFlags refuses flags that have no meaning beside the first one.
func onlyFlags(cmd *cobra.Command, allowed ...string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains(allowed, f.Name) {
			err = usageError{fmt.Errorf("--%s has no meaning beside --%s", f.Name, allowed[0])}
		}
	})
	return err
}

// measure runs the blocks that are planned and not done, until the intervals
// are narrow enough. Every finished trial is on disk when it returns.
func (s *session) measure(ctx context.Context) error {
	trials, err := record.TrialsOf(s.dir, s.run)
	if err != nil {
		return err
	}
	if err := s.makeLogs(); err != nil {
		return err
	}
	progress := newProgress(s.app.err)
	defer progress.close()
	sink := &keeper{journal: s.journal, trials: trials}
	b := &bench.Bench{
		Run: s.run, Launcher: s, Engine: s.engine, Sink: sink, Observe: progress.observe, Arms: map[string]record.Arm{},
		Recalibrate: s.recalibrate, Done: trials, Noise: s.noise(), Network: host.ReadNetwork,
		Hold: func(ctx context.Context, url string, status, n int) (bench.Held, error) {
			return hold.Open(ctx, url, status, n, s.run.Timeout)
		},
		Enough: func() (bool, int, error) {
			t, err := sample.New(s.run, sink.trials)
			if err != nil {
				return false, 0, err
			}
			return claims.Precision(s.ledger, t)
		},
	}
	if s.run.Shard == nil { // a shard does not see the others' figures and runs all its blocks
		b.Looks = claims.Looks(s.run.Blocks)
	}
	for _, arm := range s.run.Arms {
		b.Arms[arm.Name] = arm
	}
	return b.Blocks(ctx)
}

// makeLogs makes the log files of all servers: a folder that cannot take one ends
// the run here, not a trial as if its server had failed.
func (s *session) makeLogs() error {
	for _, arm := range s.run.Arms {
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
func (s *session) logFile(arm record.Arm) string {
	return filepath.Join(s.dir, logsFolder, logName(arm.Name))
}

// noise reads what else happens on the run's cores, where there are cores of its own.
func (s *session) noise() func() (host.Noise, error) {
	cores := slices.Concat(s.run.ServerCPUs, s.run.LoadCPUs)
	if len(cores) == 0 {
		return nil
	}
	return func() (host.Noise, error) { return host.ReadNoise(cores) }
}

// keeper writes trials to the journal and keeps them for the looks.
type keeper struct {
	journal *record.Journal
	trials  []record.Trial
}

// Append implements bench.Sink.
func (k *keeper) Append(t *record.Trial) error {
	k.trials = append(k.trials, *t)
	return k.journal.Append(t)
}

// Launch implements bench.Launcher.
func (s *session) Launch(ctx context.Context, arm record.Arm, env map[string]string) (bench.Server, error) {
	if arm.Canary() && s.canary != nil && s.canary.Alive() == nil {
		return staying{s.canary}, nil
	}
	in := s.installed[arm.Server]
	env["HELLOBENCH_RUN"] = s.dir // says in a list of processes whose server this is
	g, err := runners.StartGroup(ctx, in, runners.Options{
		Workers: arm.Workers, Threads: arm.Threads, CPUs: s.run.ServerCPUs, Env: env, Guard: s.guard,
		LogFile: s.logFile(arm),
	}, arm.Instances)
	if err != nil || !arm.Canary() {
		return g, err
	}
	s.canary = g
	return staying{g}, nil
}

// staying is a server that outlives its trials: the null server before and after
// the blocks is one process, for two starts of it are not alike.
type staying struct{ *runners.Group }

// Stop leaves it running; the session ends it.
func (staying) Stop() error { return nil }

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
