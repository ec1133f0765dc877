package sample

import (
	"slices"
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// Metric is a quantity that is taken from a sample, or from a start before any
// load. All that the program has to know of it is declared in Metrics, once.
type Metric struct {
	Name  string // in ledgers and verdicts
	Short string // in rankings, comparisons of runs and the A/A noise; empty: it is in none of them
	Key   string // in documents and CSV, with the unit at its end; empty: it is in neither, nor in what follows
	Bench string // the unit of the benchmark format; empty: it is not in that
	Head  string // of a column
	About string // what the figure of a cell is, in a few words
	Unit  Unit

	Levels         []record.Kind // at which a ledger may compare it, idle connections beside Open included; none if OfStart, or if no ledger may compare it
	OfStart        bool          // one value a start, whatever the load
	HigherIsBetter bool
	Latency        bool    // of single requests, which a closed loop hides
	Quantile       float64 // of a percentile of the latency; 0: it is none
	Goal           float64 // half-width of the ratio's interval at which measuring may stop; 0: not waited for
	Margin         float64 // of two runs, where it has to be wider than for other metrics
	Zero           bool    // 0 is a value, and not the lack of one
	Offered        bool    // in an open loop it is what the schedule offers, and no property of the server
	Lacks          string  // why a sound sample may have no value; empty: it takes more requests

	value   func(*Sample) float64 // 0: none
	instead func(*Sample) float64 // what a report shows where the system does not tell the value; nil: nothing
}

var (
	loops  = []record.Kind{record.Closed, record.Open}
	levels = []record.Kind{record.Closed, record.Open, record.Share}
)

// Metrics are all metrics there are, in the order in which tables show them.
// A value is in seconds, bytes, or per second, and above 0.
var Metrics = []Metric{
	{
		Name: "throughput", Short: "throughput", Key: "throughput_rps", Bench: "req/s", Head: "req/s", Unit: PerSecond, About: "correct responses a second", Levels: loops, HigherIsBetter: true, Goal: 0.05, Zero: true, Offered: true,
		value: func(s *Sample) float64 { return s.Load.Throughput() },
	},
	{Name: "latency-mean", Key: "mean_s", Bench: "mean-sec", Head: "mean", Unit: Seconds, About: "mean latency", Latency: true, value: func(s *Sample) float64 {
		if s.Load.Latency == nil {
			return 0
		}
		return s.Load.Latency.Mean.Seconds()
	}},
	{
		Name: "latency-p50", Short: "p50", Key: "p50_s", Bench: "p50-sec", Head: "p50", Unit: Seconds, About: "median latency", Levels: levels, Latency: true, Quantile: 0.5, Goal: 0.05,
		value: latency(func(p *record.Percentiles) *time.Duration { return p.P50 }),
	},
	{
		Name: "latency-p90", Key: "p90_s", Bench: "p90-sec", Head: "p90", Unit: Seconds, About: "90th percentile of latency", Levels: levels, Latency: true, Quantile: 0.9, Goal: 0.10,
		value: latency(func(p *record.Percentiles) *time.Duration { return p.P90 }),
	},
	{
		Name: "latency-p95", Key: "p95_s", Bench: "p95-sec", Head: "p95", Unit: Seconds, About: "95th percentile of latency", Levels: levels, Latency: true, Quantile: 0.95, Goal: 0.10,
		value: latency(func(p *record.Percentiles) *time.Duration { return p.P95 }),
	},
	{
		Name: "latency-p99", Short: "p99", Key: "p99_s", Bench: "p99-sec", Head: "p99", Unit: Seconds, About: "99th percentile of latency", Levels: levels, Latency: true, Quantile: 0.99, Goal: 0.10, Margin: 0.25,
		value: latency(func(p *record.Percentiles) *time.Duration { return p.P99 }),
	},
	{
		Name: "latency-p99.9", Key: "p99_9_s", Bench: "p99.9-sec", Head: "p99.9", Unit: Seconds, About: "99.9th percentile of latency", Levels: levels, Latency: true, Quantile: 0.999,
		value: latency(func(p *record.Percentiles) *time.Duration { return p.P999 }),
	},
	{Name: "first-byte-p50", Levels: levels, Latency: true, Goal: 0.05, value: func(s *Sample) float64 {
		if d := s.firstByte(); d != nil {
			return seconds(d.P50)
		}
		return 0
	}},
	{
		Name: "cpu-per-request", Short: "cpu", Key: "cpu_per_request_s", Bench: "cpu-sec/req", Head: "CPU/request", Unit: Seconds, About: "server CPU time a correct response", Levels: levels, Goal: 0.05,
		value: func(s *Sample) float64 { return s.perRequest(s.Server.CPU.Total().Seconds()) },
	},
	{
		Name: "kernel-per-request", Key: "kernel_per_request_s", Head: "Kernel/request", Unit: Seconds, About: "of it in the kernel", Levels: levels,
		value: func(s *Sample) float64 { return s.perRequest(s.Server.CPU.System.Seconds()) },
	},
	{
		Name: "queued-per-request", Key: "queued_per_request_s", Head: "Queued/request", Unit: Seconds, About: "time that the server's threads waited for a core", Levels: levels, Lacks: "no thread waited, or the system does not tell",
		value: func(s *Sample) float64 { return s.perRequest(s.Server.Queued.Seconds()) },
	},
	{
		Name: "switches-per-request", Key: "switches_per_request", Head: "Switches/request", About: "context switches of the server's threads a correct response", Levels: levels, Lacks: "no thread left its core, or the system does not tell",
		value: func(s *Sample) float64 { return s.perRequest(float64(s.Server.Slept + s.Server.Preempted)) },
	},
	{
		Name: "faults-per-request", Key: "page_faults_per_request", Head: "Faults/request", About: "page faults of the server a correct response", Levels: levels, Lacks: "there was none, or the system does not tell",
		value: func(s *Sample) float64 { return s.perRequest(float64(s.Server.Faults)) },
	},
	{
		Name: "memory", Key: "memory_bytes", Bench: "memory-bytes", Head: "Memory", Unit: Bytes, About: "memory of the server's process tree", Levels: levels,
		value:   func(s *Sample) float64 { return float64(s.Server.PSS) },
		instead: func(s *Sample) float64 { return float64(s.Server.RSS) },
	},
	{Name: "threads", Levels: levels, value: func(s *Sample) float64 { return float64(s.Server.Threads) }},
	{Name: "bytes", Levels: loops, HigherIsBetter: true, Goal: 0.05, Offered: true, value: func(s *Sample) float64 {
		return float64(s.Load.BytesIn) / s.Load.Duration.Seconds()
	}},
	{ // of the processor time of the server in a window
		Name: "main-thread", Levels: levels, HigherIsBetter: true, Lacks: "the system does not tell the time of single threads",
		value: func(s *Sample) float64 {
			return s.Server.MainThread.Seconds() / max(s.Server.CPU.Total().Seconds(), 1e-9)
		},
	},
	{Name: "cores", Levels: levels, value: func(s *Sample) float64 {
		return s.Server.CPU.Total().Seconds() / s.Load.Duration.Seconds()
	}},
	{ // from the first attempt to connect until each connection has had a response, the mean of the rounds
		Name: "accepted", Unit: Seconds, Levels: []record.Kind{record.Closed}, Lacks: "not every connection had a response",
		value: func(s *Sample) (mean float64) {
			for _, w := range s.Rounds {
				if w.Load.Accepted == 0 {
					return 0
				}
				mean += w.Load.Accepted.Seconds() / float64(len(s.Rounds))
			}
			return mean
		},
	},
	{ // the rate at which half of the windows hold the objective
		Name: "capacity", Levels: []record.Kind{record.SLO}, HigherIsBetter: true, Goal: 0.05, Lacks: "it held the SLO at no rate that was tried",
		value: func(s *Sample) float64 {
			switch {
			case !s.HeldSLO:
				return 0
			case s.Trial.Schema < 2: // whose window was at the rate that a search ended with
				return s.Load.Offered
			}
			return s.threshold()
		},
	},
	{Name: "start-up", OfStart: true, value: func(s *Sample) float64 { return s.Trial.Startup.Seconds() }},
	{
		Name: "memory-idle", OfStart: true,
		value:   func(s *Sample) float64 { return float64(s.Trial.Idle.PSS) },
		instead: func(s *Sample) float64 { return float64(s.Trial.Idle.RSS) },
	},
	{ // of the server with its packages, without its runtime
		Name: "installed", OfStart: true, Lacks: "the size was not recorded",
		value: func(s *Sample) float64 { return float64(s.installed) },
	},
}

// perRequest divides what the server used by what it answered.
func (s *Sample) perRequest(used float64) float64 {
	n := s.Load.Completed
	if s.Trial.Schema < 2 { // where the meter ran until the last response had come
		n = s.Load.OK
	}
	if n == 0 {
		return 0
	}
	return used / float64(n)
}

// Unit is that of a metric's values, unscaled.
type Unit string

// The units. A count has none.
const (
	PerSecond Unit = "req/s"
	Seconds   Unit = "s"
	Bytes     Unit = "B"
)

// The metrics that the program itself refers to.
var (
	Throughput    = Named("throughput")
	Mean          = Named("latency-mean")
	P50           = Named("latency-p50")
	P90           = Named("latency-p90")
	P95           = Named("latency-p95")
	P99           = Named("latency-p99")
	P999          = Named("latency-p99.9")
	CPUPerRequest = Named("cpu-per-request")
	Kernel        = Named("kernel-per-request")
	Queued        = Named("queued-per-request")
	Switches      = Named("switches-per-request")
	Memory        = Named("memory")
	StartUp       = Named("start-up")
	MemoryIdle    = Named("memory-idle")
)

// Named is the metric of that name, nil if there is none.
func Named(name string) *Metric {
	i := slices.IndexFunc(Metrics, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &Metrics[i]
}

// OfCells are the metrics that documents and CSV hold of an arm at a level.
func OfCells() []*Metric { return which(func(m *Metric) bool { return m.Key != "" }) }

// OfRuns are the metrics by which runs are compared and the noise is shown.
func OfRuns() []*Metric { return which(func(m *Metric) bool { return m.Short != "" }) }

func which(is func(*Metric) bool) (out []*Metric) {
	for i := range Metrics {
		if is(&Metrics[i]) {
			out = append(out, &Metrics[i])
		}
	}
	return out
}

// varies says whether comparisons at a level tell how the metric varies: a search for a
// rate has windows at several rates, and rates of open loops are those of the schedule.
func (m *Metric) varies(l record.Level) bool {
	kind := l.Kind()
	if kind == record.Idle {
		kind = record.Open
	}
	return m.OfStart || slices.Contains(m.Levels, kind) && (!m.Offered || !l.Open())
}

// Of is the metric's value of a sample; ok is false where it has none.
func (m *Metric) Of(s *Sample) (value float64, ok bool) {
	v := m.value(s)
	return v, v > 0
}

// Values are the metric's values of the samples, in their order; 0 where a sample
// has none. Where the system does not tell the value of all, they are those that
// it tells instead, for values of two kinds are no sample.
func (m *Metric) Values(samples []*Sample) (values []float64, instead bool) {
	values = make([]float64, len(samples))
	for i, s := range samples {
		values[i] = m.value(s)
	}
	if m.instead == nil || !slices.Contains(values, 0) {
		return values, false
	}
	for i, s := range samples {
		values[i] = m.instead(s)
	}
	return values, true
}

func latency(of func(*record.Percentiles) *time.Duration) func(*Sample) float64 {
	return func(s *Sample) float64 {
		if s.Load.Latency == nil {
			return 0
		}
		return seconds(of(&s.Load.Latency.Percentiles))
	}
}

func seconds(d *time.Duration) float64 {
	if d == nil {
		return 0
	}
	return d.Seconds()
}
