package report_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/synthetic"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

var closed64 = record.Level{Connections: 64}

// newRun is a run of the arms a, b, ... at c=64.
func newRun(arms ...string) *record.Run {
	r := &record.Run{ID: "r", Quotable: true, State: record.Complete, LoadCPUs: []int{1}, Levels: []record.Level{closed64}}
	for _, a := range arms {
		r.Arms = append(r.Arms, record.Arm{Name: a, Server: a, Route: "/"})
	}
	r.Experiments = []record.Experiment{{Name: "one", Arms: arms, Levels: []int{0}, Blocks: record.Range{Min: 9, Max: 9}, Passes: 1}}
	for b := range 9 {
		block := []record.PlannedTrial{}
		for _, a := range arms {
			block = append(block, record.PlannedTrial{Arm: a, Levels: []int{0}})
		}
		r.Plan = append(r.Plan, record.Block{Number: b, Trials: block})
	}
	return r
}

// newTrial has one window of one second with the given number of answers.
func newTrial(block int, arm string, completed uint64) record.Trial {
	return record.Trial{
		Schema: 1, Block: block, Arm: arm, Startup: 100 * time.Millisecond, Idle: record.Usage{RSS: 2 << 20, PSS: 1 << 20, Threads: 3, Processes: 1},
		Windows: []record.Window{{
			Level: closed64,
			Load: record.Measurement{
				Connections: 64, Duration: time.Second, Requests: completed, OK: completed, Completed: completed, InFlight: 64 * time.Second,
				Latency: &record.Distribution{Count: int64(completed), Percentiles: record.Percentiles{P50: ms(float64(block + 1))}, Max: time.Second}, CPU: record.CPU{User: 250 * time.Millisecond},
			},
			Server: record.Usage{CPU: record.CPU{User: 300 * time.Millisecond, System: 100 * time.Millisecond}, RSS: 8 << 20, PSS: 4 << 20, Threads: 5, Processes: 2},
		}},
	}
}

func ms(v float64) *time.Duration {
	d := time.Duration(v * float64(time.Millisecond))
	return &d
}

func build(t *testing.T, run *record.Run, trials ...record.Trial) *report.Document {
	t.Helper()
	d := report.Build(table(t, run, trials), nil)
	_, err := json.Marshal(d)
	require.NoError(t, err, "a document must be writable as JSON")
	return d
}

func table(t require.TestingT, run *record.Run, trials []record.Trial) *sample.Table {
	table, err := sample.New(run, trials)
	require.NoError(t, err)
	return table
}

// TestLevelsAreInOrder of their load, whatever order a profile names them in.
func TestLevelsAreInOrder(t *testing.T) {
	run := newRun("a")
	run.Levels = []record.Level{{Rate: 500, Idle: 100}, {Connections: 256}, {Connections: 64, Rate: 500}, closed64, {Connections: 64, Rate: 90}, {Share: 0.5}, {Connections: 4}}
	var names []string
	for _, l := range build(t, run, newTrial(0, "a", 100)).Levels {
		names = append(names, l.Name)
	}
	assert.Equal(t, []string{"c=4", "c=64", "c=256", "r=90/s", "r=500/s", "r=500/s idle=100", "50% of capacity"}, names)
}

func TestCellFigures(t *testing.T) {
	d := build(t, newRun("a"), newTrial(0, "a", 100), newTrial(1, "a", 200), newTrial(2, "a", 400))
	require.Len(t, d.Cells, 1)
	c := d.Cells[0]

	// Three values a factor 2 apart: geometric mean 200, standard deviation of
	// the logarithms ln 2, t(0.975, 2) = 4.302653.
	half := 4.302653 * math.Ln2 / math.Sqrt(3)
	assert.InDelta(t, 200, c.Of(sample.Throughput).Mid, 1e-6)
	assert.InDelta(t, 200*math.Exp(-half), c.Of(sample.Throughput).Low, 1e-3)
	assert.InDelta(t, 200*math.Exp(half), c.Of(sample.Throughput).High, 1e-3)
	assert.InDelta(t, 0.95, c.Of(sample.Throughput).Confidence, 0)
	assert.Equal(t, 3, c.Of(sample.Throughput).Blocks)

	// The median of 1, 2, 3 ms with the range, which holds it with probability 1 - 2/8.
	assert.Equal(t, &report.Estimate{Mid: 0.002, Low: 0.001, High: 0.003, Confidence: 0.75, Blocks: 3}, c.Of(sample.P50))
	assert.Nil(t, c.Of(sample.P99), "no start could carry a p99")

	assert.InDelta(t, 0.4/200, c.Of(sample.CPUPerRequest).Mid, 1e-9)
	assert.InDelta(t, 4<<20, c.Of(sample.Memory).Mid, 1)
	assert.Equal(t, "pss", c.MemoryKind)
	assert.Equal(t, 5, c.Threads)
	assert.InDelta(t, 0.25, c.GeneratorCPU, 1e-12)
	assert.InDelta(t, 1, c.LittlesLaw, 1e-12)
	assert.Equal(t, []float64{100, 200, 400}, []float64{c.Points[0].Of(sample.Throughput), c.Points[1].Of(sample.Throughput), c.Points[2].Of(sample.Throughput)})
	require.Len(t, d.Starts, 1)
	assert.InDelta(t, 0.1, d.Starts[0].Startup.Mid, 1e-12)
}

func TestMedianOfNineBlocks(t *testing.T) {
	var trials []record.Trial
	for b := range 9 { // p50 of 1 to 9 ms; ranks 2 and 8 bound the median with 96.1%
		trials = append(trials, newTrial(b, "a", 100))
	}
	c := build(t, newRun("a"), trials...).Cells[0]
	assert.Equal(t, &report.Estimate{Mid: 0.005, Low: 0.002, High: 0.008, Confidence: 0.95, Blocks: 9}, c.Of(sample.P50))
}

func TestPercentilesDoNotContradictEachOther(t *testing.T) {
	fast, slow := newTrial(0, "a", 5000), newTrial(1, "a", 50)
	fast.Windows[0].Load.Latency.P50, fast.Windows[0].Load.Latency.P90 = ms(1), ms(2)
	slow.Windows[0].Load.Latency.P50 = ms(1500) // and too few requests for a p90
	c := build(t, newRun("a"), fast, slow).Cells[0]
	assert.InDelta(t, 0.7505, c.Of(sample.P50).Mid, 1e-9)
	assert.Nil(t, c.Of(sample.P90), "a p90 of 2 ms next to a median of 750 ms makes no sense")

	slow.Windows[0].Load.Latency.P90 = ms(1600)
	c = build(t, newRun("a"), fast, slow).Cells[0]
	assert.InDelta(t, 0.801, c.Of(sample.P90).Mid, 1e-9)
}

func TestBlocksThatCount(t *testing.T) {
	run := newRun("a", "b", "gone")
	run.Missing = []record.Missing{{Arm: "gone", Reason: "not installed"}}
	run.State = record.Interrupted
	failed := newTrial(1, "b", 50)
	failed.Windows, failed.Failure = nil, "server exited"

	d := build(t, run, newTrial(0, "a", 100), newTrial(0, "b", 50), newTrial(1, "a", 100), failed, newTrial(2, "a", 9000))
	assert.Equal(t, sample.Blocks{
		Planned: 9, Counted: []int{0, 1}, Partial: []sample.Partial{{Block: 2, Experiment: "one", Number: 2, Trials: 1, Absent: []string{"b"}}},
	}, d.Blocks)
	assert.True(t, d.Partial)
	a, b := d.Cell("a", "c=64"), d.Cell("b", "c=64")
	assert.Equal(t, 2, a.Trials, "a failure of b must not hide a")
	assert.InDelta(t, 100, a.Of(sample.Throughput).High, 1e-9, "block 3 lacks b and must not count")
	assert.Equal(t, 1, b.Trials)
	assert.Equal(t, 1, b.Failed)
	assert.Equal(t, []report.Failure{{Block: 1, Experiment: "one", Number: 1, Arm: "b", Reason: "server exited", Ready: true}}, d.Failures)
}

// TestTheNullServerMakesNoRunValid, and a server that fails makes none invalid.
func TestTheNullServerMakesNoRunValid(t *testing.T) {
	run := newRun("a", "null")
	gated := func(gates ...record.Gate) *report.Document {
		var trials []record.Trial
		for block := range 2 {
			trials = append(trials, newTrial(block, "a", 1000), newTrial(block, "null", 100_000))
			trials[len(trials)-2].Windows[0].Gates = gates
		}
		return build(t, run, trials...)
	}
	noise, errors := record.Gate{Name: record.GateHostNoise, Detail: "noise"}, record.Gate{Name: record.GateErrors, Detail: "all failed"}
	assert.False(t, gated().Invalid())
	assert.True(t, gated(noise).Invalid(), "a sound null server makes no run valid")
	assert.False(t, gated(errors).Invalid(), "a server that fails is no fault of the machine")
	assert.Equal(t, []report.Breakdown{{Arm: "a", Level: "c=64", Starts: 2, Of: 2, Detail: "all failed"}}, gated(errors).Breakdowns)
	assert.True(t, gated(noise, errors).Invalid(), "the noise may have been the cause")
	assert.Empty(t, gated(noise, errors).Breakdowns)
}

func TestNoCompleteBlockShowsWhatThereIs(t *testing.T) {
	run := newRun("a", "b")
	run.State = record.Running
	d := build(t, run, newTrial(0, "a", 100))
	assert.True(t, d.Blocks.Provisional)
	assert.True(t, d.Partial)
	require.Len(t, d.Cells, 1)
	assert.Equal(t, &report.Estimate{Mid: 100, Low: 100, High: 100, Blocks: 1}, d.Cells[0].Of(sample.Throughput))
}

func TestWarmupIsNoResult(t *testing.T) {
	trial := newTrial(0, "a", 100)
	warm := newTrial(0, "a", 5).Windows[0]
	warm.Warmup = true
	only := warm
	only.Level = record.Level{Connections: 7}
	trial.Windows = append([]record.Window{warm, only}, trial.Windows...)
	d := build(t, newRun("a"), trial)
	require.Len(t, d.Cells, 1)
	assert.InDelta(t, 100, d.Cells[0].Of(sample.Throughput).Mid, 1e-9)
	assert.Len(t, d.Levels, 1)
}

func TestWindowsOfOneLevelArePooled(t *testing.T) {
	trial := newTrial(0, "a", 0)
	trial.Windows = nil
	for _, latency := range []time.Duration{time.Millisecond, 3 * time.Millisecond} {
		h := record.NewHistogram()
		for range 1000 {
			h.Record(latency)
		}
		w := newTrial(0, "a", 1000).Windows[0]
		w.Load.Latency = h.Distribution()
		trial.Windows = append(trial.Windows, w)
	}
	c := build(t, newRun("a"), trial).Cells[0]
	assert.InDelta(t, 1000, c.Of(sample.Throughput).Mid, 1e-9)
	assert.InEpsilon(t, 0.001, c.Of(sample.P50).Mid, 0.001)
	assert.InEpsilon(t, 0.003, c.Of(sample.P90).Mid, 0.001)
	assert.Equal(t, 1, c.Trials)

	trial.Windows[1].Load.Latency.HDR = "garbage"
	_, err := sample.New(newRun("a"), []record.Trial{trial})
	assert.ErrorContains(t, err, `block 1, arm "a" at c=64`)
}

func TestRankingWithTies(t *testing.T) {
	var trials []record.Trial
	for b := range 6 {
		jitter := uint64(b % 3)
		trials = append(trials, newTrial(b, "slow", 100+jitter), newTrial(b, "x", 1000+9*jitter), newTrial(b, "y", 1022-9*jitter), newTrial(b, "fast", 9000+jitter), newTrial(b, "dead", 0))
	}
	d := build(t, newRun("slow", "x", "y", "fast", "dead"), trials...)
	require.Len(t, d.Rankings, 1)
	type place struct {
		arm         string
		first, last int
	}
	var got []place
	for _, p := range d.Rankings[0].Places {
		got = append(got, place{p.Arm, p.First, p.Last})
	}
	assert.Equal(t, []place{{"fast", 1, 1}, {"y", 2, 3}, {"x", 2, 3}, {"slow", 4, 4}}, got)
}

func TestOneBlockTiesEverybody(t *testing.T) {
	d := build(t, newRun("a", "b"), newTrial(0, "a", 100), newTrial(0, "b", 9000))
	for _, p := range d.Rankings[0].Places {
		assert.Equal(t, []int{1, 2}, []int{p.First, p.Last}, "one block tells nothing apart")
	}
}

func TestLowerBoundCannotBeBeaten(t *testing.T) {
	var trials []record.Trial
	for b := range 3 {
		limited := newTrial(b, "limited", 1000+uint64(b))
		limited.Windows[0].Gates = []record.Gate{{Name: "generator-cpu", Detail: "91% of its core"}}
		trials = append(trials, limited, newTrial(b, "faster", 2000+uint64(b)))
	}
	for _, arms := range [][]string{{"faster", "limited"}, {"limited", "faster"}} {
		for _, p := range build(t, newRun(arms...), trials...).Rankings[0].Places {
			assert.Equal(t, []int{1, 2}, []int{p.First, p.Last}, "%s, whoever comes first", p.Arm)
		}
	}
	d := build(t, newRun("limited", "faster"), trials...)
	assert.True(t, d.Cell("limited", "c=64").LowerBound)
	for _, p := range d.Rankings[0].Places {
		assert.Equal(t, []int{1, 2}, []int{p.First, p.Last}, "%s: the limit of the generator is no limit of the server", p.Arm)
	}
	assert.Equal(t, []report.GateTotal{{
		GateCount: report.GateCount{Name: "generator-cpu", Count: 3, Detail: "91% of its core"}, Cells: []string{"limited at c=64"},
	}}, d.Gates)
}

func TestReplicateIsTheNoiseAndNoCompetitor(t *testing.T) {
	run := newRun("a", "null", "again")
	run.Arms[2].Server, run.Arms[2].Replicate = "a", "a"
	var trials []record.Trial
	for b, x := range []uint64{102, 100, 98} {
		trials = append(trials, newTrial(b, "a", 100), newTrial(b, "again", x), newTrial(b, "null", 5000))
	}
	d := build(t, run, trials...)
	require.Len(t, d.Rankings, 1)
	require.Len(t, d.Rankings[0].Places, 1)
	assert.Equal(t, "a", d.Rankings[0].Places[0].Arm)
	for _, c := range d.Charts {
		for _, s := range c.Series {
			assert.Equal(t, "a", s.Arm)
		}
	}
	require.NotEmpty(t, d.Noise)
	n := d.Noise[0]
	assert.Equal(t, "throughput", n.Metric)
	want, err := stats.PairedRatio([]float64{102, 100, 98}, []float64{100, 100, 100}, 0.95)
	require.NoError(t, err)
	assert.InDelta(t, want.Low, n.Ratio.Low, 1e-12)
}

func TestEdges(t *testing.T) {
	t.Run("no trials", func(t *testing.T) {
		d := build(t, newRun("a"))
		assert.Empty(t, d.Cells)
		assert.False(t, d.Blocks.Provisional)
	})
	t.Run("all errors", func(t *testing.T) {
		trial := newTrial(0, "a", 0)
		m := &trial.Windows[0].Load
		m.Requests, m.Errors, m.Latency, m.FirstError = 7, record.Errors{Reset: 7}, nil, "reset"
		d := build(t, newRun("a"), trial)
		c := d.Cells[0]
		assert.InDelta(t, 0, c.Of(sample.Throughput).Mid, 0)
		assert.Nil(t, c.Of(sample.P50))
		assert.Nil(t, c.Of(sample.CPUPerRequest))
		assert.InDelta(t, 1, c.ErrorRate, 0)
	})
	t.Run("some blocks without an answer", func(t *testing.T) {
		d := build(t, newRun("a"), newTrial(0, "a", 0), newTrial(1, "a", 100))
		e := d.Cells[0].Of(sample.Throughput)
		assert.InDelta(t, 50, e.Mid, 1e-9, "no logarithm of 0: the arithmetic mean")
		assert.GreaterOrEqual(t, e.Low, 0.0)
	})
	t.Run("window of no length", func(t *testing.T) {
		trial := newTrial(0, "a", 5)
		trial.Windows[0].Load.Duration = 0
		build(t, newRun("a"), trial)
	})
}

// TestOrderOfTheJournalDoesNotMatter also shows that the inputs are not changed.
func TestOrderOfTheJournalDoesNotMatter(t *testing.T) {
	run, trials, verdicts := synthetic.Run(5, true)
	encode := func() []byte {
		d := report.Build(table(t, run, trials), verdicts)
		data, err := json.Marshal(d)
		require.NoError(t, err)
		return data
	}
	before, err := json.Marshal(trials)
	require.NoError(t, err)
	first := encode()
	after, err := json.Marshal(trials)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(before, after), "Build changed its input")
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
	assert.True(t, bytes.Equal(first, encode()))
}

// TestAnyRecordsGiveAFiniteDocument throws extreme counts and durations at Build.
func TestAnyRecordsGiveAFiniteDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		duration := rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64().Draw(t, "ns")) })
		var trials []record.Trial
		for b := range rapid.IntRange(0, 4).Draw(t, "blocks") {
			for _, arm := range []string{"a", "b"} {
				trial := newTrial(b, arm, rapid.Uint64().Draw(t, "completed"))
				m := &trial.Windows[0].Load
				m.Duration, m.InFlight = duration.Draw(t, "duration"), duration.Draw(t, "in flight")
				m.Offered = rapid.Float64().Draw(t, "offered")
				p := duration.Draw(t, "p50")
				m.Latency.P50 = &p
				trial.Startup = duration.Draw(t, "startup")
				trials = append(trials, trial)
			}
		}
		run := newRun("a", "b")
		run.Arms[1].Replicate = rapid.SampledFrom([]string{"", "a"}).Draw(t, "replicate")
		d := report.Build(table(t, run, trials), nil)
		_, err := json.Marshal(d)
		require.NoError(t, err)
		for _, c := range d.Cells {
			for _, e := range []*report.Estimate{c.Of(sample.Throughput), c.Of(sample.P50), c.Of(sample.CPUPerRequest), c.Of(sample.Memory)} {
				if e != nil {
					require.LessOrEqual(t, e.Low, e.Mid*(1+1e-9))
					require.LessOrEqual(t, e.Mid, e.High*(1+1e-9))
				}
			}
		}
	})
}

// BenchmarkBuild is about the windows that the longest profile has.
func BenchmarkBuild(b *testing.B) {
	run, trials, verdicts := synthetic.Run(45, false)
	b.ReportAllocs()
	for b.Loop() {
		report.Build(table(b, run, trials), verdicts)
	}
}

// TestRestlessServers: a reader is told that a server had work of its own.
func TestRestlessServers(t *testing.T) {
	quiet, restless := newTrial(0, "a", 100), newTrial(0, "b", 100)
	restless.Windows[0].Restless = true
	d := build(t, newRun("a", "b"), quiet, restless)
	assert.Equal(t, []string{"b still used CPU while idle at the start of 1 of its windows"}, d.Notices)
}
