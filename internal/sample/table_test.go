package sample_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

var closed64 = record.Level{Connections: 64}

func table(t *testing.T, run *record.Run, trials ...record.Trial) *sample.Table {
	t.Helper()
	table, err := sample.New(run, trials)
	require.NoError(t, err)
	return table
}

// plan is a run of some blocks of the arms.
func plan(blocks int, arms ...string) *record.Run {
	run := &record.Run{Levels: []record.Level{closed64}, Experiments: []record.Experiment{{Name: "one", Arms: arms, Levels: []int{0}, Blocks: record.Range{Min: blocks, Max: blocks}, Passes: 4}}}
	for _, a := range arms {
		run.Arms = append(run.Arms, record.Arm{Name: a, Server: a})
	}
	for b := range blocks {
		var block []record.PlannedTrial
		for _, a := range arms {
			block = append(block, record.PlannedTrial{Arm: a, Levels: []int{0}})
		}
		run.Plan = append(run.Plan, record.Block{Number: b, Trials: block})
	}
	return run
}

func trial(block int, arm string, windows ...record.Window) record.Trial {
	return record.Trial{Schema: 2, Block: block, Arm: arm, Windows: windows}
}

// window has requests of one latency in a second.
func window(latency time.Duration, n uint64) record.Window {
	h := record.NewHistogram()
	for range n {
		h.Record(latency)
	}
	return record.Window{Level: closed64, Load: record.Measurement{
		Connections: 64, Duration: time.Second, Requests: n, OK: n, Completed: n, BytesIn: 10 * n, Latency: h.Distribution(),
	}, Server: record.Usage{CPU: record.CPU{User: time.Second}, PSS: 1 << 20, RSS: 2 << 20, Threads: 3}}
}

func TestBlocksThatCount(t *testing.T) {
	run := plan(4, "a", "b")
	run.Missing = []record.Missing{{Arm: "c"}}
	run.Plan[1].Trials = append(run.Plan[1].Trials, record.PlannedTrial{Arm: "c"})
	b := table(t, run,
		trial(0, "a"), record.Trial{Block: 0, Arm: "b", Failure: "crashed"},
		trial(1, "b"), trial(1, "a"),
		trial(3, "b")).Blocks
	assert.Equal(t, []int{0, 1}, b.Counted, "a failed trial is one; a missing arm is not waited for")
	assert.Equal(t, []sample.Partial{{Block: 3, Experiment: "one", Number: 3, Trials: 1, Absent: []string{"a"}}}, b.Partial)
	assert.False(t, b.Provisional)

	one := table(t, run, trial(3, "b"))
	assert.True(t, one.Blocks.Provisional)
	assert.Equal(t, []int{3}, one.Shown(), "what there is, where no block counts")
}

func TestWindowsOfOneLevelAreMerged(t *testing.T) {
	fast, slow := window(time.Millisecond, 1000), window(3*time.Millisecond, 3000)
	slow.Load.FirstByte = window(2*time.Millisecond, 3000).Load.Latency
	slow.Gates = []record.Gate{{Name: record.GateErrors, Detail: "1%"}, {Name: record.GateErrors, Detail: "2%"}}
	warm := window(time.Second, 5)
	warm.Warmup = true
	s := table(t, plan(1, "a"), trial(0, "a", warm, fast, slow)).At("a", closed64, 0)
	want := map[string]float64{
		"throughput": 2000, "latency-mean": 0.0025, "latency-p50": 0.003, "first-byte-p50": 0.002,
		"cpu-per-request": 2.0 / 4000, "memory": 1 << 20, "threads": 3, "bytes": 20000,
	}
	for name, v := range want {
		got, ok := sample.Named(name).Of(s)
		assert.True(t, ok, name)
		assert.InEpsilon(t, v, got, 0.001, name)
	}
	assert.Len(t, s.Gates, 1)
	assert.Equal(t, "1%", s.Failed)
	assert.True(t, s.Spoiled())
}

func TestValuesOfOneKind(t *testing.T) {
	with, without := window(time.Millisecond, 10), window(time.Millisecond, 10)
	without.Server.PSS = 0
	tab := table(t, plan(2, "a"), trial(0, "a", with), trial(1, "a", without))
	samples := []*sample.Sample{tab.At("a", closed64, 0), tab.At("a", closed64, 1)}
	values, instead := sample.Memory.Values(samples)
	assert.True(t, instead)
	assert.Equal(t, []float64{2 << 20, 2 << 20}, values)
	values, instead = sample.Memory.Values(samples[:1])
	assert.False(t, instead)
	assert.Equal(t, []float64{1 << 20}, values)
}

func TestSides(t *testing.T) {
	tab := table(t, plan(2, "a", "b"),
		trial(0, "a", window(time.Millisecond, 600)), trial(0, "b", window(time.Millisecond, 200)),
		trial(1, "a", window(time.Millisecond, 900)), trial(1, "b", window(time.Millisecond, 300)))
	b := sample.Side{Arm: "b", Level: closed64}
	values, lack := tab.Values(sample.Throughput, sample.Side{Arm: "a", Level: closed64, Over: &b})
	assert.Equal(t, []float64{3, 3}, values)
	assert.Zero(t, lack)
	_, lack = tab.Values(sample.P99, b)
	assert.Equal(t, sample.NoSample, lack.Cause, "a p99 of 200 requests is not known")
	assert.Equal(t, "no sample: 2 of 2 blocks give no value: b at 64 connections: too few requests for this figure", lack.String())
	values, _ = tab.Values(sample.Throughput, sample.Side{Arm: "c", Level: closed64})
	assert.Empty(t, values, "no block was to have it")
}

// rounds are windows of one arm in so many passes, some of them with a gate.
func rounds(n uint64, gates ...string) (out []record.Window) {
	for pass, gate := range gates {
		w := window(time.Millisecond, n)
		if w.Pass = pass; gate != "" {
			w.Gates = []record.Gate{{Name: gate, Detail: gate + " in pass " + string(rune('0'+pass))}}
		}
		out = append(out, w)
	}
	return out
}

// TestADisturbedRoundLeavesForAll, and takes nothing else with it.
func TestADisturbedRoundLeavesForAll(t *testing.T) {
	a := rounds(100, "", record.GateHostNoise, "", "")
	a[1].Load.Completed = 1
	tab := table(t, plan(1, "a", "b"), trial(0, "a", a...), trial(0, "b", rounds(50, "", "", "", "")...))
	for arm, want := range map[string]float64{"a": 100, "b": 50} {
		s := tab.At(arm, closed64, 0)
		assert.Len(t, s.Rounds, 3)
		assert.Equal(t, 1, s.Lost)
		assert.Empty(t, s.Gates)
		v, _ := sample.Throughput.Of(s)
		assert.InDelta(t, want, v, 1e-9)
	}
}

// TestAnArmThatIsAlwaysHit is itself what the gate says, and takes no round from the others.
func TestAnArmThatIsAlwaysHit(t *testing.T) {
	tab := table(t, plan(1, "a", "b"), trial(0, "a", rounds(100, record.GateOfferedRate, record.GateOfferedRate, record.GateOfferedRate, "")...), trial(0, "b", rounds(50, "", "", "", "")...))
	a, b := tab.At("a", closed64, 0), tab.At("b", closed64, 0)
	assert.True(t, a.Spoiled())
	assert.Equal(t, record.GateOfferedRate, a.Gates[0].Name)
	assert.False(t, b.Spoiled())
	assert.Len(t, b.Rounds, 4)
}

// TestFewRoundsAreNoSample: where the machine disturbed most of the rounds, each for
// another arm, none of them has a figure.
func TestFewRoundsAreNoSample(t *testing.T) {
	tab := table(t, plan(1, "a", "b"), trial(0, "a", rounds(100, record.GateHostNoise, record.GateHostNoise, "", "")...), trial(0, "b", rounds(50, "", "", record.GateNetwork, "")...))
	for _, arm := range []string{"a", "b"} {
		s := tab.At(arm, closed64, 0)
		assert.True(t, s.Spoiled(), arm)
		assert.Contains(t, s.Gates[0].Detail, "3 of 4 rounds were disturbed")
		assert.Len(t, s.Rounds, 4)
		assert.Zero(t, s.Lost, "all are in it")
	}
}

// TestWhatTheServerDoesIsNoDisturbance: errors in one round spoil the arm, and nothing of the others.
func TestWhatTheServerDoesIsNoDisturbance(t *testing.T) {
	tab := table(t, plan(1, "a", "b"), trial(0, "a", rounds(100, record.GateErrors, "", "", "")...), trial(0, "b", rounds(50, "", "", "", "")...))
	assert.True(t, tab.At("a", closed64, 0).Spoiled())
	assert.Len(t, tab.At("b", closed64, 0).Rounds, 4)
	assert.Empty(t, tab.At("b", closed64, 0).Gates)
}

// TestTwins: both starts of an arm that is entered twice count, unless it is asked for alone.
func TestTwins(t *testing.T) {
	run := plan(2, "a", "a~again", "b")
	run.Arms[1].Replicate = "a"
	noisy := window(time.Millisecond, 400)
	noisy.Gates = []record.Gate{{Name: record.GateHostNoise, Detail: "noise"}}
	tab := table(t, run,
		trial(0, "a", window(time.Millisecond, 100)), trial(0, "a~again", window(time.Millisecond, 400)), trial(0, "b", window(time.Millisecond, 50)),
		trial(1, "a", window(time.Millisecond, 100)), trial(1, "a~again", noisy), trial(1, "b", window(time.Millisecond, 50)))
	values, _ := tab.Values(sample.Throughput, sample.Side{Arm: "a", Level: closed64})
	assert.InDeltaSlice(t, []float64{200, 100}, values, 1e-9, "the one that is sound")
	values, _ = tab.Values(sample.Throughput, sample.Side{Arm: "a", Level: closed64, Alone: true})
	assert.InDeltaSlice(t, []float64{100, 100}, values, 1e-9)
	ratio, n, ok := tab.Calibration()
	assert.False(t, ok, "one pair is no interval: %v", ratio)
	assert.Equal(t, 1, n)

	tab = table(t, run, trial(0, "a", window(time.Millisecond, 100)), record.Trial{Block: 0, Arm: "a~again", Failure: "crashed"}, trial(0, "b", window(time.Millisecond, 50)))
	values, lack := tab.Values(sample.Throughput, sample.Side{Arm: "a", Level: closed64})
	assert.Empty(t, values, "a server that crashes is not judged by the start in which it did not")
	assert.Contains(t, lack.Detail, "crashed")
}

// TestPairsAreSideBySide: only blocks that were to have both arms are asked for them.
func TestPairsAreSideBySide(t *testing.T) {
	run := plan(4, "a", "b")
	for b := range 2 { // of another experiment
		run.Plan[b].Trials = run.Plan[b].Trials[:1]
	}
	var trials []record.Trial
	for b := range 4 {
		trials = append(trials, trial(b, "a", window(time.Millisecond, 100)))
		if b > 1 {
			trials = append(trials, trial(b, "b", window(time.Millisecond, 50)))
		}
	}
	p := table(t, run, trials...).Pairs(sample.Throughput, sample.Side{Arm: "a", Level: closed64}, sample.Side{Arm: "b", Level: closed64})
	assert.Equal(t, []int{2, 3}, p.Blocks)
	assert.Zero(t, p.Spoiled)
}

// TestTakenCores: what the generator took counts for arms that share its cores, and for no others.
func TestTakenCores(t *testing.T) {
	for _, shared := range []bool{false, true} {
		run := plan(2, "a", "b")
		run.Arms[0].Shared, run.ServerCPUs, run.LoadCPUs = shared, []int{0}, []int{1}
		w := window(time.Millisecond, 100)
		w.Load.CPU = record.CPU{User: 40 * time.Millisecond}
		p := table(t, run, trial(0, "a", w), trial(0, "b", w), trial(1, "a", w), trial(1, "b", w)).Pairs(sample.Throughput, sample.Side{Arm: "a", Level: closed64}, sample.Side{Arm: "b", Level: closed64})
		want := 0.0
		if shared {
			want = 0.02
		}
		assert.InDelta(t, want, p.LimitA.Taken, 1e-9)
		assert.Zero(t, p.LimitB.Taken)
	}
}

// TestLimitsOfARatio: what limits the arm below the line makes the ratio too large, and so
// is a limit of the other side.
func TestLimitsOfARatio(t *testing.T) {
	run := plan(2, "a", "b")
	for i := range run.Arms {
		run.Arms[i].Shared = true
	}
	run.ServerCPUs, run.LoadCPUs = []int{0}, []int{1}
	limited, free := window(time.Millisecond, 100), window(time.Millisecond, 100)
	limited.Load.CPU = record.CPU{User: 40 * time.Millisecond}
	limited.Gates = []record.Gate{{Name: record.GateCeiling, Detail: "half of the ceiling"}}
	tab := table(t, run, trial(0, "a", free), trial(0, "b", limited), trial(1, "a", free), trial(1, "b", limited))
	a, b := sample.Side{Arm: "a", Level: closed64}, sample.Side{Arm: "b", Level: closed64}
	over := a
	over.Over = &b
	p := tab.Pairs(sample.Throughput, over, a)
	assert.Equal(t, sample.Limit{}, p.LimitA)
	assert.True(t, p.LimitB.Bound)
	assert.InDelta(t, 0.02, p.LimitB.Taken, 1e-9)
	p = tab.Pairs(sample.Throughput, a, over)
	assert.True(t, p.LimitA.Bound)
	assert.Equal(t, sample.Limit{}, p.LimitB)
}

// TestVariancesOfComparisonsAlone: a rate in an open loop is the schedule's, and says
// nothing of how throughput varies.
func TestVariancesOfComparisonsAlone(t *testing.T) {
	open := record.Level{Rate: 100}
	run := plan(4, "a", "b")
	run.Levels = append(run.Levels, open)
	run.Experiments[0].Levels = append(run.Experiments[0].Levels, 1)
	var trials []record.Trial
	for block := range run.Plan {
		for i := range run.Plan[block].Trials {
			run.Plan[block].Trials[i].Levels = append(run.Plan[block].Trials[i].Levels, 1)
		}
		for arm, n := range map[string]uint64{"a": 100 + 20*uint64(block%2), "b": 100} {
			var windows []record.Window
			for pass := range 2 {
				closed, scheduled := window(time.Millisecond, n+uint64(pass)), window(time.Millisecond, 100)
				scheduled.Level = open
				closed.Pass, scheduled.Pass = pass, pass
				windows = append(windows, closed, scheduled)
			}
			trials = append(trials, trial(block, arm, windows...))
		}
	}
	c, ok := table(t, run, trials...).Components(sample.Throughput, 0)
	require.True(t, ok)
	assert.InDelta(t, 0.0110, c.Start, 0.002, "half of it, were the open loop counted")
}

// TestMetricsAreDeclaredOnce: names, short names and keys tell metrics apart.
func TestMetricsAreDeclaredOnce(t *testing.T) {
	seen := map[string]bool{}
	for i := range sample.Metrics {
		m := &sample.Metrics[i]
		for _, name := range []string{m.Name, m.Key} {
			assert.False(t, name != "" && seen[name], name)
			seen[name] = true
		}
		assert.False(t, m.OfStart && len(m.Levels) > 0, m.Name)
		assert.True(t, m.Key == "" || m.About != "", m.Name)
		assert.Same(t, m, sample.Named(m.Name))
	}
	assert.Nil(t, sample.Named("speed"))
}

// TestSchemasNameTheMetrics: what a ledger may compare is what the schemas allow.
func TestSchemasNameTheMetrics(t *testing.T) {
	var want []string
	for _, m := range sample.Metrics {
		if len(m.Levels) > 0 || m.OfStart {
			want = append(want, m.Name)
		}
	}
	for _, file := range []string{"claims", "verdicts"} {
		text, err := os.ReadFile("../../docs/formats/" + file + ".schema.json")
		require.NoError(t, err)
		enum := regexp.MustCompile(`"metric": \{[^}]*"enum": \[([^\]]*)\]`).FindSubmatch(text)
		require.NotNil(t, enum, file)
		var names []string
		for name := range strings.SplitSeq(string(enum[1]), ",") {
			names = append(names, strings.Trim(name, ` "`))
		}
		assert.ElementsMatch(t, want, names, file)
	}
}
