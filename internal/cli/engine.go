package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/load/vegeta"
	"github.com/hellobench/hellobench/internal/load/wire"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// Calibration: a short closed loop.
const (
	calibrationConnections = 64
	calibrationWindow      = 400 * time.Millisecond
	longCalibrationWindow  = time.Second // of more connections: their first and last requests are a part of it
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

// chooseEngine settles the engine of a run, measures its ceiling, and has the
// other engine check it where there is one.
func (s *session) chooseEngine(ctx context.Context, name string) error {
	engine, err := newEngine(name, "")
	if err != nil {
		return err
	}
	choice := record.EngineChoice{Name: engine.Name(), Reason: "asked for"}
	if name == "auto" {
		choice.Reason = "it needs the least of the generator's cores"
		if !wireRuns {
			choice.Reason = "the event loop of our own needs Linux"
		}
	}
	if err := s.measureCeilings(ctx, engine, &choice); err != nil {
		return err
	}
	if wireRuns {
		if choice.CrossCheck, err = s.crossCheck(ctx); err != nil {
			return err
		}
	}
	s.engine, s.run.Engine = engine, choice
	s.say("engine %s: its ceiling here is %.0f req/s at %d connections", choice.Name, choice.Ceiling, calibrationConnections)
	if c := choice.CrossCheck; c != nil && !c.Agree {
		s.run.Notices = append(s.run.Notices, fmt.Sprintf("The engines read %s differently at %.0f req/s: median latency %v by wire, %v by vegeta.",
			c.Arm, c.Rate, round(c.Wire), round(c.Vegeta)))
	}
	return nil
}

// The engines agree below saturation if their medians differ by at most this.
const (
	agreeShare = 0.05
	agreeTime  = 100 * time.Microsecond
)

// crossCheck has both engines ask the first arm that runs, at a fifth of what
// it or the slower engine can do, and compares the medians. It is nil if no arm runs.
func (s *session) crossCheck(ctx context.Context) (*record.CrossCheck, error) {
	library := vegeta.New(vegeta.Options{})
	ceiling, err := s.ceiling(ctx, library)
	if err != nil {
		return nil, err
	}
	for _, arm := range present(s.run.Arms, s.run.Missing) {
		c := &record.CrossCheck{Arm: arm.Name}
		err := s.probe(ctx, arm, func(spec load.Spec) error {
			own := wire.New()
			m, err := own.Run(ctx, spec)
			if err != nil {
				return err
			}
			c.Rate = max(min(ceiling, m.Throughput())/5, 1)
			if spec.Schedule, err = load.NewSchedule(c.Rate, "poisson", s.run.Seed); err != nil {
				return err
			}
			// In turns that favor neither, and the lower of two each: a disturbance hits one window.
			for _, turn := range []struct {
				engine load.Engine
				lowest *time.Duration
			}{{own, &c.Wire}, {library, &c.Vegeta}, {library, &c.Vegeta}, {own, &c.Wire}} {
				p50, err := median(ctx, turn.engine, spec)
				if err != nil {
					return err
				}
				if *turn.lowest == 0 || p50 < *turn.lowest {
					*turn.lowest = p50
				}
			}
			return nil
		})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			s.say("warning: %v", err) // its trials will say so too
			continue
		}
		apart := (c.Wire - c.Vegeta).Abs()
		c.Agree = apart <= agreeTime || float64(apart) <= agreeShare*float64(min(c.Wire, c.Vegeta))
		return c, nil
	}
	return nil, nil
}

func median(ctx context.Context, engine load.Engine, spec load.Spec) (time.Duration, error) {
	m, err := engine.Run(ctx, spec)
	if err != nil {
		return 0, err
	}
	if m.Latency == nil || m.Latency.P50 == nil {
		return 0, fmt.Errorf("engine %s: no correct response: %s", engine.Name(), m.FirstError)
	}
	return *m.Latency.P50, nil
}

// probe starts an arm's server for a moment, as one instance: a schedule is for
// one, and what is asked is about the engines.
func (s *session) probe(ctx context.Context, arm record.Arm, ask func(load.Spec) error) (err error) {
	p, err := runners.Start(ctx, s.installed[arm.Server], runners.Options{Workers: arm.Workers, Threads: arm.Threads, CPUs: s.run.ServerCPUs, Guard: s.guard})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	body, err := p.Verify(ctx, arm.Route)
	if err != nil {
		return err
	}
	return ask(s.spec(p.URL(arm.Route), body, arm.Close))
}

func (s *session) spec(url string, body []byte, closing bool) load.Spec {
	return load.Spec{
		URLs: []string{url}, Connections: calibrationConnections, Duration: calibrationWindow, Timeout: s.run.Timeout,
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

// measureCeilings fills in the engine's ceilings at the levels of the run.
func (s *session) measureCeilings(ctx context.Context, engine load.Engine, choice *record.EngineChoice) (err error) {
	if choice.Ceiling, err = s.ceiling(ctx, engine); err != nil {
		return err
	}
	choice.Ceilings = nil
	for _, l := range s.run.Levels {
		if l.Open() || l.Connections <= calibrationConnections || s.unreachable(l) {
			continue
		}
		m, err := s.loadNull(ctx, engine, l.Connections, longCalibrationWindow)
		if err != nil {
			return err
		}
		choice.Ceilings = append(choice.Ceilings, record.Ceiling{Connections: l.Connections, Throughput: m.Throughput()})
	}
	slices.SortFunc(choice.Ceilings, func(a, b record.Ceiling) int { return cmp.Compare(a.Connections, b.Connections) })
	return nil
}

// nullServer is this program as the null server, in a process of its own as any other server.
// It has an event loop for each of the cores.
func nullServer(cpus []int) (*runners.Installed, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("null server: %w", err)
	}
	body := null.Body
	return &runners.Installed{Manifest: &runners.Manifest{
		Name: "null", Title: "The null server", Runtime: "other", Ready: "/",
		Command: []string{self, "null", "--addr", "{host}:{port}", "--server-cpus", host.FormatCPUs(cpus)},
		Routes:  map[string]runners.Route{"/": {Body: &body}},
	}, Src: os.TempDir()}, nil
}
