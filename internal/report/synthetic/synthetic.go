// Package synthetic makes up a run that looks like a real one: the tests of
// the report and of its renderers, and nobody else, use it. Everything comes
// from a fixed seed and a fixed clock. Its figures are invented.
package synthetic

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// server is the made-up law behind an arm: capacity in req/s, service time of
// one request, contention and coherence of the Universal Scalability Law.
type server struct {
	arm         record.Arm
	peak        float64
	single      float64 // req/s at one connection
	kappa       float64
	tail        float64 // p99 over p50
	memory      float64 // MiB
	startup     float64 // s
	threads     int
	reconnecter bool
}

var servers = []server{
	{arm: record.Arm{Name: "node-http", Server: "node-http", Route: "/"}, peak: 41000, single: 9200, kappa: 2e-9, tail: 2.1, memory: 52, startup: 0.048, threads: 11},
	{arm: record.Arm{Name: "node-http-again", Server: "node-http", Route: "/", Replicate: "node-http"}, peak: 41000, single: 9200, kappa: 2e-9, tail: 2.1, memory: 52, startup: 0.048, threads: 11},
	{arm: record.Arm{Name: "node-express", Server: "node-express", Route: "/"}, peak: 14200, single: 5900, kappa: 2e-9, tail: 2.3, memory: 71, startup: 0.132, threads: 11},
	{arm: record.Arm{Name: "asyncio-uvloop", Server: "asyncio", Route: "/"}, peak: 13900, single: 5600, kappa: 3e-9, tail: 2.2, memory: 31, startup: 0.31, threads: 1},
	{arm: record.Arm{Name: "flask-dev", Server: "flask-dev", Route: "/", Close: true}, peak: 1150, single: 640, kappa: 4e-8, tail: 5.5, memory: 34, startup: 0.42, threads: 40, reconnecter: true},
	{arm: record.Arm{Name: "flask-gunicorn-gthread", Server: "flask-gunicorn", Route: "/", Threads: 8}, peak: 2450, single: 1150, kappa: 6e-9, tail: 3.1, memory: 61, startup: 0.53, threads: 10},
	{arm: record.Arm{Name: "django", Server: "django", Route: "/"}, peak: 1480, single: 820, kappa: 8e-9, tail: 3.4, memory: 78, startup: 0.74, threads: 2},
	{arm: record.Arm{Name: "null", Server: "null", Route: "/"}, peak: 138000, single: 16500, kappa: 1e-9, tail: 1.6, memory: 9, startup: 0.006, threads: 6},
}

// Levels of the run: closed and open.
var levels = []record.Level{
	{Connections: 1},
	{Connections: 16},
	{Connections: 64},
	{Connections: 256},
	{Connections: 1024},
	{Connections: 4096},
	{Connections: 64, Rate: 250},
	{Connections: 64, Rate: 500},
	{Connections: 64, Rate: 1000},
}

// Start is when every synthetic run began.
var Start = time.Date(2025, 3, 14, 9, 26, 53, 0, time.UTC)

// Run is a run of the given number of complete blocks, and of half a block
// more if it was interrupted, with its verdicts.
func Run(blocks int, interrupted bool) (*record.Run, []record.Trial, []claims.Verdict) {
	rng := rand.New(rand.NewPCG(7, 11))
	run := newRun(blocks)
	planned := blocks
	if interrupted {
		planned++
		run.State = record.Interrupted
	}
	var trials []record.Trial
	for b := range planned {
		var plan []record.PlannedTrial
		for position, i := range rng.Perm(len(servers)) {
			s := &servers[i]
			visited := rng.Perm(len(levels))
			if s.arm.Canary() {
				visited = []int{2}
			}
			plan = append(plan, record.PlannedTrial{Arm: s.arm.Name, Levels: visited, Seed: rng.Uint64()})
			if b == blocks && position >= len(servers)/2 {
				continue
			}
			trials = append(trials, trial(rng, run, s, b, position, plan[position].Levels))
		}
		run.Plan = append(run.Plan, record.Block{Number: b, Seed: rng.Uint64(), Trials: plan})
	}
	return run, trials, Verdicts()
}

func newRun(blocks int) *record.Run {
	run := &record.Run{
		Schema: record.SchemaVersion, ID: "20250314-092653-article", Tool: "hellobench 1.0.0", Method: "m1-3f9a2c",
		Profile: "article", Description: "The article's own servers and their production counterparts.", Quotable: true, Seed: 20250314,
		Levels: levels, Blocks: record.Range{Min: 5, Max: max(20, blocks)},
		Window: 2 * time.Second, Warmup: time.Second, Timeout: 10 * time.Second,
		Engine:     record.EngineChoice{Name: "wire", Reason: "vegeta's ceiling is below twice the fastest arm", Ceiling: 138000},
		ServerCPUs: []int{0}, LoadCPUs: []int{1},
		Missing: []record.Missing{
			{Arm: "node-cluster", Reason: "4 workers need 4 server cores, this machine has 1", Hint: "run on a machine with 5 cores or more"},
			{Arm: "flask-pypy", Reason: "pypy3 was not found", Hint: "apt install pypy3"},
		},
		Environment: record.Environment{
			OS: "linux", Arch: "amd64", Kernel: "6.8.0-45", Distro: "Ubuntu 24.04.1 LTS", CPU: "AMD EPYC 7B13", Cores: 2,
			Memory: 8 << 30, Virtual: true, ClockSource: "tsc", Governor: "performance", OpenFiles: 65536,
			Sysctls: map[string]string{"net.core.somaxconn": "4096"}, Go: "go1.26.0", Revision: "0123456789ab",
			Argv: []string{"hellobench", "run", "--profile", "article"},
		},
		ClaimsHash: strings.Repeat("9d1e6c0a7d0e4f5b", 4), Start: Start, End: Start.Add(21 * time.Minute), State: record.Complete,
		Notices: []string{"the agreement check of the two engines at c=16 passed: 0.8% apart"},
	}
	e := record.Experiment{Name: "servers", Levels: []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, Blocks: run.Blocks, Passes: 1, Window: run.Window}
	for i := range servers {
		s := &servers[i]
		run.Arms = append(run.Arms, s.arm)
		e.Arms = append(e.Arms, s.arm.Name)
		if s.arm.Replicate == "" {
			run.Servers = append(run.Servers, record.ServerVersion{
				Server: s.arm.Server, Title: s.arm.Server, Runtime: "other", Versions: map[string]string{"runtime": "1.2.3"},
				Lock: strings.Repeat("5f2b7c00", 8), Command: []string{"serve", s.arm.Server},
			})
		}
	}
	run.Experiments = []record.Experiment{e}
	run.Arms = append(run.Arms, record.Arm{Name: "node-cluster", Server: "node-cluster", Route: "/", Workers: 4},
		record.Arm{Name: "flask-pypy", Server: "flask-pypy", Route: "/"})
	return run
}

// trial makes up one start. flask-dev dies at 4096 connections in every third block.
func trial(rng *rand.Rand, run *record.Run, s *server, block, position int, order []int) record.Trial {
	wobble := math.Exp(0.02 * rng.NormFloat64()) // this start against the next
	at := Start.Add(time.Duration(block*len(servers)+position) * 25 * time.Second)
	t := record.Trial{
		Schema: record.SchemaVersion, Block: block, Position: position, Arm: s.arm.Name, Start: at, End: at.Add(24 * time.Second),
		Startup: time.Duration(s.startup * math.Exp(0.05*rng.NormFloat64()) * 1e9),
		Idle:    usage(rng, s, 0.8, 0),
	}
	warmup := window(rng, run, s, record.Level{Connections: 16}, wobble*0.6)
	warmup.Warmup = true
	t.Windows = append(t.Windows, warmup)
	for _, l := range order {
		if s.arm.Name == "flask-dev" && block%3 == 2 && levels[l].Connections == 4096 {
			t.Failure = "server exited: signal: killed\x1b[31m (exit status 137)"
			break
		}
		t.Windows = append(t.Windows, window(rng, run, s, levels[l], wobble))
	}
	return t
}

func window(rng *rand.Rand, run *record.Run, s *server, l record.Level, wobble float64) record.Window {
	n := float64(l.Connections)
	noise := wobble * math.Exp(0.008*rng.NormFloat64())
	capacity := n / (n/s.peak + (1/s.single - 1/s.peak) + s.kappa*n*(n-1)) * noise
	x, p50 := capacity, n/capacity
	m := record.Measurement{Engine: "wire", Connections: l.Connections, Established: l.Connections, Duration: run.Window}
	if l.Rate > 0 {
		rho := min(l.Rate/s.peak, 0.97)
		x, p50 = l.Rate, 1/s.single*(1+rho/(2*(1-rho)))*noise
		m.Offered, m.Scheduled = l.Rate, uint64(l.Rate*run.Window.Seconds())
	}
	m.Requests = uint64(x * run.Window.Seconds())
	if s.reconnecter && l.Connections >= 1024 {
		m.Errors.Reset = m.Requests / 150
		m.FirstError = "read: connection reset by peer"
	}
	m.OK = m.Requests - m.Errors.Total()
	m.Completed = m.OK
	m.Latency = distribution(m.OK, p50, s.tail*math.Exp(0.06*rng.NormFloat64()))
	m.CPU = record.CPU{User: time.Duration(x * 2 * 1.5e3), System: time.Duration(x * 2 * 4.5e3)}
	if l.Rate == 0 {
		m.InFlight = time.Duration(n * 0.996 * float64(m.Duration))
	}
	w := record.Window{Level: l, Start: Start, Load: m, Server: usage(rng, s, 1+n/9000, x*run.Window.Seconds()/s.peak)}
	if x > run.Engine.Ceiling/2 && s.arm.Server != "null" {
		w.Gates = append(w.Gates, record.Gate{Name: "generator-ceiling", Detail: "more than half of the generator's ceiling"})
	}
	if m.ErrorRate() > 0.001 {
		w.Gates = append(w.Gates, record.Gate{Name: "errors", Detail: "0.7% of the requests failed; first: read: connection reset by peer"})
	}
	return w
}

// distribution has the percentiles that n samples can carry.
func distribution(n uint64, p50, tail float64) *record.Distribution {
	at := func(q, v float64) *time.Duration {
		if !record.Known(q, int64(n)) {
			return nil
		}
		d := time.Duration(v * 1e9)
		return &d
	}
	return &record.Distribution{
		Count: int64(n), Mean: time.Duration(p50 * 1.1e9), Max: time.Duration(p50 * tail * 4e9),
		Percentiles: record.Percentiles{P50: at(0.5, p50), P90: at(0.9, p50*math.Sqrt(tail)), P95: at(0.95, p50*math.Pow(tail, 0.7)), P99: at(0.99, p50*tail), P999: at(0.999, p50*tail*1.8)},
	}
}

func usage(rng *rand.Rand, s *server, memory, cpuSeconds float64) record.Usage {
	m := s.memory * memory * math.Exp(0.01*rng.NormFloat64()) * (1 << 20)
	cpu := time.Duration(cpuSeconds * 0.98 * 1e9)
	return record.Usage{
		CPU: record.CPU{User: cpu * 6 / 10, System: cpu * 4 / 10}, RSS: uint64(m * 1.3), PSS: uint64(m),
		Threads: s.threads, Processes: 1,
	}
}

// Verdicts has one verdict of every value.
func Verdicts() []claims.Verdict {
	cell := func(group, level string, v claims.Value, low, mid, high float64) claims.Condition {
		return claims.Condition{
			Metric: "throughput", A: "node-http", B: "flask-dev", Level: level, Group: group, Verdict: v,
			Ratio: stats.Interval{Low: low, Mid: mid, High: high}, Blocks: 6,
		}
	}
	return []claims.Verdict{
		{
			ID: "node-faster", Kind: claims.Measured, Verdict: claims.Depends, Effect: 1.02, Low: 0.97, High: 1.07, Margin: 0.10,
			Paraphrase: "Node answers faster than Python.",
			Reason:     "as the article builds them Node is ahead 14x to 36x; in production the bare ASGI server equals Express",
			Flips:      "replace Flask's development server by uvicorn with uvloop",
			Conditions: []claims.Condition{
				cell("as in the article", "c=1", claims.Supported, 13.9, 14.4, 14.9), cell("as in the article", "c=64", claims.Supported, 34.1, 35.2, 36.3),
				cell("production", "c=64", claims.Refuted, 0.97, 1.02, 1.07),
			},
		},
		{
			ID: "node-many-connections", Kind: claims.Measured, Verdict: claims.Supported, Effect: 1.21, Low: 1.17, High: 1.25, Margin: 0.10,
			Paraphrase: "One Node thread serves a massive number of connections with high throughput.",
			Reason:     "at 4,096 connections it keeps 97% of its peak without errors",
			Conditions: []claims.Condition{cell("", "c=4096", claims.Supported, 1.17, 1.21, 1.25)},
		},
		{
			ID: "node-lightweight", Kind: claims.Measured, Verdict: claims.Refuted, Effect: 0.61, Low: 0.59, High: 0.63, Margin: 0.10,
			Paraphrase: "Node | V8 is <lightweight>.", Reason: "the asyncio arm needs 0.6 of its idle memory", Conditions: []claims.Condition{},
		},
		{
			ID: "python-gil", Kind: claims.Measured, Verdict: claims.Inconclusive, Effect: 1.09, Low: 0.98, High: 1.21, Margin: 0.10,
			Paraphrase: "Python threads run one at a time.", Reason: "the interval spans the margin after 6 blocks",
			Flips: "more blocks: about 18 would narrow it to 3%", Conditions: []claims.Condition{},
		},
		{
			ID: "node-cluster-scales", Kind: claims.Measured, Verdict: claims.NotTestable, Margin: 0.10,
			Paraphrase: "The cluster module scales one server by cloning it.", Reason: "this machine has 1 server core, the claim needs 4", Conditions: []claims.Condition{},
		},
	}
}

// Document is the report of a run.
func Document(run *record.Run, trials []record.Trial, verdicts []claims.Verdict) (*report.Document, error) {
	t, err := sample.New(run, trials)
	if err != nil {
		return nil, err
	}
	return report.Build(t, verdicts), nil
}
