package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/plan"
	"github.com/hellobench/hellobench/internal/profile"
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
	guard     *runners.Guard
}

func (a *app) newSession(ctx context.Context, p *profile.Profile, o runOptions, seeded bool) (*session, error) {
	ledger, err := claims.DecodeLedger(fixtures.ClaimsFile, fixtures.Claims())
	if err != nil {
		return nil, err
	}
	s := &session{app: a, installed: map[string]*runners.Installed{}}
	now := time.Now()
	s.run = &record.Run{
		Schema: record.SchemaVersion, Tool: "hellobench", Profile: p.Name, Description: p.Description, Quotable: p.Quotable,
		Seed: o.seed, Levels: p.Levels, Blocks: p.Blocks, Window: p.Window, Warmup: p.Warmup, Timeout: p.Timeout,
		ClaimsHash: ledger.Hash, Claims: string(fixtures.Claims()), Start: now.UTC(), State: record.Running,
	}
	if !seeded {
		s.run.Seed = rand.Uint64()
	}
	if err := s.cores(o); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, p.WithReplicate()); err != nil {
		return nil, err
	}
	s.run.Plan = plan.Blocks(present(s.run.Arms, s.run.Missing), len(p.Levels), p.Blocks.Max, s.run.Seed)
	if _, err := host.RaiseOpenFiles(); err != nil {
		return nil, err
	}
	s.run.Environment = host.Environment()
	if err := host.PinProcess(s.run.LoadCPUs); err != nil {
		return nil, err
	}
	if s.guard, err = startGuard(); err != nil {
		return nil, err
	}
	if err := s.chooseEngine(ctx, o.engine); err != nil {
		return nil, errors.Join(err, s.guard.Close())
	}
	if s.dir, err = newFolder(o.out, p.Name, now); err != nil {
		return nil, errors.Join(err, s.guard.Close())
	}
	s.run.ID = filepath.Base(s.dir)
	if err := record.WriteRun(s.dir, s.run); err != nil {
		return nil, errors.Join(err, s.guard.Close())
	}
	for _, n := range s.run.Notices {
		s.say("note: %s", n)
	}
	return s, nil
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
		return err
	}
	if notice != "" {
		s.run.Notices = append(s.run.Notices, notice)
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
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	logPath := filepath.Join(cache, "prepare.log")
	log, err := os.Create(logPath)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { _ = log.Close() }()
	p := &runners.Preparer{Cache: cache, Log: log, Note: func(server string) { s.say("installing %s (once; log: %s)", server, logPath) }}
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
		arms[i].Close = arm.Close || s.installed[arm.Server].AlwaysCloses()
	}
	s.run.Arms = arms
	if len(s.installed) == 0 {
		return errors.New("none of the servers can run on this machine")
	}
	return nil
}

func (s *session) install(ctx context.Context, p *runners.Preparer, server string) error {
	m, err := runners.Load(fixtures.Servers(), server)
	if err != nil {
		return err
	}
	in, err := p.Prepare(ctx, m)
	if err != nil {
		return err
	}
	s.installed[server] = in
	s.run.Servers = append(s.run.Servers, record.ServerVersion{
		Server: in.Name, Title: in.Title, Runtime: in.Runtime, Versions: in.Versions, Lock: in.Key, Command: in.Command,
	})
	return nil
}

func startGuard() (*runners.Guard, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start guard: %w", err)
	}
	return runners.StartGuard(self, "guard")
}
