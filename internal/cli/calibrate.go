package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/runners"
)

// calibrationLevels are the connections at which calibrate looks.
var calibrationLevels = []int{1, 16, 64, 256, 1024, 4096, 10000}

// ceiling is one line of what calibrate prints.
type ceiling struct {
	Engine      string        `json:"engine"`
	Connections int           `json:"connections"`
	Throughput  float64       `json:"throughput_rps"`
	PerRequest  float64       `json:"cpu_per_request_us"`
	Errors      record.Errors `json:"errors"`
	Note        string        `json:"note,omitempty"`
}

func (a *app) calibrateCommand() *cobra.Command {
	var o runOptions
	var window time.Duration
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Measure the generator's ceiling on this machine",
		Long: `Load the null server, which does next to nothing, with each engine at 1 to 10,000
connections. A server that reaches more than half of the ceiling was limited by
the generator.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.calibrate(cmd.Context(), o, window) },
	}
	f := cmd.Flags()
	f.StringVar(&o.engine, "engine", "", "wire or vegeta (both by default)")
	f.StringVar(&o.serverCPUs, "server-cpus", "", "cores of the null server (the first by default)")
	f.StringVar(&o.loadCPUs, "load-cpus", "", "cores of the generator (the second by default)")
	f.DurationVar(&window, "duration", time.Second, "length of each window")
	f.StringVar(&o.format, "format", "text", "text or json")
	return cmd
}

func (a *app) calibrate(ctx context.Context, o runOptions, window time.Duration) error {
	if err := oneOf("format", o.format, "text", "json"); err != nil {
		return err
	}
	if err := within("duration", window, leastDuration, mostDuration); err != nil {
		return err
	}
	names := []string{"wire", "vegeta"}
	if o.engine != "" {
		names = []string{o.engine}
	}
	s := &session{app: a, run: &record.Run{Timeout: load.DefaultTimeout}}
	if err := s.cores(o); err != nil {
		return err
	}
	for _, n := range s.run.Notices {
		s.say("note: %s", n)
	}
	limits, err := host.ReadLimits()
	if err != nil {
		return err
	}
	if err := host.PinProcess(s.run.LoadCPUs); err != nil {
		return err
	}
	if s.guard, err = guard(); err != nil {
		return err
	}
	all := []ceiling{}
	for _, name := range names {
		engine, err := newEngine(name, "")
		if err != nil {
			return err
		}
		for _, n := range calibrationLevels {
			c, err := s.calibrateAt(ctx, limits, engine, n, window)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(err, load.ErrUnsupported) {
				s.say("note: %v", err)
				break
			}
			if err != nil {
				return err
			}
			all = append(all, c)
		}
	}
	return a.printCeilings(all, o.format)
}

func (s *session) calibrateAt(ctx context.Context, limits host.Limits, engine load.Engine, connections int, window time.Duration) (ceiling, error) {
	c := ceiling{Engine: engine.Name(), Connections: connections}
	if reason, hint := limits.Refuse(needOfLevel(record.Level{Connections: connections}, engine.Name())); reason != "" {
		c.Note = fmt.Sprintf("not tried: it %s (%s)", reason, hint)
		return c, nil
	}
	m, err := s.loadNull(ctx, engine, connections, window)
	if err != nil {
		return c, err
	}
	c.Throughput, c.Errors = m.Throughput(), m.Errors
	if m.Requests > 0 {
		c.PerRequest = float64(m.CPU.Total().Microseconds()) / float64(m.Requests)
	}
	return c, nil
}

// loadNull runs one closed-loop window against a fresh null server on the servers' cores.
func (s *session) loadNull(ctx context.Context, engine load.Engine, connections int, window time.Duration) (m *record.Measurement, err error) {
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
func (s *session) withNull(ctx context.Context, ask func(load.Spec) error) (err error) {
	server, err := nullServer(s.run.ServerCPUs)
	if err != nil {
		return err
	}
	p, err := runners.Start(ctx, server, runners.Options{CPUs: s.run.ServerCPUs, Guard: s.guard})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	return ask(s.spec(p.URL("/"), []byte(null.Body), false))
}

func (a *app) printCeilings(all []ceiling, format string) error {
	if format == "json" {
		return report.WriteJSON(a.out, all)
	}
	rows := [][]string{{"engine", "connections", "    req/s", "CPU us/req", "errors"}}
	for _, c := range all {
		row := []string{c.Engine, fmt.Sprintf("%11d", c.Connections), "", "", c.Note}
		if c.Note == "" {
			row[2], row[3], row[4] = fmt.Sprintf("%9.0f", c.Throughput), fmt.Sprintf("%10.1f", c.PerRequest), c.Errors.String()
		}
		rows = append(rows, row)
	}
	return writeRows(a.out, rows)
}
