package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// guard is this program as the guard of what it starts; see runners.GuardMain.
func guard() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start guard: %w", err)
	}
	if err := Refuse("a run", host.Need{OpenFiles: spareFiles}); err != nil {
		return nil, err
	}
	return []string{self, "guard"}, nil
}

// nullServer is this program as the null server, in a process of its own as any other server.
// It has an event loop for each of the cores.
func nullServer(cpus []int) (*runners.Installed, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("null server: %w", err)
	}
	command := []string{self, "null", "--addr", "{host}:{port}"}
	if len(cpus) > 0 {
		command = append(command, "--server-cpus", host.FormatCPUs(cpus))
	}
	return &runners.Installed{Manifest: &runners.Manifest{
		Name: "null", Title: "The null server", Runtime: "other", Ready: runners.Ready{Path: "/"},
		Command: command,
		Routes:  map[string]runners.Route{"/": {Path: "/", Body: runners.Exactly(null.Body)}},
	}, Src: os.TempDir()}, nil
}

// LoadNull runs one closed-loop window against a fresh null server on the servers' cores.
func (s *Session) LoadNull(ctx context.Context, engine load.Engine, connections int, window time.Duration) (m *record.Measurement, err error) {
	err = s.withNull(ctx, func(spec load.Spec) (err error) {
		spec.Connections, spec.Duration = connections, window
		m, err = engine.Run(ctx, spec)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	return m, nil
}

// withNull starts a fresh null server on the servers' cores for a moment.
func (s *Session) withNull(ctx context.Context, ask func(load.Spec) error) (err error) {
	server, err := nullServer(s.Run.ServerCPUs)
	if err != nil {
		return err
	}
	p, err := s.start(ctx, server, record.Arm{}, runners.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	hello, err := p.Verify(ctx, "/")
	if err != nil {
		return err
	}
	return ask(s.spec(hello, false))
}

// ToCalibrate prepares what only loads the null server (LoadNull).
func ToCalibrate(o Options, tell Tell) (*Session, error) {
	s, err := newSession(tell)
	if err != nil {
		return nil, err
	}
	s.Run = &record.Run{Timeout: load.DefaultTimeout}
	if err := s.cores(o); err != nil {
		return nil, err
	}
	for _, n := range s.Run.Notices {
		s.say("note: %s", n)
	}
	if s.limits, err = host.ReadLimits(); err != nil {
		return nil, err
	}
	return s, host.PinProcess(s.Run.LoadCPUs)
}
