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

	"github.com/hellobench/hellobench/internal/bench"
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
	if choice.Disproved() {
		s.say("warning: %v; they are compared again at the end, and if they still differ the run is invalid", choice.CrossCheck)
	}
	s.say("engine %s: its ceiling here is %.0f req/s at %d connections", choice.Name, choice.Ceiling, calibrationConnections)
	return nil
}

// checkAgain compares the engines once more where they did not agree before the
// run: a disturbance passes, an engine that errs does not.
func (s *session) checkAgain(ctx context.Context) error {
	if !s.run.Engine.Disproved() {
		return nil
	}
	c, err := s.crossCheck(ctx)
	if err == nil && c != nil {
		s.run.Engine.CrossCheck = c
	}
	return err
}

// crossCheck has both engines ask the first arm that runs, at a fifth of what
// it or the slower engine can do, and compares what they read. It is nil if no
// arm runs.
func (s *session) crossCheck(ctx context.Context) (*record.CrossCheck, error) {
	library := vegeta.New(vegeta.Options{})
	ceiling, err := s.ceiling(ctx, library)
	if err != nil {
		return nil, err
	}
	engines := [2]load.Engine{wire.New(), library}
	for _, arm := range present(s.run.Arms, s.run.Missing) {
		var c *record.CrossCheck
		noisy := s.watchNoise()
		err := s.probe(ctx, arm, func(spec load.Spec) (err error) {
			c, err = s.compareEngines(ctx, engines, arm.Name, ceiling, spec)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			s.say("warning: %v", err) // its trials will say so too
			continue
		case c == nil: // neither engine could read anything of it
			continue
		case !c.Agree && noisy():
			// Nothing is known of the engines then. The gates will judge each window.
			s.run.Notices = append(s.run.Notices, "The engines could not be compared: other work used too much of this machine when they were.")
			return nil, nil
		case !c.Agree && len(s.run.LoadCPUs) == 0:
			s.run.Notices = append(s.run.Notices, "The engines could not be compared: they share their cores with the servers.")
			return nil, nil
		}
		return c, nil
	}
	s.run.Notices = append(s.run.Notices, "The engines could not be compared: no arm answered.")
	return nil, nil
}

// watchNoise reads what else happens on the run's cores; what it returns says
// whether that was too much since then. The servers that were started in the
// meantime have to be stopped by then, for their time to be known.
func (s *session) watchNoise() func() bool {
	read := s.noise()
	if read == nil {
		return func() bool { return false }
	}
	own := func() time.Duration { return host.SelfCPU().Total() + host.ChildrenCPU().Total() }
	before, err := read()
	used := own()
	return func() bool {
		after, again := read()
		return errors.Join(err, again) == nil && bench.Noisy(bench.Disturbance(before, after, own()-used))
	}
}

// checks is how often the engines may be compared: a disturbance can spoil a
// comparison, an engine that errs spoils all.
const checks = 3

// compareEngines compares the engines on the server of a specification, and on
// the null server for what vegeta's reading costs.
func (s *session) compareEngines(ctx context.Context, engines [2]load.Engine, arm string, ceiling float64, spec load.Spec) (*record.CrossCheck, error) {
	m, err := engines[0].Run(ctx, spec)
	if err != nil {
		return nil, err
	}
	rate := max(min(ceiling, m.Throughput())/5, 1)
	var c *record.CrossCheck
	err = s.withNull(ctx, func(null load.Spec) error {
		null.Close = spec.Close // to open a connection costs the engines differently, too
		for i := range checks {
			for _, sp := range []*load.Spec{&null, &spec} {
				if sp.Schedule, err = load.NewSchedule(rate, "poisson", s.run.Seed+uint64(i)); err != nil {
					return err
				}
			}
			var cost, read [2]reading
			if cost, err = readInTurns(ctx, engines, null); err == nil {
				read, err = readInTurns(ctx, engines, spec)
			}
			if err != nil {
				return err
			}
			if read[0].p50 == record.MaxLatency && read[1].p50 == record.MaxLatency {
				return nil
			}
			if c = crossCheck(arm, rate, cost, read); c.Agree {
				return nil
			}
		}
		return nil
	})
	return c, err
}

// reading is what an engine reads of a server: the lower of two windows each,
// for a disturbance hits one, and how far the two are apart.
type reading struct{ p50, p90, apart50, apart90 time.Duration }

// readInTurns has both engines read a server, in turns that favor neither.
func readInTurns(ctx context.Context, engines [2]load.Engine, spec load.Spec) (out [2]reading, err error) {
	var windows [2][]reading
	for _, i := range []int{0, 1, 1, 0} {
		m, err := engines[i].Run(ctx, spec)
		if err != nil {
			return out, err
		}
		if m.Latency == nil || m.Latency.Count == 0 || m.ErrorRate() > mostErrors {
			// Where one engine gets answers and the other does not, they do not agree.
			windows[i] = append(windows[i], reading{p50: record.MaxLatency, p90: record.MaxLatency})
			continue
		}
		h, err := m.Latency.Histogram()
		if err != nil {
			return out, err
		}
		windows[i] = append(windows[i], reading{p50: h.Quantile(0.5), p90: h.Quantile(0.9)})
	}
	for i, w := range windows {
		out[i] = reading{
			p50: min(w[0].p50, w[1].p50), apart50: (w[0].p50 - w[1].p50).Abs(),
			p90: min(w[0].p90, w[1].p90), apart90: (w[0].p90 - w[1].p90).Abs(),
		}
	}
	return out, nil
}

// The engines agree if their percentiles differ by no more than this, beyond
// what an engine differs from itself.
const (
	agreeShare = 0.05
	agreeTime  = 20 * time.Microsecond
	// mostApart bounds what an engine may differ from itself: more tells nothing.
	mostApart = 200 * time.Microsecond
	// mostErrors is the share of failed requests from where on an engine reads nothing.
	mostErrors = 0.01
	// mostWake bounds what it may cost to wake a goroutine: one core that another
	// thread keeps would be a cost of milliseconds.
	mostWake = 250 * time.Microsecond
)

// crossCheck compares two readings of an arm; cost are those of the null server,
// of wire and of vegeta each.
func crossCheck(arm string, rate float64, cost, read [2]reading) *record.CrossCheck {
	c := &record.CrossCheck{
		Arm: arm, Rate: rate, Wire: read[0].p50, WireP90: read[0].p90,
		Wake: min(max(cost[1].p50-cost[0].p50, 0), mostWake), WakeP90: min(max(cost[1].p90-cost[0].p90, 0), mostWake),
	}
	c.Vegeta, c.VegetaP90 = max(read[1].p50-c.Wake, 0), max(read[1].p90-c.WakeP90, 0)
	apart50 := min(cost[0].apart50+cost[1].apart50+read[0].apart50+read[1].apart50, mostApart)
	apart90 := min(cost[0].apart90+cost[1].apart90+read[0].apart90+read[1].apart90, mostApart)
	over50, tolerance50 := disagreement(c.Wire, c.Vegeta, apart50)
	over90, tolerance90 := disagreement(c.WireP90, c.VegetaP90, apart90)
	c.Tolerance = tolerance50
	if over90 > over50 {
		c.Tolerance = tolerance90
	}
	c.Agree = max(over50, over90) <= 0
	return c
}

// disagreement is by how much two percentiles differ more than is tolerated,
// and what is tolerated.
func disagreement(a, b, apart time.Duration) (over, tolerance time.Duration) {
	tolerance = max(time.Duration(agreeShare*float64(min(a, b))), agreeTime) + apart
	return (a - b).Abs() - tolerance, tolerance
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
	spec := s.spec(p.URL(arm.Route), body, arm.Close)
	spec.Expect.Status = p.Status(arm.Route)
	return ask(spec)
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

// recalibrate measures the ceiling at a level again, which an arm has disproved.
func (s *session) recalibrate(ctx context.Context, level record.Level, arm record.Arm) error {
	connections, window := calibrationConnections, calibrationWindow
	if !level.Open() && level.Connections > calibrationConnections {
		connections, window = level.Connections, longCalibrationWindow
	}
	before := s.run.Engine.CeilingAt(level)
	m, err := s.loadNull(ctx, s.engine, connections, window)
	if err != nil {
		return err
	}
	s.run.Engine.Raise(level, m.Throughput())
	if notice := "The generator's ceiling was measured again where an arm did more than it: the machine's speed had changed."; !slices.Contains(s.run.Notices, notice) {
		s.run.Notices = append(s.run.Notices, notice)
	}
	s.say("engine %s: %s did more at %v than the ceiling of %.0f req/s; measured again: %.0f req/s", s.run.Engine.Name, arm.Name, level, before, m.Throughput())
	return nil
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
	command := []string{self, "null", "--addr", "{host}:{port}"}
	if len(cpus) > 0 {
		command = append(command, "--server-cpus", host.FormatCPUs(cpus))
	}
	return &runners.Installed{Manifest: &runners.Manifest{
		Name: "null", Title: "The null server", Runtime: "other", Ready: "/",
		Command: command,
		Routes:  map[string]runners.Route{"/": {Body: &body}},
	}, Src: os.TempDir()}, nil
}
