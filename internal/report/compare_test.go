package report_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
)

// sitting is a run of two arms and an A/A pair, on a machine that is so fast; edits
// change its trials.
func sitting(t *testing.T, seed uint64, machine, noise float64, rates map[string]float64, edits ...func(*record.Trial)) *report.Document {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	run := &record.Run{
		ID: "r", Method: "1-x", State: record.Complete, Window: time.Second, Engine: record.EngineChoice{Name: "wire"},
		Arms:        []record.Arm{{Name: "a", Server: "a"}, {Name: "a~again", Server: "a", Replicate: "a"}, {Name: "b", Server: "b"}},
		Levels:      []record.Level{{Connections: 8}},
		Experiments: []record.Experiment{{Name: "one", Arms: []string{"a", "a~again", "b"}, Levels: []int{0}, Blocks: record.Range{Min: 10, Max: 10}, Passes: 1}},
	}
	var trials []record.Trial
	for b := range 10 {
		var block []record.PlannedTrial
		for _, arm := range run.Arms {
			x := rates[arm.Server] * machine * math.Exp(noise*rng.NormFloat64())
			p50 := time.Duration(8e9 / x)
			trials = append(trials, record.Trial{Schema: 1, Block: b, Arm: arm.Name, Windows: []record.Window{{
				Level: run.Levels[0],
				Load: record.Measurement{
					Connections: 8, Duration: time.Hour, Completed: uint64(3600 * x), OK: uint64(3600 * x), Requests: uint64(3600 * x),
					Latency: &record.Distribution{Count: 1, Percentiles: record.Percentiles{P50: &p50}},
				},
			}}})
			block = append(block, record.PlannedTrial{Arm: arm.Name, Levels: []int{0}})
		}
		run.Plan = append(run.Plan, record.Block{Number: b, Trials: block})
	}
	for i := range trials {
		for _, edit := range edits {
			edit(&trials[i])
		}
	}
	return report.Build(table(t, run, trials), nil)
}

func outcomes(c *report.Comparison) map[string]report.Outcome {
	out := map[string]report.Outcome{}
	for _, r := range c.Rows {
		out[r.Arm+" "+r.Metric] = r.Outcome
	}
	return out
}

func TestCompare(t *testing.T) {
	base := sitting(t, 1, 1, 0.01, map[string]float64{"a": 1000, "b": 500})
	for _, tc := range []struct {
		name        string
		head        *report.Document
		reference   string
		want        map[string]report.Outcome
		regressions int
	}{
		{
			"the same", sitting(t, 2, 1, 0.01, map[string]float64{"a": 1000, "b": 500}), "",
			map[string]report.Outcome{"a throughput": report.Same, "a p50": report.Same, "b throughput": report.Same, "b p50": report.Same},
			0,
		},
		{
			"b slower by a third", sitting(t, 2, 1, 0.01, map[string]float64{"a": 1000, "b": 333}), "",
			map[string]report.Outcome{"a throughput": report.Same, "a p50": report.Same, "b throughput": report.Worse, "b p50": report.Worse},
			2,
		},
		{
			"b faster", sitting(t, 2, 1, 0.01, map[string]float64{"a": 1000, "b": 800}), "",
			map[string]report.Outcome{"a throughput": report.Same, "a p50": report.Same, "b throughput": report.Better, "b p50": report.Better},
			0,
		},
		{
			"less than the margin", sitting(t, 2, 1, 0.01, map[string]float64{"a": 1000, "b": 475}), "",
			map[string]report.Outcome{"a throughput": report.Same, "a p50": report.Same, "b throughput": report.Same, "b p50": report.Same},
			0,
		},
		{
			"a noisy sitting", sitting(t, 2, 1, 0.9, map[string]float64{"a": 1000, "b": 400}), "",
			map[string]report.Outcome{"a throughput": report.TooNoisy, "a p50": report.TooNoisy, "b throughput": report.TooNoisy, "b p50": report.TooNoisy},
			0,
		},
		{
			"a slower machine", sitting(t, 2, 0.5, 0.01, map[string]float64{"a": 1000, "b": 500}), "",
			map[string]report.Outcome{"a throughput": report.Worse, "a p50": report.Worse, "b throughput": report.Worse, "b p50": report.Worse},
			4,
		},
		{
			"a slower machine, over a reference", sitting(t, 2, 0.5, 0.01, map[string]float64{"a": 1000, "b": 500}), "a",
			map[string]report.Outcome{"b throughput": report.Same, "b p50": report.Same},
			0,
		},
		{
			"b slower on a slower machine, over a reference", sitting(t, 2, 0.5, 0.01, map[string]float64{"a": 1000, "b": 300}), "a",
			map[string]report.Outcome{"b throughput": report.Worse, "b p50": report.Worse},
			2,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := report.Compare(base, tc.head, tc.reference, 0.10)
			require.NoError(t, err)
			assert.Equal(t, tc.want, outcomes(c))
			assert.Equal(t, tc.regressions, c.Regressions)
		})
	}
}

func TestCompareRefuses(t *testing.T) {
	base := sitting(t, 1, 1, 0.01, map[string]float64{"a": 1000, "b": 500})
	other := sitting(t, 1, 1, 0.01, map[string]float64{"a": 1000, "b": 500})
	other.Asked.Method = "2-y"
	_, err := report.Compare(base, other, "", 0.1)
	assert.ErrorContains(t, err, "different methods (1-x and 2-y)")
	other.Asked.Method, other.Asked.WindowS = "1-x", 2
	_, err = report.Compare(base, other, "", 0.1)
	assert.ErrorContains(t, err, "differ in their windows (1 and 2)")
	other.Asked.WindowS, other.Asked.LongWindowS = 1, 5
	_, err = report.Compare(base, other, "", 0.1)
	assert.ErrorContains(t, err, "differ in their long windows")
	other.Asked.LongWindowS, other.Cells = base.Asked.LongWindowS, nil
	c, err := report.Compare(base, other, "", 0.1)
	require.NoError(t, err)
	assert.Equal(t, map[string]report.Outcome{"a works": report.NotComputed, "b works": report.NotComputed}, outcomes(c), "head lacks what base has")
	other.Arms = nil
	_, err = report.Compare(base, other, "", 0.1)
	assert.ErrorContains(t, err, "no arm at the same level in common")
}

// TestCompareDoubts: gates take an outcome away, another machine is told.
func TestCompareDoubts(t *testing.T) {
	base := sitting(t, 1, 1, 0.01, map[string]float64{"a": 1000, "b": 500})
	slower := map[string]float64{"a": 1000, "b": 250}
	head := sitting(t, 2, 1, 0.01, slower, func(trial *record.Trial) {
		if trial.Arm == "b" {
			trial.Windows[0].Gates = []record.Gate{{Name: record.GateHostNoise}}
		}
	})
	head.Environment.Cores = 64
	c, err := report.Compare(base, head, "", 0.1)
	require.NoError(t, err)
	assert.Equal(t, report.NotComputed, outcomes(c)["b throughput"])
	require.Len(t, c.Warnings, 1)
	assert.Contains(t, c.Warnings[0], "number of cores")
}

// TestCompareMachines: what another machine does is never a regression of the code.
func TestCompareMachines(t *testing.T) {
	machine := record.Environment{OS: "linux", Arch: "arm64", CPU: "ARM Neoverse-N1", CPUID: "1", Cores: 2, Virtual: true, Kernel: "6.1"}
	base := sitting(t, 1, 1, 0.01, map[string]float64{"a": 1000, "b": 500})
	base.Environment = machine
	for what, change := range map[string]func(*record.Environment){
		"processor":       func(e *record.Environment) { e.CPU = "ARM Neoverse-V1" },
		"number of cores": func(e *record.Environment) { e.Cores = 4 },
		"kind":            func(e *record.Environment) { e.Virtual = false },
		"system":          func(e *record.Environment) { e.Arch = "amd64" },
	} {
		head := sitting(t, 2, 0.5, 0.01, map[string]float64{"a": 1000, "b": 300})
		head.Environment = machine
		change(&head.Environment)
		c, err := report.Compare(base, head, "", 0.1)
		require.NoError(t, err)
		require.Len(t, c.Machines, 1)
		assert.Equal(t, what, c.Machines[0].What)
		assert.Contains(t, c.Warnings[0], "The machines differ: "+what)
		assert.Equal(t, report.OtherMachine, outcomes(c)["b throughput"], what)
		assert.Zero(t, c.Regressions, what)
		assert.Zero(t, c.Answered(), what)
		assert.InDelta(t, 0.3, c.Rows[2].Ratio.Mid, 0.02, "it is shown all the same")

		c, err = report.Compare(base, head, "a", 0.1)
		require.NoError(t, err)
		assert.Contains(t, c.Warnings[0], "Figures over a")
		assert.Equal(t, report.Worse, outcomes(c)["b throughput"], "an arm that both runs measured divides the machine out")
		head = sitting(t, 2, 0.5, 0.01, map[string]float64{"a": 1000, "b": 500})
		c, err = report.Compare(base, head, "a", 0.1)
		require.NoError(t, err)
		assert.Zero(t, c.Regressions)
		assert.Positive(t, c.Answered())
	}
	head := sitting(t, 2, 1, 0.01, map[string]float64{"a": 1000, "b": 300})
	head.Environment = machine
	head.Environment.Kernel = "6.2"
	c, err := report.Compare(base, head, "", 0.1)
	require.NoError(t, err)
	assert.Empty(t, c.Machines)
	assert.Contains(t, c.Warnings[0], "The kernel is not the same (6.1 and 6.2)")
	assert.Equal(t, report.Worse, outcomes(c)["b throughput"], "a kernel is software: its regression is one")

	base.Environment, head.Environment = record.Environment{}, record.Environment{}
	c, err = report.Compare(base, head, "", 0.1)
	require.NoError(t, err)
	assert.Contains(t, c.Warnings[0], "Neither run recorded its processor")

	head = sitting(t, 2, 1, 0.01, map[string]float64{"a": 1000, "b": 300}, func(trial *record.Trial) {
		if trial.Arm != "b" {
			trial.Windows = nil
		}
	})
	c, err = report.Compare(base, head, "a", 0.1)
	require.NoError(t, err)
	assert.Zero(t, c.Answered())
	assert.Equal(t, report.NotComputed, outcomes(c)["a works"])
}

// broken makes the server of an arm fail in n starts of ten.
func broken(arm string, n int) func(*record.Trial) {
	return func(trial *record.Trial) {
		if w := &trial.Windows[0]; trial.Arm == arm && trial.Block < n {
			w.Load.Errors.Status = w.Load.Requests
			w.Gates = []record.Gate{{Name: record.GateErrors, Detail: "9 of 10 requests failed (status 9; first: status 500, expected 200)"}}
		}
	}
}

// TestCompareBrokenServers: a server that fails in head, and did not in base, got worse.
func TestCompareBrokenServers(t *testing.T) {
	sound := func(seed uint64, edits ...func(*record.Trial)) *report.Document {
		return sitting(t, seed, 1, 0.01, map[string]float64{"a": 1000, "b": 500}, edits...)
	}
	for _, tc := range []struct {
		name       string
		base, head *report.Document
		reference  string
		want       map[string]report.Outcome
		worse      int
	}{
		{"b fails in head", sound(1), sound(2, broken("b", 10)), "a", map[string]report.Outcome{"b works": report.Worse}, 1},
		{"b failed in base", sound(1, broken("b", 10)), sound(2), "a", map[string]report.Outcome{"b works": report.Better}, 0},
		{"b fails in both", sound(1, broken("b", 10)), sound(2, broken("b", 10)), "a", map[string]report.Outcome{"b throughput": report.NotComputed, "b p50": report.NotComputed}, 0},
		{"b fails now and then", sound(1), sound(2, broken("b", 4)), "a", map[string]report.Outcome{"b throughput": report.Same, "b p50": report.Same}, 0},
		{"the reference fails in head", sound(1), sound(2, broken("a", 10)), "a", map[string]report.Outcome{"a works": report.Worse, "b throughput": report.NotComputed, "b p50": report.NotComputed}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := report.Compare(tc.base, tc.head, tc.reference, 0.1)
			require.NoError(t, err)
			got := outcomes(c)
			for _, m := range []string{"p99", "cpu"} { // of which this sitting knows nothing
				delete(got, "b "+m)
			}
			assert.Equal(t, tc.want, got)
			assert.Equal(t, tc.worse, c.Regressions)
		})
	}
}

// TestCompareInvalid: what the machine spoiled is no news of a server.
func TestCompareInvalid(t *testing.T) {
	base := sitting(t, 1, 1, 0.01, map[string]float64{"a": 1000, "b": 500})
	head := sitting(t, 2, 1, 0.01, map[string]float64{"a": 1000, "b": 100})
	for i := range head.Cells {
		head.Cells[i].Gates = []report.GateCount{{Name: record.GateHostNoise, Count: 10}}
	}
	c, err := report.Compare(base, head, "", 0.1)
	require.NoError(t, err)
	assert.Equal(t, []string{"r"}, c.Invalid)
	assert.Zero(t, c.Regressions)
	assert.Zero(t, c.Answered())
}

// TestCompareDoubtfulServers: what is no clear answer of one arm is not covered by the answers of another.
func TestCompareDoubtfulServers(t *testing.T) {
	sound := func(seed uint64, edits ...func(*record.Trial)) *report.Document {
		return sitting(t, seed, 1, 0.01, map[string]float64{"a": 1000, "b": 500}, edits...)
	}
	base, head := sound(1, broken("b", 1)), sound(2, broken("b", 10))
	c, err := report.Compare(base, head, "", 0.1)
	require.NoError(t, err)
	assert.Equal(t, report.Worse, outcomes(c)["b works"], "one stray failure in base")

	head = sound(2)
	head.Cells = slices.DeleteFunc(head.Cells, func(c report.Cell) bool { return c.Arm == "b" })
	head.Failures = []report.Failure{{Arm: "b", Reason: "not ready after 30s"}}
	c, err = report.Compare(sound(1), head, "", 0.1)
	require.NoError(t, err)
	assert.Equal(t, report.NotComputed, outcomes(c)["b works"])
	assert.Positive(t, c.Answered(), "a is")

	head = sound(2)
	head.Cell("b", "c=8").Broken, head.Cell("b", "c=8").Unclear = 3, 4
	head.Cell("b", "c=8").BrokenBy = "lost"
	c, err = report.Compare(sound(1), head, "", 0.1)
	require.NoError(t, err)
	assert.Equal(t, report.NotComputed, outcomes(c)["b works"], "half of the starts that tell")
}
