// Package session takes a run from its options to its closed journal: the cores, the
// engine and its ceilings, the installed servers, the folder, the plan, resuming and
// sharding, and the measuring itself. Every server is started through one door, and
// under a guard. It prints nothing: what it has to say goes to a Tell.
package session

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
	"sync"
	"time"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/machine"
	"github.com/hellobench/hellobench/internal/plan"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// Session is a run about to be measured: its servers are installed, its
// folder is there, its plan is made.
type Session struct {
	Run *record.Run
	Dir string

	tell      Tell
	manifests map[string]*runners.Manifest // of the servers that are installed, by name
	engine    load.Engine
	journal   *record.Journal
	ledger    *claims.Ledger
	own       map[string]string               // folder of a server that is not embedded, by name
	gone      map[string]*runners.Unavailable // servers that the run which is resumed could not have, by name

	machines
	mu sync.Mutex // of what the end of a connection touches
}

// Tell is how a session tells what it does.
type Tell struct {
	Say     func(format string, args ...any) // a line for people
	Observe func(bench.Event)                // how far the measuring is; may be nil
}

// newSession is one that can start servers, and has no run yet.
func newSession(tell Tell) (*Session, error) {
	s := &Session{tell: tell, manifests: map[string]*runners.Manifest{}, own: map[string]string{}, gone: map[string]*runners.Unavailable{}}
	if err := Refuse("a run", host.Need{OpenFiles: spareFiles}); err != nil {
		return nil, err
	}
	var err error
	s.local, err = machine.NewLocal(s.say)
	return s, err
}

// Open prepares a new run, or one that is to be resumed. It has to be closed
// where there is no error.
func Open(ctx context.Context, o Options, tell Tell) (*Session, error) {
	if err := CheckEngine(o.Engine); err != nil {
		return nil, err
	}
	s, err := newSession(tell)
	if err != nil {
		return nil, err
	}
	begin := s.begin
	if o.Resume != "" {
		begin = s.resume
	}
	if err := begin(s.within(ctx), o); err != nil {
		err = s.whyEnded(err)
		return nil, errors.Join(err, s.Close())
	}
	for _, n := range s.Run.Notices {
		s.say("note: %s", n)
	}
	return s, nil
}

// begin plans a run and makes its folder.
func (s *Session) begin(ctx context.Context, o Options) (err error) {
	if err := s.addServers(o.Servers); err != nil {
		return err
	}
	p, err := o.selected(s.own)
	if err != nil {
		return err
	}
	text, title, err := s.readLedger(o.Claims, p)
	if err != nil {
		return err
	}
	if err := s.connect(ctx, o); err != nil {
		return err
	}
	now := time.Now()
	if s.Run, err = s.planned(o, p, now); err != nil {
		return err
	}
	s.Run.Claims = string(text)
	if s.Run.Title = title; title != "" {
		s.Run.Description = "" // of the profile's own arms
	}
	if err := s.cores(o); err != nil {
		return err
	}
	if s.Dir, err = NewFolder(o.Out, p.Name, now, o.Command); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			removeEmpty(s.Dir)
		}
	}()
	s.Run.ID = filepath.Base(s.Dir)
	if err := s.equip(ctx, o, p); err != nil {
		return err
	}
	if s.journal, err = record.OpenJournal(s.Dir); err != nil {
		return err
	}
	if err := record.WriteRun(s.Dir, s.Run); err != nil {
		return err
	}
	if o.Out == "" { // once there is a run to point at
		if err := pointLatest(s.Dir); err != nil {
			s.Run.Notices = append(s.Run.Notices, err.Error())
		}
	}
	return nil
}

// planned is a run as it is asked for.
func (s *Session) planned(o Options, p selection, now time.Time) (*record.Run, error) {
	shard, err := parseShard(o.Shard, os.Getenv)
	if err != nil {
		return nil, UsageError{err}
	}
	if shard != nil && !o.Seeded {
		return nil, UsageError{errors.New("--shard: needs --seed, the same one for all shards")}
	}
	seed := o.Seed
	if !o.Seeded {
		seed = rand.Uint64()
	}
	return &record.Run{
		Schema: record.SchemaVersion, Tool: o.Tool, Method: bench.Method(), Profile: p.Name, Description: p.Description, Quotable: p.Quotable,
		Seed: seed, Shard: shard, Levels: p.Levels, Blocks: p.Blocks, Window: p.Window, LongWindow: p.LongWindow, Budget: p.Budget, Warmup: p.Warmup, WarmupMax: p.WarmupMax, Timeout: p.Timeout,
		Explain: o.Explain, ClaimsHash: s.ledger.Hash, Asked: s.ledger.IDs(), Notices: p.notices, Start: now.UTC(), State: record.Running,
	}, nil
}

// equip installs the servers, moves to the generator's cores, drops what the
// machine does not allow, makes the plan of the rest, and takes the engine.
func (s *Session) equip(ctx context.Context, o Options, p selection) error {
	arms := p.Enter()
	s.Run.Experiments = p.Experiments
	if err := s.prepare(ctx, arms); err != nil {
		return err
	}
	if err := s.takeCores(); err != nil {
		return err
	}
	engine := s.newEngine(o.Engine)
	if err := s.dropLevels(p.Profile, engine.Name()); err != nil {
		return err
	}
	here := present(s.Run.Arms, s.Run.Missing)
	s.Run.Plan = plan.Blocks(s.Run.Experiments, func(x int, arm string) []int {
		cores := len(s.Run.ServerCPUs)
		if !slices.ContainsFunc(here, func(a record.Arm) bool { return a.Name == arm }) || cores > 0 && s.Run.Experiments[x].Cores > cores {
			return nil
		}
		return p.Visits(x, arm)
	}, s.Run.Seed)
	if err := s.noticeTooFewCores(); err != nil {
		return err
	}
	return s.chooseEngine(ctx, o.Engine, engine)
}

// readLedger reads the ledger that a run is to answer, and returns its text, and
// a title where the ledger's own question is not what the run is about. Claims
// whose arms are no part of the run are left out. A ledger of one's own is
// answered whole otherwise.
func (s *Session) readLedger(file string, p selection) (text []byte, title string, err error) {
	name, text := fixtures.ClaimsFile, fixtures.Claims
	if file != "" {
		if text, err = ReadFile(file); err != nil {
			return nil, "", fmt.Errorf("--claims: %w", err)
		}
		name, p.Claims = file, nil
	}
	if s.ledger, err = claims.DecodeLedger(name, text); err != nil {
		return nil, "", err
	}
	if err := errors.Join(s.ledger.CheckArms(Catalog(s.own).CheckName), p.CheckClaims(s.ledger.IDs())); err != nil {
		return nil, "", err
	}
	if err := s.ledger.Keep(p.Claims); err != nil {
		return nil, "", err
	}
	left := s.ledger.Within(p.Arms)
	if len(left) > 0 || p.chosen && file == "" {
		title = Heading(p.Arms)
	}
	if file != "" {
		for _, n := range append(LeftOut(left), s.ledger.Unplanned(p.Levels, p.Experiments)...) {
			s.say("note: %s", n)
		}
	}
	return text, title, nil
}

// resume takes up the run in a folder. What is to be measured must still be
// the same: a run of two versions would be no run.
func (s *Session) resume(ctx context.Context, o Options) (err error) {
	old, err := record.ReadRun(o.Resume)
	if err != nil {
		return err
	}
	if s.ledger, err = LedgerOf(old, o.Resume); err != nil {
		return err
	}
	if _, err := record.TrialsOf(o.Resume, old); err != nil {
		return err
	}
	fresh := *old
	s.Dir, s.Run = o.Resume, &fresh
	s.Run.Method = bench.Method()
	s.Run.Servers, s.Run.Missing, s.Run.Explain = nil, nil, old.Explain || o.Explain
	if s.journal, err = record.OpenJournal(s.Dir); err != nil {
		return err
	}
	again := Options{
		ServerCPUs: host.FormatCPUs(old.ServerCPUs), LoadCPUs: host.FormatCPUs(old.LoadCPUs),
		ServerHost: old.ServerHost, LoadHosts: old.LoadHosts(), ServerAddress: old.ServerAddress,
	}
	if len(again.LoadHosts) > 0 {
		again.LoadCPUs = host.FormatCPUs(old.Generators[0].CPUs)
	}
	if err := s.connect(ctx, again); err != nil {
		return err
	}
	if err := s.cores(again); err != nil {
		return err
	}
	for _, v := range old.Servers {
		if v.Folder != "" {
			s.own[v.Server] = v.Folder
		}
	}
	for _, m := range old.Missing { // where its folder was is not recorded
		arm := old.Arms[slices.IndexFunc(old.Arms, func(a record.Arm) bool { return a.Name == m.Arm })]
		if _, own := s.own[arm.Server]; !own && !slices.Contains(fixtures.ServerNames(), arm.Server) {
			s.gone[arm.Server] = &runners.Unavailable{Server: arm.Server, Reason: m.Reason, Hint: m.Hint}
		}
	}
	if err := s.prepare(ctx, old.Arms); err != nil {
		return err
	}
	if err := s.takeCores(); err != nil {
		return err
	}
	if err := s.checkResumable(o.Resume); err != nil {
		return err
	}
	for _, part := range []struct {
		what string
		same bool
	}{
		{"hellobench's method of measuring", old.Method == s.Run.Method},
		{"the machine", SameMachine(old.Environment, s.Run.Environment) && slices.EqualFunc(old.Generators, s.Run.Generators, sameGenerator)},
		{"what may be pinned to cores", slices.Equal(old.ServerCPUs, s.Run.ServerCPUs) && slices.Equal(old.LoadCPUs, s.Run.LoadCPUs)},
		{"what is installed", reflect.DeepEqual(old.Missing, s.Run.Missing)},
		{"the servers or their runtimes", reflect.DeepEqual(old.Servers, s.Run.Servers)},
	} {
		if !part.same {
			return fmt.Errorf("resume %s: %s changed since the run began; start a new one", o.Resume, part.what)
		}
	}
	s.Run.Environment, s.Run.Generators, s.Run.State, s.Run.End = old.Environment, old.Generators, record.Running, time.Time{}
	s.engine = s.newEngine(old.Engine.Name)
	// What was measured stays judged by the ceiling of its time, for its gates
	// are written down; what is to come is judged by that of now.
	if err := s.measureCeilings(ctx, s.engine, &s.Run.Engine); err != nil {
		return err
	}
	return record.WriteRun(s.Dir, s.Run)
}

// SameMachine compares what stays as it is from call to call: to go on with a
// run takes more than to compare two, namely the same kernel and memory, too.
func SameMachine(a, b record.Environment) bool {
	return len(a.Different(&b)) == 0 && a.Kernel == b.Kernel && a.Memory == b.Memory
}

func sameGenerator(a, b record.Generator) bool {
	return a.Host == b.Host && slices.Equal(a.CPUs, b.CPUs) && SameMachine(a.Environment, b.Environment)
}

// takeCores looks at the machine and moves the harness to the generator's cores.
func (s *Session) takeCores() error {
	if _, err := host.RaiseOpenFiles(); err != nil {
		return err
	}
	s.describe()
	return host.PinProcess(s.Run.LoadCPUs)
}

// Close gives the journal free, and the other machines.
func (s *Session) Close() error {
	err := s.leave()
	if s.journal == nil {
		return err
	}
	return errors.Join(err, s.journal.Close())
}

func (s *Session) say(format string, args ...any) {
	s.tell.Say(format, args...)
}

// cores decides who runs where and moves the harness to the generator's cores.
func (s *Session) cores(o Options) error {
	server, err := host.ParseCPUs(o.ServerCPUs)
	if err != nil {
		return UsageError{fmt.Errorf("--server-cpus: %w", err)}
	}
	gen, err := host.ParseCPUs(o.LoadCPUs)
	if err != nil {
		return UsageError{fmt.Errorf("--load-cpus: %w", err)}
	}
	if s.apart() {
		return s.coresApart(server, gen)
	}
	cores, notice, err := host.Assign(server, gen)
	if err != nil {
		return UsageError{err}
	}
	if notice != "" {
		s.notice(notice)
		s.Run.Quotable = false
	}
	s.Run.ServerCPUs, s.Run.LoadCPUs = cores.Server, cores.Load
	return nil
}

// prepare installs the servers of all arms. A server that cannot be had makes
// the run partial; a run without any server is an error.
func (s *Session) prepare(ctx context.Context, arms []record.Arm) error {
	failed := s.gone
	for i, arm := range arms {
		if failed[arm.Server] == nil && s.manifests[arm.Server] == nil {
			var u *runners.Unavailable
			if err := s.install(ctx, arm.Server); errors.As(err, &u) {
				failed[arm.Server] = u
			} else if err != nil {
				return err
			}
		}
		if u := failed[arm.Server]; u != nil {
			s.Run.Missing = append(s.Run.Missing, record.Missing{Arm: arm.Name, Reason: u.Reason, Hint: u.Hint})
			continue
		}
		if m := s.tooFewCores(&arms[i]); m != nil {
			s.Run.Missing = append(s.Run.Missing, *m)
			continue
		}
		arms[i].Close = arm.Close || s.manifests[arm.Server].AlwaysCloses()
	}
	s.Run.Arms = arms
	s.sayMissing()
	if competitors := present(arms, s.Run.Missing); !slices.ContainsFunc(competitors, func(a record.Arm) bool { return !a.Canary() }) {
		return errors.New("none of the servers can run on this machine")
	}
	return nil
}

// sayMissing says once for each reason which arms take no part.
func (s *Session) sayMissing() {
	var reasons []string
	arms := map[string][]string{}
	for _, m := range s.Run.Missing {
		if a := s.Run.Arms[slices.IndexFunc(s.Run.Arms, func(a record.Arm) bool { return a.Name == m.Arm })]; a.Replicate != "" {
			continue
		}
		reason := m.Reason + "\nhint: " + m.Hint
		if arms[reason] == nil {
			reasons = append(reasons, reason)
		}
		arms[reason] = append(arms[reason], m.Arm)
	}
	for _, reason := range reasons {
		what := "partial run, without"
		if s.Run.TooFewCores(arms[reason][0]) {
			what = "note: without"
		}
		s.say("%s %s: %s", what, strings.Join(arms[reason], ", "), reason)
	}
}

// addServers takes folders of servers that are not embedded.
func (s *Session) addServers(dirs []string) error {
	for _, dir := range dirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return fmt.Errorf("--server %s: %w", dir, err)
		}
		name := filepath.Base(abs)
		if slices.Contains(fixtures.ServerNames(), name) || s.own[name] != "" || name == record.NullServer {
			return UsageError{fmt.Errorf("--server %s: there is a server %q already; call the folder something else", dir, name)}
		}
		s.own[name] = abs
	}
	return nil
}

func (s *Session) install(ctx context.Context, server string) error {
	if server == record.NullServer {
		s.manifests[server] = &runners.Manifest{}
		return nil
	}
	fsys := fixtures.Servers()
	dir, own := s.own[server]
	if own {
		fsys = os.DirFS(filepath.Dir(dir))
	}
	m, err := runners.Load(fsys, server)
	if err != nil && !own && !slices.Contains(fixtures.ServerNames(), server) {
		return UsageError{fmt.Errorf("there is no server %q (see hellobench list servers; a folder of your own is given with --server)", server)}
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
	put := s.local.Install
	if s.servers != nil {
		put = s.servers.Install
	}
	v, err := put(ctx, m)
	if err != nil {
		return err
	}
	v.Folder = dir
	s.manifests[server] = m
	s.Run.Servers = append(s.Run.Servers, *v)
	return nil
}
