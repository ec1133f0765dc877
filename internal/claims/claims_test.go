package claims_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/yamlfile/yamltest"
)

const ledgerText = `schema: 1
alpha: 0.05
claims:
  - id: faster
    section: S
    paraphrase: A is faster than B.
    margin: 0.1
    comparisons:
      - {group: in one way, metric: throughput, a: a, b: b}
      - {group: in another, metric: throughput, a: a, b: c}
`

func ledger(t *testing.T, text string) *claims.Ledger {
	t.Helper()
	l, err := claims.DecodeLedger("claims.yaml", []byte(text))
	require.NoError(t, err)
	return l
}

// rigged is a run of the arms a, its replicate, b and c, whose throughputs at
// the two levels are as given, with lognormal noise from block to block.
func rigged(blocks int, noise float64, throughput map[string]float64) (*record.Run, []record.Trial) {
	rng := rand.New(rand.NewPCG(3, 4))
	run := &record.Run{
		Arms:        []record.Arm{{Name: "a"}, {Name: "a~again", Replicate: "a"}, {Name: "b"}, {Name: "c"}},
		Levels:      []record.Level{{Connections: 1}, {Connections: 64}},
		Experiments: []record.Experiment{{Name: "one", Arms: []string{"a", "a~again", "b", "c"}, Levels: []int{0, 1}, Blocks: record.Range{Min: blocks, Max: blocks}, Passes: 1}},
	}
	var trials []record.Trial
	for b := range blocks {
		var block []record.PlannedTrial
		for _, arm := range run.Arms {
			name := arm.Name
			if arm.Replicate != "" {
				name = arm.Replicate
			}
			t := record.Trial{Schema: 2, Block: b, Arm: arm.Name, Startup: 100 * time.Millisecond}
			for _, l := range run.Levels {
				x := throughput[name] * math.Exp(noise*rng.NormFloat64())
				p50 := time.Duration(float64(time.Second) / x)
				t.Windows = append(t.Windows, record.Window{Level: l, Load: record.Measurement{
					Connections: l.Connections, Duration: time.Hour, Completed: uint64(3600 * x), Requests: uint64(3600 * x),
					Latency: &record.Distribution{Count: 1, Percentiles: record.Percentiles{P50: &p50}},
				}})
			}
			trials = append(trials, t)
			block = append(block, record.PlannedTrial{Arm: arm.Name, Levels: []int{0, 1}})
		}
		run.Plan = append(run.Plan, record.Block{Number: b, Trials: block})
	}
	return run, trials
}

func answer(t *testing.T, run *record.Run, trials []record.Trial) claims.Verdict {
	t.Helper()
	vs := claims.Evaluate(ledger(t, ledgerText), table(t, run, trials))
	require.Len(t, vs, 1)
	return vs[0]
}

// TestEveryVerdictIsReached: a verdict that no run can reach would be worth nothing.
func TestEveryVerdictIsReached(t *testing.T) {
	for _, tc := range []struct {
		name   string
		blocks int
		noise  float64
		x      map[string]float64
		want   claims.Value
		reason string
	}{
		{"slow others", 8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 300}, claims.Supported, "all 4 conditions"},
		{"identical", 8, 0.01, map[string]float64{"a": 1000, "b": 1000, "c": 1000}, claims.Refuted, "none of 4 conditions"},
		{"reversed", 8, 0.01, map[string]float64{"a": 1000, "b": 2000, "c": 3000}, claims.Refuted, "none of 4 conditions"},
		{"disagreeing", 8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 1000}, claims.Depends, "it holds in one way (1 and 64 connections), and does not hold in another (1 and 64 connections)"},
		{"noisy", 8, 0.5, map[string]float64{"a": 1000, "b": 900, "c": 900}, claims.Inconclusive, ""},
		{"at the margin", 8, 0.02, map[string]float64{"a": 1000, "b": 1000 / 1.1, "c": 1000 / 1.1}, claims.Inconclusive, "reaches across the margin"},
		{"open in half", 12, 0.02, map[string]float64{"a": 1000, "b": 500, "c": 1000 / 1.1}, claims.Inconclusive, "supported in 2 of 4 conditions, open: in another (1 and 64 connections), where the interval"},
		{"one block", 1, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 300}, claims.NotTestable, "at least 2 are needed"},
		{"no block", 0, 0.01, nil, claims.NotTestable, "0 complete blocks"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run, trials := rigged(tc.blocks, tc.noise, tc.x)
			v := answer(t, run, trials)
			assert.Equal(t, tc.want, v.Verdict, v.Reason)
			assert.Contains(t, v.Reason, tc.reason)
			require.Len(t, v.Conditions, 4)
		})
	}
}

func TestEffectIsTheHardestCondition(t *testing.T) {
	run, trials := rigged(10, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	v := answer(t, run, trials)
	assert.InEpsilon(t, 2, v.Effect, 0.03)
	assert.Less(t, v.Low, v.Effect)
	assert.Greater(t, v.High, v.Effect)
	assert.Contains(t, v.Flips, "nearest to turning")
	assert.Contains(t, v.Flips, "in one way")
}

// TestFirstByte: less is better, and a response in one piece has its latency.
func TestFirstByte(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 100, "b": 200, "c": 100})
	for i := range trials {
		if trials[i].Arm != "b" { // slower to the end, four times as fast to the first byte
			for j := range trials[i].Windows {
				m := &trials[i].Windows[j].Load
				first := *m.Latency.P50 / 8
				m.FirstByte = &record.Distribution{Count: 1, Percentiles: record.Percentiles{P50: &first}}
			}
		}
	}
	l := ledger(t, strings.ReplaceAll(ledgerText, "metric: throughput", "metric: first-byte-p50, connections: [1]"))
	vs := claims.Evaluate(l, table(t, run, trials))
	require.Len(t, vs[0].Conditions, 2)
	assert.Equal(t, claims.Supported, vs[0].Conditions[0].Verdict, vs[0].Reason)
	assert.InEpsilon(t, 4, vs[0].Conditions[0].Ratio.Mid, 0.05)
	assert.Equal(t, claims.Refuted, vs[0].Conditions[1].Verdict)
}

func TestLatencyTurnsTheRatioRound(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 250, "c": 1})
	l := ledger(t, strings.ReplaceAll(ledgerText, "metric: throughput", "metric: latency-p50, connections: [1]"))
	vs := claims.Evaluate(l, table(t, run, trials))
	assert.Equal(t, claims.Supported, vs[0].Verdict)
	assert.InEpsilon(t, 4, vs[0].Effect, 0.05)
	assert.Len(t, vs[0].Conditions, 2)
}

func TestGatesAreRespected(t *testing.T) {
	gate := func(trials []record.Trial, arm, name string) {
		for i := range trials {
			if trials[i].Arm == arm {
				for j := range trials[i].Windows {
					trials[i].Windows[j].Gates = []record.Gate{{Name: name, Detail: "the detail"}}
				}
			}
		}
	}
	fast := map[string]float64{"a": 1000, "b": 500, "c": 300}

	run, trials := rigged(8, 0.01, fast)
	gate(trials, "a", "generator-cpu")
	v := answer(t, run, trials)
	assert.Equal(t, claims.Supported, v.Verdict, "A could only have been faster still")
	assert.Contains(t, v.Conditions[0].Reason, "lower bound")
	assert.Equal(t, []string{"generator-cpu"}, v.Conditions[0].Gates)

	run, trials = rigged(8, 0.01, fast)
	gate(trials, "b", "generator-cpu")
	v = answer(t, run, trials)
	assert.Equal(t, claims.Inconclusive, v.Verdict, "B could have been faster")
	assert.Contains(t, v.Reason, "limited b")

	run, trials = rigged(8, 0.01, map[string]float64{"a": 1000, "b": 1000, "c": 1000})
	gate(trials, "a", "generator-ceiling")
	v = answer(t, run, trials)
	assert.Equal(t, claims.Inconclusive, v.Verdict, "A could have been faster than its equals")

	run, trials = rigged(8, 0.01, fast)
	gate(trials, "b", "errors")
	v = answer(t, run, trials)
	assert.Equal(t, claims.Supported, v.Verdict, "the other conditions have their answer")
	assert.Contains(t, v.Reason, "in 2 of 4 conditions the whole interval lies beyond the margin of 10%; not testable here: in one way (1 and 64 connections)")
	assert.Contains(t, v.Reason, "b: the detail")

	run, trials = rigged(8, 0.01, fast)
	gate(trials[:4], "b", "errors") // one block of eight
	v = answer(t, run, trials)
	assert.Equal(t, claims.Supported, v.Verdict)
	assert.Equal(t, 7, v.Conditions[0].Blocks)
}

// TestBothStartsOfAnArmCount: where the arm was entered twice, its value is the mean of both.
func TestBothStartsOfAnArmCount(t *testing.T) {
	run, trials := rigged(8, 0.001, map[string]float64{"a": 1000, "b": 500, "c": 300})
	for i := range trials {
		if trials[i].Arm == "a~again" {
			for j := range trials[i].Windows {
				trials[i].Windows[j].Load.Completed *= 4
			}
		}
	}
	assert.InEpsilon(t, 4, answer(t, run, trials).Conditions[0].Ratio.Mid, 0.01, "of 1000 and 4000 over 500")
}

// TestDependsTakesMore: conditions that disagree have each to be told at a part of
// the claim's chance to err. Here one of them just holds by itself.
func TestDependsTakesMore(t *testing.T) {
	found := map[claims.Value]bool{}
	for step := range 60 {
		b := 900 - 3*float64(step)
		run, trials := rigged(8, 0.02, map[string]float64{"a": 1000, "b": b, "c": 1000})
		v := answer(t, run, trials)
		found[v.Verdict] = true
		if strings.Contains(v.Reason, "not surely enough to say that it depends") {
			assert.Equal(t, claims.Inconclusive, v.Verdict)
			found["between"] = true
		}
	}
	assert.True(t, found[claims.Depends] && found["between"], "%v", found)
}

func TestAbsentArms(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 300})
	run.Missing = []record.Missing{{Arm: "c", Reason: "python3 is not installed"}}
	v := answer(t, run, trials)
	assert.Equal(t, claims.Supported, v.Verdict)
	assert.Contains(t, v.Reason, "python3 is not installed")
	run.Missing, run.Arms = nil, run.Arms[:3]
	v = answer(t, run, trials)
	assert.Contains(t, v.Reason, "c was not part of this run")
}

// TestNotTestableOnlyIfAllConditionsAre: one that has no answer here does not hide the others.
func TestNotTestableOnlyIfAllConditionsAre(t *testing.T) {
	for want, throughput := range map[claims.Value]float64{claims.Supported: 500, claims.Refuted: 1000, claims.Inconclusive: 1000 / 1.1} {
		run, trials := rigged(8, 0.02, map[string]float64{"a": 1000, "b": throughput, "c": 300})
		run.Missing = []record.Missing{{Arm: "c", Reason: "no python3"}}
		v := answer(t, run, trials)
		assert.Equal(t, want, v.Verdict, v.Reason)
		assert.Contains(t, v.Reason, "not testable here: in another (1 and 64 connections)")
		assert.Empty(t, v.Cause)
		run.Missing = append(run.Missing, record.Missing{Arm: "a", Reason: "no node"})
		v = answer(t, run, trials)
		assert.Equal(t, claims.NotTestable, v.Verdict, v.Reason)
		assert.Equal(t, sample.NoArm, v.Cause)
	}
}

func TestIncompleteBlocksDoNotCount(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 300})
	v := answer(t, run, trials[:len(trials)-1])
	assert.Equal(t, 7, v.Conditions[0].Blocks)
}

func TestLedgerMistakes(t *testing.T) {
	_, err := claims.DecodeLedger(fixtures.ClaimsFile, fixtures.Claims)
	require.NoError(t, err)
	for _, tc := range []struct{ old, new, want string }{
		{"alpha: 0.05", "alpha: 1", "claims.yaml:2: alpha: "},
		{"margin: 0.1", "margin: ten", "claims.yaml:7: claims.0.margin: "},
		{"metric: throughput, a: a, b: b", "metric: throughput, a: a", "claims.yaml:9: claims.0.comparisons.0.a: is compared with nothing"},
		{"metric: throughput, a: a, b: b", "metric: memory, a: a, delay: 5ms", "claims.yaml:9: claims.0.comparisons.0.delay: has a meaning for throughput only"},
		{"metric: throughput, a: a, b: b", "metric: throughput, a: a, delay: soon", "claims.yaml:9: claims.0.comparisons.0.delay: \"soon\": want a duration"},
		{"metric: throughput, a: a, b: b", "metric: speed, a: a, b: b", "claims.yaml:9: claims.0.comparisons.0.metric: "},
		{"a: a, b: c", "a: a, b: a", `claims.yaml:10: claims.0.comparisons.1.b: "a" is compared with itself`},
		{"    section: S\n", "", "claims.yaml:4: claims.0: "},
		{"  - id: faster\n", "  - id: faster\n    section: T\n    paraphrase: P\n    margin: 0.1\n    comparisons: [{group: g, metric: throughput, a: a, b: b}]\n  - id: faster\n", "is listed twice"},
	} {
		broken := strings.Replace(ledgerText, tc.old, tc.new, 1)
		require.NotEqual(t, ledgerText, broken)
		_, err := claims.DecodeLedger("claims.yaml", []byte(broken))
		assert.ErrorContains(t, err, tc.want)
	}
}

func FuzzLedger(f *testing.F) {
	f.Add(ledgerText)
	f.Add(string(fixtures.Claims))
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := claims.DecodeLedger("x", []byte(text)); err == nil {
			claims.Evaluate(l, table(t, &record.Run{}, nil))
		} else {
			yamltest.Clean(t, text, err)
		}
	})
}

// TestACrashIsNoSelection: a server that crashes in half of the blocks is not
// judged by the other half, and the reason says that it crashed.
func TestACrashIsNoSelection(t *testing.T) {
	crash := func(trials []record.Trial, blocks int) {
		for i := range trials {
			if tr := &trials[i]; tr.Arm == "b" && tr.Block < blocks {
				tr.Failure, tr.Windows = "c=64: server ended by itself", tr.Windows[:1]
			}
		}
	}
	fast := map[string]float64{"a": 1000, "b": 500, "c": 300}
	run, trials := rigged(8, 0.01, fast)
	crash(trials, 4)
	v := answer(t, run, trials)
	assert.Equal(t, claims.Supported, v.Verdict)
	assert.Equal(t, claims.NotTestable, v.Conditions[1].Verdict)
	assert.Contains(t, v.Reason, "in 3 of 4 conditions")
	assert.Contains(t, v.Reason, "4 of 8 blocks give no value: b at 64 connections: c=64: server ended by itself")

	run, trials = rigged(8, 0.01, fast)
	crash(trials, 1)
	v = answer(t, run, trials)
	assert.Equal(t, claims.Supported, v.Verdict)
	assert.Equal(t, 7, v.Conditions[1].Blocks)
}

// one is a ledger with one claim on throughput (unless it says otherwise).
func one(t *testing.T, margin, comparison string) *claims.Ledger {
	t.Helper()
	return ledger(t, "schema: 1\nalpha: 0.05\nclaims:\n  - id: it\n    section: S\n    paraphrase: P\n    margin: "+margin+"\n    comparisons:\n      - {group: g, metric: throughput, a: a, "+comparison+"}\n")
}

func judge(t *testing.T, l *claims.Ledger, run *record.Run, trials []record.Trial) claims.Verdict {
	t.Helper()
	vs := claims.Evaluate(l, table(t, run, trials))
	return vs[0]
}

// TestSidesOfAComparison: against a level of its own, a figure, an ideal, and as a speed-up.
func TestSidesOfAComparison(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	for i := range trials { // at 64 connections a does 30% less than at 1
		if w := &trials[i].Windows[1].Load; trials[i].Arm[0] == 'a' {
			w.Completed = w.Completed * 7 / 10
		}
	}
	for _, tc := range []struct {
		name, margin, comparison string
		want                     claims.Value
		effect                   float64
		b, level                 string
	}{
		{"holds 60% of its rate", "0", "baseline: 1, at_least: 0.6, connections: [64]", claims.Supported, 0.7, "a", "c=64 against c=1"},
		{"holds 80% of its rate", "0", "baseline: 1, at_least: 0.8, connections: [64]", claims.Refuted, 0.7, "a", "c=64 against c=1"},
		{"holds 80% in an older ledger", "0", "baseline: 1, factor: 1.25, connections: [64]", claims.Refuted, 0.7, "a", "c=64 against c=1"},
		{"at least 1.8 times", "0.1", "b: b, at_least: 1.8, connections: [1]", claims.Supported, 2, "b", "c=1"},
		{"at least 2.5 times", "0.1", "b: b, at_least: 2.5, connections: [1]", claims.Refuted, 2, "b", "c=1"},
		{"at least what it is", "0.1", "b: b, at_least: 2, connections: [1]", claims.Inconclusive, 2, "b", "c=1"},
		{"1.8 times in an older ledger", "0", "b: b, factor: 0.5556, connections: [1]", claims.Supported, 2, "b", "c=1"},
		{"a figure below", "0.1", "limit: 800, connections: [1]", claims.Supported, 1.25, "the limit of 800", "c=1"},
		{"a figure above", "0.1", "limit: 2000, connections: [1]", claims.Refuted, 0.5, "the limit of 2000", "c=1"},
		{"an ideal", "0.1", "delay: 2ms, connections: [1]", claims.Supported, 2, "connections that only wait 2ms", "c=1"},
		{"a speed-up that is the same", "0.1", "a_over: c, b: b, b_over: c, connections: [1]", claims.Supported, 2, "b", "c=1"},
		{"a margin of its own", "0.1", "b: b, margin: 2, connections: [1]", claims.Refuted, 2, "b", "c=1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := judge(t, one(t, tc.margin, tc.comparison), run, trials)
			assert.Equal(t, tc.want, v.Verdict, v.Reason)
			assert.InEpsilon(t, tc.effect, v.Effect, 0.03)
			require.Len(t, v.Conditions, 1)
			assert.Equal(t, tc.b, v.Conditions[0].B)
			assert.Equal(t, tc.level, v.Conditions[0].Level)
		})
	}
}

func TestCoresForbidAnAnswer(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	run.ServerCPUs = []int{0}
	l := one(t, "0.1", "b: b, cores: 2, connections: [1]")
	v := judge(t, l, run, trials)
	assert.Equal(t, claims.NotTestable, v.Verdict)
	assert.Contains(t, v.Reason, "too few cores: needs 2 server cores; this run had 1")
	run.ServerCPUs = []int{0, 1}
	assert.Equal(t, claims.Supported, judge(t, l, run, trials).Verdict)
}

// TestErrorsCount: for a claim that a server holds a load, its failing is the
// answer and not a reason to have none.
func TestErrorsCount(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	for i := range trials {
		if trials[i].Arm == "a" && trials[i].Block < 6 {
			trials[i].Windows[1].Gates = []record.Gate{{Name: record.GateErrors, Detail: "half of them failed"}}
		}
	}
	v := judge(t, one(t, "0", "baseline: 1, at_least: 0.8, connections: [64]"), run, trials)
	assert.Equal(t, claims.NotTestable, v.Verdict)
	v = judge(t, one(t, "0", "baseline: 1, at_least: 0.8, connections: [64], errors_count: true"), run, trials)
	assert.Equal(t, claims.Refuted, v.Verdict)
	assert.Contains(t, v.Reason, "in none of")
	assert.Contains(t, v.Conditions[0].Reason, "it failed in 6 of 8 blocks: a: half of them failed")
	v = judge(t, one(t, "0", "b: b, connections: [64], errors_count: true"), run, trials[:0])
	assert.Equal(t, claims.NotTestable, v.Verdict, "nothing measured is no failure")
}

func TestFacts(t *testing.T) {
	run, trials := rigged(2, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	for i := range trials {
		trials[i].Runtime = map[string]string{"implementation": "CPython", "threads": map[string]string{"a": "1", "b": "4"}[trials[i].Arm]}
	}
	facts := func(list string) claims.Verdict {
		return judge(t, ledger(t, "schema: 1\nalpha: 0.05\nclaims:\n  - {id: it, section: S, paraphrase: P, facts: ["+list+"]}\n"), run, trials)
	}
	v := facts("{group: g, arm: a, field: threads, is: '1'}")
	assert.Equal(t, claims.Supported, v.Verdict, v.Reason)
	assert.Equal(t, claims.FactCheck, v.Kind)
	v = facts("{group: g, arm: a, field: implementation, is: PyPy}")
	assert.Equal(t, claims.Refuted, v.Verdict)
	assert.Equal(t, "g: implementation of a is CPython", v.Reason)
	v = facts("{group: g, arm: a, field: threads, is: '1'}, {group: h, arm: b, field: threads, is: '1'}")
	assert.Equal(t, claims.Depends, v.Verdict)
	assert.NotEmpty(t, v.Flips)
	v = facts("{group: g, arm: a, field: color, is: red}")
	assert.Equal(t, claims.NotTestable, v.Verdict)
	v = facts("{group: g, arm: nobody, field: threads, is: '1'}")
	assert.Contains(t, v.Reason, "nobody was not part of this run")
	trials = nil
	assert.Equal(t, claims.NotTestable, facts("{group: g, arm: a, field: threads, is: '1'}").Verdict)
}

// TestWhatCannotBeMeasuredIsListed, and takes nothing of the chance of a false verdict.
func TestWhatCannotBeMeasuredIsListed(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 300})
	alone := answer(t, run, trials)
	l := ledger(t, ledgerText+"  - {id: liked, section: S, paraphrase: P, not_measurable: it is a matter of taste}\n")
	vs := claims.Evaluate(l, table(t, run, trials))
	assert.Equal(t, alone, vs[0])
	assert.Equal(t, claims.NotTestable, vs[1].Verdict)
	assert.Equal(t, claims.NotMeasurable, vs[1].Kind)
	assert.Contains(t, vs[1].Reason, "it is a matter of taste")
	require.NoError(t, l.Keep([]string{"liked"}))
	assert.Len(t, l.Claims, 1)
	assert.ErrorContains(t, l.Keep([]string{"nothing"}), `no claim "nothing"`)
}

// TestOnlyCommonLevels: where two arms visit different levels, a comparison
// that names none covers those that both visit.
func TestOnlyCommonLevels(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 300})
	for _, block := range run.Plan {
		for i := range block.Trials {
			if block.Trials[i].Arm == "b" {
				block.Trials[i].Levels = []int{1}
			}
		}
	}
	v := judge(t, one(t, "0.1", "b: b"), run, trials)
	require.Len(t, v.Conditions, 1)
	assert.Equal(t, "c=64", v.Conditions[0].Level)
}

// TestUnreachableLevels: what the machine does not allow has a reason of its own.
func TestUnreachableLevels(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 300})
	run.Unreachable = []record.Unreachable{{Level: record.Level{Connections: 9000}, Reason: "not testable here: it takes 18000 open files"}}
	l := ledger(t, strings.Replace(ledgerText, "a: a, b: b", "a: a, b: b, connections: [64, 9000]", 1))
	vs := claims.Evaluate(l, table(t, run, trials))
	assert.Equal(t, claims.Supported, vs[0].Verdict)
	assert.Contains(t, vs[0].Reason, "it takes 18000 open files")
}

// TestPrecision: narrow conditions end an experiment, wide ones say how many blocks
// it should have, and an experiment without a condition needs no more.
func TestPrecision(t *testing.T) {
	l := ledger(t, ledgerText)
	run, trials := rigged(5, 0.001, map[string]float64{"a": 1000, "b": 500, "c": 300})
	run.Experiments[0].Blocks = record.Range{Min: 5, Max: 10}
	run.Experiments = append(run.Experiments, record.Experiment{Name: "other", Arms: []string{"b"}, Levels: []int{0}, Blocks: record.Range{Min: 2, Max: 10}})
	enough, _ := claims.Precision(l, table(t, run, trials), 0)
	assert.True(t, enough)
	enough, blocks := claims.Precision(l, table(t, run, trials), 1)
	assert.False(t, enough, "with fewer than two blocks nothing is known")
	assert.Equal(t, 1, blocks)

	run, trials = rigged(6, 0.2, map[string]float64{"a": 1000, "b": 500, "c": 300})
	run.Experiments[0].Blocks = record.Range{Min: 5, Max: 30}
	enough, blocks = claims.Precision(l, table(t, run, trials), 0)
	assert.False(t, enough)
	assert.Greater(t, blocks, 30)
}

// TestWhatCannotBeTestedTakesNoShare of the chance to err: the intervals are those of
// the ledger without it.
func TestWhatCannotBeTestedTakesNoShare(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 300})
	want := answer(t, run, trials)
	vs := claims.Evaluate(ledger(t, ledgerText+"  - {id: absent, section: S, paraphrase: P, margin: 0.1, comparisons: [{group: g, metric: throughput, a: a, b: z}]}\n"), table(t, run, trials))
	assert.Equal(t, want, vs[0])
	vs = claims.Evaluate(ledger(t, ledgerText+"  - {id: present, section: S, paraphrase: P, margin: 0.1, comparisons: [{group: g, metric: throughput, a: a, b: b}]}\n"), table(t, run, trials))
	assert.Less(t, vs[0].Conditions[0].Ratio.Low, want.Conditions[0].Ratio.Low, "two claims share it")
}

func table(t *testing.T, run *record.Run, trials []record.Trial) *sample.Table {
	t.Helper()
	table, err := sample.New(run, trials)
	require.NoError(t, err)
	return table
}
