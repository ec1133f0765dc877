package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/vegeta"
	"github.com/hellobench/hellobench/internal/load/wire"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/session"
	"github.com/hellobench/hellobench/internal/stats"
)

type loadOptions struct {
	load.Spec    // as far as one flag says one field
	rate         float64
	arrivals     string
	seed         uint64
	vegeta       vegeta.Options
	vegetaOut    string
	engine, cpus string
	request      requestOptions
	limits       limitOptions
	timeSeries   string
	format       string
	allowRemote  bool
}

func (a *app) loadCommand() *cobra.Command {
	var o loadOptions
	cmd := &cobra.Command{
		Use:   "load URL",
		Short: "Load one URL on this machine and print what came back",
		Long: `Load one URL, or those of a file in turn (--urls). Without --rate, a closed loop: as many requests in flight as there
are connections. With --rate, an open loop: requests are sent when the schedule
says so, whatever the server does, and latency counts from that moment.
Every status is checked, and every body with --expect-body, --expect-length or
--expect-pattern. --max-p99, --max-errors and --min-rate end it with exit code 3
where they are missed. Without --allow-remote the target has to be on this machine. The window ends one timeout
after its duration at the latest, whatever the server does. What the machine does
not allow (connections, open files, ports) is refused before it starts.`,
		Example: `  hellobench load --connections 64 http://127.0.0.1:8080/
  hellobench load --rate 1000 --max-p99 20ms --max-errors 0 http://127.0.0.1:8080/
  hellobench load -X POST -H 'Content-Type: application/json' --body '{"n":1}' --expect-status 201 http://127.0.0.1:8080/items`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.load(cmd, args, o) },
	}
	f := cmd.Flags()
	f.IntVar(&o.Connections, "connections", 64, "requests in flight; with --rate the most connections, 0 by default then: as many as needed")
	f.Float64Var(&o.rate, "rate", 0, "open loop at this many requests a second")
	f.StringVar(&o.arrivals, "arrivals", "poisson", "poisson or constant, with --rate")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the arrivals, with --rate")
	f.StringVar(&o.vegetaOut, "vegeta-out", "", "with the vegeta engine: write every result in vegeta's own format to this file")
	f.DurationVar(&o.Duration, "duration", 10*time.Second, "length of the measured window")
	f.DurationVar(&o.Timeout, "timeout", load.DefaultTimeout, "timeout of one request")
	f.StringVar(&o.Socket, "unix-socket", "", "connect to this Unix socket; of the URL only the path and the Host header count")
	f.BoolVar(&o.Close, "close", false, "open a new connection for every request")
	f.StringVar(&o.engine, "engine", "auto", "auto, wire or vegeta")
	f.StringVar(&o.cpus, "load-cpus", "", "cores of the generator, such as 1 or 2-3 (not pinned by default)")
	f.BoolVar(&o.Sleep, "sleep", false, "wire engine: sleep while waiting instead of polling; a fast server then has to wake the generator for each response and may look half as fast")
	f.BoolVar(&o.vegeta.InsecureSkipVerify, "insecure", false, "https with the vegeta engine: accept any certificate")
	f.BoolVar(&o.vegeta.HTTP2, "http2", false, "https with the vegeta engine: offer HTTP/2")
	o.request.flags(f)
	o.limits.flags(f)
	f.StringVar(&o.timeSeries, "timeseries", "", "write a line of JSON for each second to this file, with a histogram of its latencies (docs/formats/second.schema.json)")
	f.StringVar(&o.format, "format", "text", "text or json")
	f.BoolVar(&o.allowRemote, "allow-remote", false, "allow a target that is not on this machine")
	return cmd
}

func (a *app) load(cmd *cobra.Command, urls []string, o loadOptions) error {
	spec, err := o.spec(cmd.Flags().Changed, urls)
	if err != nil {
		return err
	}
	checked := map[string]bool{}
	for i := range spec.Exchanges {
		url := spec.Exchanges[i].URL
		if o.allowRemote || o.Socket != "" || checked[url] {
			continue
		}
		checked[url] = true
		if err := load.CheckLocal(cmd.Context(), url); err != nil {
			return usageError{err}
		}
	}
	url := spec.Exchanges[0].URL
	name, err := o.engineFor(url)
	if err != nil {
		return err
	}
	if err := session.Refuse(fmt.Sprintf("--connections %d", max(spec.Connections, spec.Preopened())), session.NeedOf(&spec, name)); err != nil {
		return err
	}
	pinned, notice, err := host.Pin(spec.CPUs)
	if err != nil {
		return usageError{fmt.Errorf("--load-cpus: %w", err)}
	}
	engine, done, err := o.newEngine(name) // which empties its output: all that may be refused was
	if err != nil {
		return err
	}
	written, err := o.writeSeconds(cmd.Context(), &spec)
	if err != nil {
		return errors.Join(err, done())
	}
	if spec.CPUs = pinned; notice != "" {
		_, _ = fmt.Fprintf(a.err, "note: %s\n", notice)
	}
	if url = http1.Mask(url); o.request.urls != "" {
		url = o.request.urls
	}
	m, err := engine.Run(cmd.Context(), spec)
	if cerr := errors.Join(done(), written()); err == nil {
		err = cerr
	}
	if m == nil {
		return fmt.Errorf("load %s: %w", url, err)
	}
	if perr := a.printLoad(url, m, spec.CPUs, o.format); perr != nil || err != nil {
		return errors.Join(perr, loadFailed(url, m, err))
	}
	if missed := o.limits.check(url, m); missed != nil {
		return missed
	}
	return loadFailed(url, m, nil)
}

// spec reads the flags.
func (o loadOptions) spec(given func(flag string) bool, urls []string) (load.Spec, error) {
	if given("rate") && !given("connections") {
		o.Connections = 0
	}
	spec := o.Spec
	var err error
	if spec.Exchanges, err = o.request.exchanges(given, urls); err != nil {
		return spec, usageError{err}
	}
	checks := []error{
		oneOf("format", o.format, textOrJSON...), oneOf("arrivals", o.arrivals, "poisson", "constant"),
		within("duration", o.Duration, leastDuration, mostDuration), within("timeout", o.Timeout, leastDuration, record.MaxLatency),
		within("expect-status", o.request.status, 200, 999), o.limits.valid(),
	}
	for _, flag := range []string{"arrivals", "seed"} {
		if given(flag) && !given("rate") {
			return spec, usageError{fmt.Errorf("--%s: has a meaning with --rate only", flag)}
		}
	}
	if !given("rate") {
		checks = append(checks, within("connections", o.Connections, 1, mostConnections))
	} else {
		checks = append(checks, within("connections", o.Connections, 0, mostConnections), within("rate", o.rate, leastRate, load.MostRate))
	}
	for _, err := range checks {
		if err != nil {
			return spec, err
		}
	}
	if given("rate") {
		spec.Schedule = &load.Schedule{Rate: o.rate, Poisson: o.arrivals == "poisson", Seed: o.seed}
	}
	if spec.CPUs, err = host.ParseCPUs(o.cpus); err != nil {
		return spec, usageError{fmt.Errorf("--load-cpus: %w", err)}
	}
	if err := spec.Normalize(); err != nil {
		return spec, usageError{err}
	}
	return spec, nil
}

func (a *app) printLoad(url string, m *record.Measurement, cpus []int, format string) error {
	result, err := newLoadResult(url, m)
	switch {
	case err != nil:
		return fmt.Errorf("load %s: %w", url, err)
	case format == "json":
		return report.WriteJSON(a.out, result)
	default:
		return result.write(a.out, m, generatorCores(m.Engine, cpus))
	}
}

// loadFailed is an error if the window was cut off, or nothing in it was correct.
func loadFailed(url string, m *record.Measurement, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("load %s: %w", url, err)
	case m.OK > 0:
		return nil
	case m.FirstError == "":
		return exitError{exitFailed, fmt.Sprintf("load %s: no request was sent in %v", url, m.Duration)}
	default:
		return exitError{exitFailed, fmt.Sprintf("load %s: no correct response in %d requests: %s", url, m.Requests, m.FirstError)}
	}
}

// engineFor is the name of the engine that can do what is asked for.
func (o loadOptions) engineFor(url string) (string, error) {
	https := strings.HasPrefix(strings.ToLower(url), "https:")
	wanted := o.vegetaOut != "" || o.vegeta.InsecureSkipVerify || o.vegeta.HTTP2
	switch {
	case wanted && o.engine == "wire":
		return "", usageError{errors.New("--vegeta-out, --insecure and --http2 need --engine vegeta")}
	case https && o.engine == "wire":
		return "", usageError{errors.New("--engine wire: speaks no TLS; https needs --engine vegeta")}
	case o.vegeta.HTTP2 && !https:
		return "", usageError{errors.New("--http2: needs an https URL")}
	}
	if err := session.CheckEngine(o.engine); err != nil {
		return "", err
	}
	name := session.NewEngine(o.engine, url).Name()
	if wanted {
		name = "vegeta"
	}
	if o.Sleep && name != "wire" {
		return "", usageError{fmt.Errorf("--sleep: the %s engine always sleeps while it waits; it needs --engine wire", name)}
	}
	return name, nil
}

// newEngine makes the engine of a name; done closes the file of vegeta's results, if one was asked for.
func (o loadOptions) newEngine(name string) (engine load.Engine, done func() error, err error) {
	done = func() error { return nil }
	if name == "wire" {
		return wire.New(), done, nil
	}
	if o.vegetaOut != "" {
		f, err := openOutput(o.vegetaOut)
		if err != nil {
			return nil, nil, usageError{fmt.Errorf("--vegeta-out: %w", err)}
		}
		o.vegeta.Results, done = f, f.Close
	}
	return vegeta.New(o.vegeta), done, nil
}

// loadResult is what `load --format json` prints: docs/formats/load.schema.json.
type loadResult struct {
	Engine      string          `json:"engine"`
	URL         string          `json:"url"`
	Connections int             `json:"connections"`
	Duration    float64         `json:"duration_s"`
	Requests    uint64          `json:"requests"`
	OK          uint64          `json:"ok"`
	Errors      record.Errors   `json:"errors"`
	FirstError  string          `json:"first_error,omitempty"`
	Scheduled   *uint64         `json:"scheduled"`
	Delivered   *float64        `json:"delivered"`
	Offered     *float64        `json:"offered_rps"`
	Achieved    float64         `json:"achieved_rps"`
	Throughput  float64         `json:"throughput_rps"`
	Latency     *summary        `json:"latency_ns"`
	Service     *summary        `json:"service_ns"`
	Slip        *summary        `json:"slip_ns"`
	Odd         []record.Oddity `json:"odd"`
	CPU         loadCPU         `json:"cpu"`
	LittlesLaw  *float64        `json:"littles_law_ratio"`
}

type loadCPU struct {
	User       float64 `json:"user_s"`
	System     float64 `json:"system_s"`
	PerRequest float64 `json:"per_request_us"`
}

// summary is a distribution without its histogram, with the 95% interval of
// each percentile by order statistics. It is of one window: the next start of
// a server may lie outside.
type summary struct {
	record.Distribution
	Low  record.Percentiles `json:"low"`
	High record.Percentiles `json:"high"`
}

func newSummary(d *record.Distribution) (*summary, error) {
	if d == nil {
		return nil, nil
	}
	h, err := d.Histogram()
	if err != nil {
		return nil, err
	}
	s := &summary{Distribution: *d}
	s.HDR = ""
	end := func(of func(low, high int) int) func(q float64) *time.Duration {
		return func(q float64) *time.Duration {
			if !record.Known(q, d.Count) {
				return nil
			}
			low, high, err := stats.QuantileRanks(int(d.Count), q, 0.95)
			rank := of(low, high)
			if err != nil || rank < 1 || int64(rank) > d.Count {
				return nil
			}
			v := h.Quantile((float64(rank) - 0.5) / float64(d.Count)) // the value of that rank
			return &v
		}
	}
	s.Low.Set(end(func(low, _ int) int { return low }))
	s.High.Set(end(func(_, high int) int { return high }))
	return s, nil
}

func newLoadResult(url string, m *record.Measurement) (*loadResult, error) {
	r := &loadResult{
		Engine: m.Engine, URL: url, Connections: m.Connections, Duration: m.Duration.Seconds(),
		Requests: m.Requests, OK: m.OK, Errors: m.Errors, FirstError: m.FirstError,
		Achieved: m.Achieved(), Throughput: m.Throughput(), Odd: []record.Oddity{},
		CPU: loadCPU{User: m.CPU.User.Seconds(), System: m.CPU.System.Seconds()},
	}
	for _, d := range []struct {
		to   **summary
		from *record.Distribution
	}{{&r.Latency, m.Latency}, {&r.Service, m.Service}, {&r.Slip, m.Slip}} {
		var err error
		if *d.to, err = newSummary(d.from); err != nil {
			return nil, err
		}
	}
	r.Odd = append(r.Odd, m.Oddities()...)
	if r.Service == nil {
		r.Service = r.Latency // a closed loop sends when it means to
	}
	// The CPU time is that of the window; a generator behind its schedule sends
	// many of its requests afterwards.
	if n := min(m.Requests, m.Completed+m.Errors.Total()); n > 0 {
		r.CPU.PerRequest = float64(m.CPU.Total().Microseconds()) / float64(n)
	}
	if m.Offered > 0 {
		delivered := m.Delivered()
		r.Offered, r.Scheduled, r.Delivered = &m.Offered, &m.Scheduled, &delivered
	} else if l := m.LittlesLaw(); l > 0 {
		r.LittlesLaw = &l
	}
	return r, nil
}

func (r *loadResult) write(w io.Writer, m *record.Measurement, cores int) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		text := fmt.Sprintf("%-13s", name)
		b.WriteString(wrap(text, fmt.Sprintf(format, args...), "", columnsOf(w)))
	}
	line("target", "%s", r.URL)
	line("engine", "%s, %s, %.3g s", r.Engine, r.loop(), r.Duration)
	line("requests", "%d sent, %d correct", r.Requests, r.OK)
	line("errors", "%v", r.Errors)
	if r.FirstError != "" {
		line("first error", "%s", r.FirstError)
	}
	if r.Offered != nil {
		line("offered", "%.1f req/s; sent in the window: %d of %d scheduled (%.1f%%), %.1f req/s%s", *r.Offered, sentOf(m), m.Scheduled, 100**r.Delivered, r.Achieved, behind(m))
	}
	line("throughput", "%.1f req/s", r.Throughput)
	r.writeLatencies(line, m)
	share := m.CPU.Total().Seconds() / max(m.Duration.Seconds(), 1e-9) / float64(cores)
	line("generator", "%.1f us of CPU a request, %.0f%% of %d core(s)%s", r.CPU.PerRequest, 100*share, cores, limited(share))
	if r.LittlesLaw != nil {
		line("in flight", "%.1f%% of the connections on average (Little's law)", 100**r.LittlesLaw)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeLatencies writes a line a kind, and what is odd about them.
func (r *loadResult) writeLatencies(line func(name, format string, args ...any), m *record.Measurement) {
	line("latency", "%s", quantiles(r.Latency))
	if m.FirstByte != nil {
		line("first byte", "%s", quantiles(&summary{Distribution: *m.FirstByte}))
	}
	if r.Slip != nil {
		line("service", "%s", quantiles(r.Service))
		line("send slip", "%s", quantiles(r.Slip))
	}
	if missing := unknown(r.Latency); missing != "" {
		line("", "%s", missing)
	}
	for _, o := range r.Odd {
		line("note", "%s", o.Explain())
	}
}

// sentOf is how many of the scheduled requests were sent inside the window.
func sentOf(m *record.Measurement) uint64 {
	return uint64(math.Round(m.Delivered() * float64(m.Scheduled)))
}

// behind says if the rate was not the one offered, or if the requests were late.
func behind(m *record.Measurement) string {
	switch {
	case m.Delivered() < leastDelivered:
		return ": IT COULD NOT KEEP THE RATE"
	case m.Slip != nil && m.Slip.P50 != nil && *m.Slip.P50 >= time.Millisecond:
		return fmt.Sprintf(": half of the requests were sent more than %v late", round(*m.Slip.P50))
	}
	return ""
}

// leastDelivered is the share of a schedule from where on its rate was kept.
const leastDelivered = 0.99

func (r *loadResult) loop() string {
	switch {
	case r.Offered == nil:
		return fmt.Sprintf("closed loop over %d connections", r.Connections)
	case r.Connections == 0:
		return "open loop"
	default:
		return fmt.Sprintf("open loop over at most %d connections", r.Connections)
	}
}

// generatorCores is the number of cores that an engine may use.
func generatorCores(engine string, cpus []int) int {
	r := record.Run{LoadCPUs: cpus, Engine: record.EngineChoice{Name: engine}, Environment: record.Environment{Cores: runtime.NumCPU()}}
	return r.GeneratorCores()
}

func limited(share float64) string {
	if share < 0.7 {
		return ": not the limit"
	}
	return ": IT MAY BE THE LIMIT, read the figures as lower bounds"
}

// quantiles is one line of percentiles, each with its interval.
func quantiles(s *summary) string {
	if s == nil || s.Count == 0 {
		return "no correct response"
	}
	text := fmt.Sprintf("mean %v", round(s.Mean))
	for _, p := range s.list() {
		if p.mid == nil {
			continue
		}
		text += fmt.Sprintf(", %s %v", p.name, round(*p.mid))
		if p.low != nil && p.high != nil && p.q > 0.5 {
			text += fmt.Sprintf(" [%v, %v]", round(*p.low), round(*p.high))
		}
	}
	return text + fmt.Sprintf(", max %v", round(s.Max))
}

// unknown names the percentiles for which there were too few requests.
func unknown(s *summary) string {
	var missing []string
	for _, p := range s.list() {
		if p.mid == nil && s.Count > 0 {
			missing = append(missing, fmt.Sprintf("%s needs %d", p.name, record.Needed(p.q)))
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("%s correct responses; this window had %d", strings.Join(missing, ", "), s.Count)
}

type percentile struct {
	name           string
	q              float64
	mid, low, high *time.Duration
}

func (s *summary) list() []percentile {
	return []percentile{
		{"p50", 0.5, s.P50, s.Low.P50, s.High.P50},
		{"p90", 0.9, s.P90, s.Low.P90, s.High.P90},
		{"p95", 0.95, s.P95, s.Low.P95, s.High.P95},
		{"p99", 0.99, s.P99, s.Low.P99, s.High.P99},
		{"p99.9", 0.999, s.P999, s.Low.P999, s.High.P999},
	}
}

// round keeps three significant digits.
func round(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
