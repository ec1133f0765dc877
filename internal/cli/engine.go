package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/load/vegeta"
	"github.com/hellobench/hellobench/internal/load/wire"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// Calibration and pilot: one short closed loop each.
const (
	calibrationConnections = 64
	calibrationWindow      = 400 * time.Millisecond
)

// wireRuns says whether the event loop of our own exists for this system.
const wireRuns = runtime.GOOS == "linux"

// newEngine makes the engine of a name. auto is wire where it can do what the
// URL asks, else vegeta.
func newEngine(name, url string) (load.Engine, error) {
	if err := oneOf("engine", name, "auto", "wire", "vegeta"); err != nil {
		return nil, err
	}
	if name == "vegeta" || name == "auto" && (!wireRuns || strings.HasPrefix(url, "https:")) {
		return vegeta.New(vegeta.Options{}), nil
	}
	return wire.New(), nil
}

// chooseEngine settles the engine of a run and measures its ceiling. auto
// takes vegeta, which people know, where its ceiling is at least twice what
// the fastest arm can do on this machine; else wire.
func (s *session) chooseEngine(ctx context.Context, name string) error {
	engine, err := newEngine(name, "")
	if err != nil {
		return err
	}
	choice := record.EngineChoice{Reason: "asked for"}
	if name == "auto" {
		if engine, choice.Reason, err = s.pilot(ctx); err != nil {
			return err
		}
	}
	if choice.Ceiling, err = s.ceiling(ctx, engine); err != nil {
		return err
	}
	choice.Name = engine.Name()
	s.engine, s.run.Engine = engine, choice
	s.say("engine %s: %s; its ceiling here is %.0f req/s at %d connections", choice.Name, choice.Reason, choice.Ceiling, calibrationConnections)
	return nil
}

// pilot finds the fastest arm with a short window each and compares vegeta's ceiling with it.
func (s *session) pilot(ctx context.Context) (load.Engine, string, error) {
	library := vegeta.New(vegeta.Options{})
	if !wireRuns {
		return library, "the event loop of our own needs Linux", nil
	}
	own := wire.New()
	fastest, name := 0.0, ""
	for _, arm := range present(s.run.Arms, s.run.Missing) {
		if arm.Replicate != "" {
			continue
		}
		m, err := s.probe(ctx, own, arm)
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		if err != nil {
			s.say("warning: %v", err) // its trials will say so too
			continue
		}
		if x := m.Throughput(); x > fastest {
			fastest, name = x, arm.Name
		}
	}
	ceiling, err := s.ceiling(ctx, library)
	if err != nil {
		return nil, "", err
	}
	facts := fmt.Sprintf("vegeta reaches %.0f req/s here, %s about %.0f", ceiling, name, fastest)
	if fastest > 0 && ceiling >= 2*fastest {
		return library, facts, nil
	}
	return own, facts, nil
}

// probe loads an arm's server once, for a moment.
func (s *session) probe(ctx context.Context, engine load.Engine, arm record.Arm) (m *record.Measurement, err error) {
	p, err := runners.Start(ctx, s.installed[arm.Server], runners.Options{Workers: arm.Workers, Threads: arm.Threads, CPUs: s.run.ServerCPUs, Guard: s.guard})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	body, err := p.Verify(ctx, arm.Route)
	if err != nil {
		return nil, err
	}
	return engine.Run(ctx, s.spec(p.URL(arm.Route), body, arm.Close))
}

func (s *session) spec(url string, body []byte, closing bool) load.Spec {
	return load.Spec{
		URL: url, Connections: calibrationConnections, Duration: calibrationWindow, Timeout: s.run.Timeout,
		Close: closing, Expect: load.Expect{Status: 200, Body: body}, CPUs: s.run.LoadCPUs,
	}
}

// ceiling is what an engine reaches against the null server, in requests a second.
func (s *session) ceiling(ctx context.Context, engine load.Engine) (float64, error) {
	m, err := s.loadNull(ctx, engine, calibrationConnections, calibrationWindow)
	if err != nil {
		return 0, err
	}
	return m.Throughput(), nil
}

// nullServer is this program as the null server, in a process of its own as any other server.
func nullServer() (*runners.Installed, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("null server: %w", err)
	}
	body := null.Body
	return &runners.Installed{Manifest: &runners.Manifest{
		Name: "null", Title: "The null server", Runtime: "other", Ready: "/",
		Command: []string{self, "null", "--addr", "{host}:{port}"},
		Routes:  map[string]runners.Route{"/": {Body: &body}},
	}, Src: os.TempDir()}, nil
}
