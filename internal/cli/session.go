package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/plan"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// session is a run about to be measured: its servers are installed, its
// folder is there, its plan is made.
type session struct {
	app       *app
	run       *record.Run
	dir       string
	installed map[string]*runners.Installed // by server
	engine    load.Engine
	guard     []string // what every server runs under
	journal   *record.Journal
	ledger    *claims.Ledger
	canary    *runners.Group    // the null server, once it runs
	own       map[string]string // folder of a server that is not embedded, by name
}

// openSession prepares a new run, or one that is to be resumed.
func (a *app) openSession(ctx context.Context, o runOptions, seeded bool) (*session, error) {
	s := &session{app: a, installed: map[string]*runners.Installed{}, own: map[string]string{}}
	begin := s.resume
	if o.resume == "" {
		begin = func(ctx context.Context, o runOptions) error { return s.begin(ctx, o, seeded) }
	}
	if err := oneOf("engine", o.engine, "auto", "wire", "vegeta"); err != nil {
		return nil, err
	}
	var err error
	if s.guard, err = guard(); err != nil {
		return nil, err
	}
	if err := begin(ctx, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	for _, n := range s.run.Notices {
		s.say("note: %s", n)
	}
	a.resumable.Store(&s.dir)
	return s, nil
}

// begin plans a run and makes its folder.
func (s *session) begin(ctx context.Context, o runOptions, seeded bool) (err error) {
	if err := s.addServers(o.servers); err != nil {
		return err
	}
	p, err := o.selected(s.own)
	if err != nil {
		return err
	}
	text, title, err := s.readLedger(o.claims, p)
	if err != nil {
		return err
	}
	shard, err := parseShard(o.shard)
	if err != nil {
		return usageError{err}
	}
	if shard != nil && !seeded {
		return usageError{errors.New("--shard: needs --seed, the same one for all shards")}
	}
	now := time.Now()
	s.run = &record.Run{
		Schema: record.SchemaVersion, Tool: tool(), Method: bench.Method(), Profile: p.Name, Description: p.Description, Quotable: p.Quotable,
		Seed: o.seed, Shard: shard, Levels: p.Levels, Blocks: p.Blocks, Window: p.Window, LongWindow: p.LongWindow, TailWindow: p.TailWindow, Warmup: p.Warmup, WarmupMax: p.WarmupMax, Timeout: p.Timeout,
		ClaimsHash: s.ledger.Hash, Claims: string(text), Asked: s.ledger.IDs(), Title: title, Notices: p.notices, Start: now.UTC(), State: record.Running,
	}
	if title != "" {
		s.run.Description = "" // of the profile's own arms
	}
	if !seeded {
		s.run.Seed = rand.Uint64()
	}
	if err := s.cores(o); err != nil {
		return err
	}
	if s.dir, err = newFolder(o.out, p.Name, now, s.app.args); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			removeEmpty(s.dir)
		}
	}()
	s.run.ID = filepath.Base(s.dir)
	if err := s.prepare(ctx, p.Entered()); err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	engine, err := newEngine(o.engine, "")
	if err != nil {
		return err
	}
	if err := s.dropLevels(p.Profile, engine.Name()); err != nil {
		return err
	}
	s.run.Plan = plan.Blocks(present(s.run.Arms, s.run.Missing), p.Visits, p.Blocks.Max, s.run.Seed)
	if err := s.chooseEngine(ctx, o.engine); err != nil {
		return err
	}
	if s.journal, err = record.OpenJournal(s.dir); err != nil {
		return err
	}
	if err := record.WriteRun(s.dir, s.run); err != nil {
		return err
	}
	if o.out == "" { // once there is a run to point at
		if err := pointLatest(s.dir); err != nil {
			s.run.Notices = append(s.run.Notices, err.Error())
		}
	}
	return nil
}

// readLedger reads the ledger that a run is to answer, and returns its text, and
// a title where the ledger's own question is not what the run is about. Claims
// whose arms are no part of the run are left out. A ledger of one's own is
// answered whole otherwise.
func (s *session) readLedger(file string, p selection) (text []byte, title string, err error) {
	name, text := fixtures.ClaimsFile, fixtures.Claims()
	if file != "" {
		if text, err = readFile(file); err != nil {
			return nil, "", fmt.Errorf("--claims: %w", err)
		}
		name, p.Claims = file, nil
	}
	if s.ledger, err = claims.DecodeLedger(name, text); err != nil {
		return nil, "", err
	}
	if err := errors.Join(s.ledger.CheckArms(catalog(s.own).checkName), p.CheckClaims(s.ledger.IDs())); err != nil {
		return nil, "", err
	}
	if err := s.ledger.Keep(p.Claims); err != nil {
		return nil, "", err
	}
	left := s.ledger.Within(p.Arms)
	if len(left) > 0 || p.chosen && file == "" {
		title = heading(p.Arms)
	}
	if file != "" {
		for _, n := range leftOut(left) {
			s.say("note: %s", n)
		}
	}
	return text, title, nil
}

// resume takes up the run in a folder. What is to be measured must still be
// the same: a run of two versions would be no run.
func (s *session) resume(ctx context.Context, o runOptions) (err error) {
	old, err := record.ReadRun(o.resume)
	if err != nil {
		return err
	}
	if s.ledger, err = ledgerOf(old, o.resume); err != nil {
		return err
	}
	if _, err := record.TrialsOf(o.resume, old); err != nil {
		return err
	}
	fresh := *old
	s.dir, s.run = o.resume, &fresh
	s.run.Method = bench.Method()
	s.run.Servers, s.run.Missing = nil, nil
	if s.journal, err = record.OpenJournal(s.dir); err != nil {
		return err
	}
	if err := s.cores(runOptions{serverCPUs: host.FormatCPUs(old.ServerCPUs), loadCPUs: host.FormatCPUs(old.LoadCPUs)}); err != nil {
		return err
	}
	for _, v := range old.Servers {
		if v.Folder != "" {
			s.own[v.Server] = v.Folder
		}
	}
	if err := s.prepare(ctx, old.Arms); err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	if err := s.checkResumable(o.resume); err != nil {
		return err
	}
	for what, differs := range map[string]bool{
		"the servers or their runtimes":    !reflect.DeepEqual(old.Servers, s.run.Servers),
		"what is installed":                !reflect.DeepEqual(old.Missing, s.run.Missing),
		"what may be pinned to cores":      !slices.Equal(old.ServerCPUs, s.run.ServerCPUs) || !slices.Equal(old.LoadCPUs, s.run.LoadCPUs),
		"the machine":                      !sameMachine(old.Environment, s.run.Environment),
		"hellobench's method of measuring": old.Method != s.run.Method,
	} {
		if differs {
			return fmt.Errorf("resume %s: %s changed since the run began; start a new one", o.resume, what)
		}
	}
	s.run.Environment, s.run.State, s.run.End = old.Environment, record.Running, time.Time{}
	if s.engine, err = newEngine(old.Engine.Name, ""); err != nil {
		return err
	}
	// What was measured stays judged by the ceiling of its time, for its gates
	// are written down; what is to come is judged by that of now.
	if err := s.measureCeilings(ctx, s.engine, &s.run.Engine); err != nil {
		return err
	}
	return record.WriteRun(s.dir, s.run)
}

// sameMachine compares what stays as it is from call to call: to go on with a
// run takes more than to compare two, namely the same kernel and memory, too.
func sameMachine(a, b record.Environment) bool {
	return len(a.Different(&b)) == 0 && a.Kernel == b.Kernel && a.Memory == b.Memory
}

// settle looks at the machine and moves the harness to the generator's cores.
func (s *session) settle() error {
	if _, err := host.RaiseOpenFiles(); err != nil {
		return err
	}
	s.run.Environment = host.Environment()
	return host.PinProcess(s.run.LoadCPUs)
}

// close ends the null server and gives the journal free.
func (s *session) close() error {
	var err error
	if s.canary != nil {
		err = s.canary.Stop()
	}
	if s.journal != nil {
		err = errors.Join(err, s.journal.Close())
	}
	return err
}

func (s *session) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.app.err, format+"\n", args...)
}

// cores decides who runs where and moves the harness to the generator's cores.
func (s *session) cores(o runOptions) error {
	server, err := host.ParseCPUs(o.serverCPUs)
	if err != nil {
		return usageError{fmt.Errorf("--server-cpus: %w", err)}
	}
	gen, err := host.ParseCPUs(o.loadCPUs)
	if err != nil {
		return usageError{fmt.Errorf("--load-cpus: %w", err)}
	}
	cores, notice, err := host.Assign(server, gen)
	if err != nil {
		return usageError{err}
	}
	if notice != "" {
		if !slices.Contains(s.run.Notices, notice) {
			s.run.Notices = append(s.run.Notices, notice)
		}
		s.run.Quotable = false
	}
	s.run.ServerCPUs, s.run.LoadCPUs = cores.Server, cores.Load
	return nil
}

// prepare installs the servers of all arms. A server that cannot be had makes
// the run partial; a run without any server is an error.
func (s *session) prepare(ctx context.Context, arms []record.Arm) error {
	cache, err := runners.DefaultCache()
	if err != nil {
		return err
	}
	p := &runners.Preparer{Cache: cache, Guard: s.guard}
	p.Note = func(server string) { s.say("installing %s (once; log: %s)", server, p.LogName()) }
	failed := map[string]*runners.Unavailable{}
	for i, arm := range arms {
		if failed[arm.Server] == nil && s.installed[arm.Server] == nil {
			var u *runners.Unavailable
			if err := s.install(ctx, p, arm.Server); errors.As(err, &u) {
				failed[arm.Server] = u
			} else if err != nil {
				return err
			}
		}
		if u := failed[arm.Server]; u != nil {
			s.run.Missing = append(s.run.Missing, record.Missing{Arm: arm.Name, Reason: u.Reason, Hint: u.Hint})
			if arm.Replicate == "" {
				s.say("partial run, without %s: %s\nhint: %s", arm.Name, u.Reason, u.Hint)
			}
			continue
		}
		if m := s.tooFewCores(&arms[i]); m != nil {
			s.run.Missing = append(s.run.Missing, *m)
			s.say("partial run, without %s: %s\nhint: %s", m.Arm, m.Reason, m.Hint)
			continue
		}
		arms[i].Close = arm.Close || s.installed[arm.Server].AlwaysCloses()
	}
	s.run.Arms = arms
	if competitors := present(arms, s.run.Missing); !slices.ContainsFunc(competitors, func(a record.Arm) bool { return !a.Canary() }) {
		return errors.New("none of the servers can run on this machine")
	}
	return nil
}

// tooFewCores refuses an arm that asks for more instances, or workers, than the
// servers have cores: they would take turns, and the figure would be of nothing.
// An arm that does not ask has as many workers as the manifest says and the
// cores allow, of which an instance has one.
func (s *session) tooFewCores(arm *record.Arm) *record.Missing {
	cores := len(s.run.ServerCPUs)
	if cores == 0 {
		return nil
	}
	asked, what, each := arm.Instances, "instances", 1
	if asked == 0 {
		what, each = "workers", cores
	}
	if p := s.installed[arm.Server].Workers; p != nil {
		if arm.Workers == 0 {
			arm.Workers = min(p.Default, each)
		}
		asked = max(asked, arm.Workers) // one where there are instances
	}
	if asked <= cores {
		return nil
	}
	return &record.Missing{
		Arm: arm.Name, Reason: fmt.Sprintf("not testable here: %d %s on %d core(s)", asked, what, cores),
		Hint: fmt.Sprintf("give the servers %d cores with --server-cpus, where the machine has them", asked),
	}
}

// unreachable says whether a level was left out.
func (s *session) unreachable(l record.Level) bool {
	return slices.ContainsFunc(s.run.Unreachable, func(u record.Unreachable) bool { return u.Level == l })
}

// addServers takes folders of servers that are not embedded.
func (s *session) addServers(dirs []string) error {
	for _, dir := range dirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return fmt.Errorf("--server %s: %w", dir, err)
		}
		name := filepath.Base(abs)
		if slices.Contains(fixtures.ServerNames(), name) || s.own[name] != "" || name == record.NullServer {
			return usageError{fmt.Errorf("--server %s: there is a server %q already; call the folder something else", dir, name)}
		}
		s.own[name] = abs
	}
	return nil
}

func (s *session) install(ctx context.Context, p *runners.Preparer, server string) error {
	if server == record.NullServer {
		// No more loops than the generator has, for it would not see any of them slow down.
		cpus := s.run.ServerCPUs
		in, err := nullServer(cpus[:min(len(cpus), max(len(s.run.LoadCPUs), 1))])
		s.installed[server] = in
		return err
	}
	fsys := fixtures.Servers()
	dir, own := s.own[server]
	if own {
		fsys = os.DirFS(filepath.Dir(dir))
	}
	m, err := runners.Load(fsys, server)
	if err != nil && !own && !slices.Contains(fixtures.ServerNames(), server) {
		return usageError{fmt.Errorf("there is no server %q (see hellobench list servers; a folder of your own is given with --server)", server)}
	}
	if err != nil && own {
		return fmt.Errorf("--server %s: %w", dir, err)
	}
	if err != nil {
		return err
	}
	if len(m.LeftOut) > 0 {
		s.say("note: not copied from the folder of %s: %s", server, strings.Join(m.LeftOut, ", "))
	}
	in, err := p.Prepare(ctx, m)
	if err != nil {
		return err
	}
	s.installed[server] = in
	s.run.Servers = append(s.run.Servers, record.ServerVersion{
		Server: in.Name, Folder: dir, Title: in.Title, Runtime: in.Runtime, Versions: in.Versions, Executables: in.Executables, Lock: in.Key, Command: in.Command,
	})
	return nil
}

// guard is this program as the guard of what it starts; see runners.GuardMain.
func guard() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start guard: %w", err)
	}
	if err := refuse("a run", host.Need{OpenFiles: spareFiles}); err != nil {
		return nil, err
	}
	return []string{self, "guard"}, nil
}
