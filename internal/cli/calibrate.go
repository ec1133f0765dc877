package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/session"
)

// calibrationLevels are the connections at which calibrate looks.
var calibrationLevels = []int{1, 16, 64, 256, 1024, 4096, 10000}

// ceiling is one line of what calibrate prints.
type ceiling struct {
	Engine      string        `json:"engine"`
	Open        bool          `json:"open,omitempty"`
	Connections int           `json:"connections"`
	Throughput  float64       `json:"throughput_rps"`
	PerRequest  float64       `json:"cpu_per_request_us"`
	Errors      record.Errors `json:"errors"`
	Note        string        `json:"note,omitempty"`
}

func (a *app) calibrateCommand() *cobra.Command {
	var o session.Options
	var format string
	var window time.Duration
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Measure the generator's ceiling on this machine",
		Long: `Load the null server, which does next to nothing, with each engine at 1 to 10,000
connections in a closed loop, and find the highest rate that it sends on time in
an open one. A server that reaches more than half of the ceiling was limited by
the generator.`,
		Example: "  hellobench calibrate --engine wire",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.calibrate(cmd.Context(), o, window, format) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Engine, "engine", "", "wire or vegeta (both by default)")
	f.StringVar(&o.ServerCPUs, "server-cpus", "", "cores of the null server (the first by default)")
	f.StringVar(&o.LoadCPUs, "load-cpus", "", "cores of the generator (the second by default)")
	f.DurationVar(&window, "duration", time.Second, "length of each window")
	f.StringVar(&format, "format", "text", "text or json")
	return cmd
}

func (a *app) calibrate(ctx context.Context, o session.Options, window time.Duration, format string) error {
	if err := oneOf("format", format, textOrJSON...); err != nil {
		return err
	}
	if err := within("duration", window, leastDuration, mostDuration); err != nil {
		return err
	}
	names := session.Engines[1:]
	if o.Engine != "" {
		names = []string{o.Engine}
	}
	for _, name := range names {
		if err := session.CheckEngine(name); err != nil {
			return err
		}
	}
	s, err := session.ToCalibrate(o, session.Tell{Say: a.say})
	if err != nil {
		return err
	}
	all := []ceiling{}
	for _, name := range names {
		of, err := calibrateEngine(ctx, s, session.NewEngine(name, ""), window)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, load.ErrUnsupported):
			a.say("note: %v", err)
		case err != nil:
			return err
		}
		all = append(all, of...)
	}
	return a.printCeilings(all, format)
}

// calibrateEngine measures the ceilings of an engine, the open loop's last.
func calibrateEngine(ctx context.Context, s *session.Session, engine load.Engine, window time.Duration) (all []ceiling, err error) {
	var best float64
	for _, n := range calibrationLevels {
		c, err := calibrateAt(ctx, s, engine, n, window)
		if err != nil {
			return all, err
		}
		best = max(best, c.Throughput)
		all = append(all, c)
	}
	rate, m, err := s.OpenCeiling(ctx, engine, best, window)
	if err != nil {
		return all, err
	}
	c := ceiling{Engine: engine.Name(), Open: true, Connections: m.Connections, Throughput: rate}
	if rate == 0 {
		c.Note = "no rate was sent on time"
	} else {
		c.measure(m)
	}
	return append(all, c), nil
}

// measure takes what else the window of a ceiling says.
func (c *ceiling) measure(m *record.Measurement) {
	c.Errors = m.Errors
	if m.Requests > 0 {
		c.PerRequest = float64(m.CPU.Total().Microseconds()) / float64(m.Requests)
	}
}

func calibrateAt(ctx context.Context, s *session.Session, engine load.Engine, connections int, window time.Duration) (ceiling, error) {
	c := ceiling{Engine: engine.Name(), Connections: connections}
	reason, hint, err := s.Refuses(record.Level{Connections: connections}, engine.Name())
	if err != nil {
		return c, err
	}
	if reason != "" {
		c.Note = fmt.Sprintf("not tried: it %s (%s)", reason, hint)
		return c, nil
	}
	m, err := s.LoadNull(ctx, engine, connections, window)
	if err != nil {
		return c, err
	}
	c.Throughput = m.Throughput()
	c.measure(m)
	return c, nil
}

func (a *app) printCeilings(all []ceiling, format string) error {
	if format == "json" {
		return report.WriteJSON(a.out, all)
	}
	rows := [][]string{{"engine", "loop  ", "connections", "    req/s", "CPU us/req", "errors"}}
	for _, c := range all {
		row := []string{c.Engine, "closed", fmt.Sprintf("%11d", c.Connections), "", "", c.Note}
		if c.Open {
			row[1] = "open"
		}
		if c.Note == "" {
			row[3], row[4], row[5] = fmt.Sprintf("%9.0f", c.Throughput), fmt.Sprintf("%10.1f", c.PerRequest), c.Errors.String()
		}
		rows = append(rows, row)
	}
	return writeRows(a.out, rows)
}
