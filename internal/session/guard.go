package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/machine"
	"github.com/hellobench/hellobench/internal/record"
)

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
func (s *Session) withNull(ctx context.Context, ask func(load.Spec) error) error {
	return s.briefly(ctx, machine.Start{Server: record.NullServer, CPUs: s.Run.ServerCPUs, Loops: s.Run.ServerCPUs}, "/", ask)
}

// briefly starts a server for as long as it is asked, in closed loops unless ask has another schedule.
func (s *Session) briefly(ctx context.Context, st machine.Start, route string, ask func(load.Spec) error) (err error) {
	p, err := s.start(ctx, st)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	exchanges, err := p.Verify(ctx, route)
	if err != nil {
		return err
	}
	return ask(load.Spec{
		Exchanges: exchanges, Connections: calibrationConnections, Duration: calibrationWindow, Timeout: s.Run.Timeout, CPUs: s.Run.LoadCPUs,
	})
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
	return s, host.PinProcess(s.Run.LoadCPUs)
}
