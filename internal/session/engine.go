package session

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/vegeta"
	"github.com/hellobench/hellobench/internal/load/wire"
	"github.com/hellobench/hellobench/internal/record"
)

// Calibration: a short closed loop.
const (
	calibrationConnections = 64
	calibrationWindow      = 400 * time.Millisecond
	longCalibrationWindow  = time.Second // of more connections: their first and last requests are a part of it
)

// wireRuns says whether the event loop of our own exists for this system.
const wireRuns = runtime.GOOS == "linux"

// Engines are the names that NewEngine knows; the first chooses one of the others.
var Engines = []string{"auto", "wire", "vegeta"}

// CheckEngine refuses what is no name of an engine.
func CheckEngine(name string) error {
	if !slices.Contains(Engines, name) {
		return UsageError{fmt.Errorf("--engine %q: want %s", name, strings.Join(Engines, ", "))}
	}
	return nil
}

// NewEngine makes the engine of a name. auto is wire where it can do what the
// URL asks, else vegeta.
func NewEngine(name, url string) load.Engine {
	if name == "vegeta" || name == "auto" && (!wireRuns || strings.HasPrefix(strings.ToLower(url), "https:")) {
		return vegeta.New(vegeta.Options{})
	}
	return wire.New()
}

// chooseEngine settles the engine of a run, measures its ceiling, and has the
// other engine check it where there is one.
func (s *Session) chooseEngine(ctx context.Context, name string, engine load.Engine) (err error) {
	choice := record.EngineChoice{Name: engine.Name(), Reason: "asked for"}
	if name == "auto" {
		choice.Reason = "it needs the least of the generator's cores"
		if !wireRuns {
			choice.Reason = "the event loop of our own needs Linux"
		}
	}
	if err := s.measureRoundTrips(ctx, choice.Name); err != nil {
		return err
	}
	if err := s.measureCeilings(ctx, engine, &choice); err != nil {
		return err
	}
	if wireRuns {
		if choice.CrossCheck, err = s.crossCheck(ctx); err != nil {
			return err
		}
	}
	s.engine, s.Run.Engine = engine, choice
	if choice.Disproved() {
		s.say("warning: %v; they are compared again at the end, and if they still differ the run is invalid", choice.CrossCheck)
	}
	s.say("engine %s: its ceiling here is %.0f req/s at %d connections", choice.Name, choice.Ceiling, calibrationConnections)
	return nil
}

// ceiling is what an engine reaches against the null server, in requests a second.
func (s *Session) ceiling(ctx context.Context, engine load.Engine) (float64, error) {
	m, err := s.LoadNull(ctx, engine, calibrationConnections, calibrationWindow)
	if err != nil {
		return 0, err
	}
	return m.Throughput(), nil
}

// recalibrate measures the ceiling at a level again, which an arm has disproved.
func (s *Session) recalibrate(ctx context.Context, level record.Level, arm record.Arm) error {
	connections, window := calibrationConnections, calibrationWindow
	if !level.Open() && level.Connections > calibrationConnections {
		connections, window = level.Connections, longCalibrationWindow
	}
	before := s.Run.Engine.CeilingAt(level)
	m, err := s.LoadNull(ctx, s.engine, connections, window)
	if err != nil {
		return err
	}
	s.Run.Engine.Raise(level, m.Throughput())
	s.notice("The generator's ceiling was measured again where an arm did more than it: the machine's speed had changed.")
	s.say("engine %s: %s did more at %v than the ceiling of %.0f req/s; measured again: %.0f req/s", s.Run.Engine.Name, arm.Name, level, before, m.Throughput())
	return nil
}

// measureCeilings fills in the engine's ceilings at the levels of the run.
func (s *Session) measureCeilings(ctx context.Context, engine load.Engine, choice *record.EngineChoice) (err error) {
	if choice.Ceiling, err = s.ceiling(ctx, engine); err != nil {
		return err
	}
	choice.Ceilings = nil
	for _, l := range s.Run.Levels {
		if l.Open() || l.Connections <= calibrationConnections || s.unreachable(l) {
			continue
		}
		m, err := s.LoadNull(ctx, engine, l.Connections, longCalibrationWindow)
		if err != nil {
			return err
		}
		choice.Ceilings = append(choice.Ceilings, record.Ceiling{Connections: l.Connections, Throughput: m.Throughput()})
	}
	slices.SortFunc(choice.Ceilings, func(a, b record.Ceiling) int { return cmp.Compare(a.Connections, b.Connections) })
	return nil
}
