package claims_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// conditionText is a ledger with one comparison, in line 8.
const conditionText = `schema: 1
alpha: 0.05
claims:
  - id: it
    section: S
    paraphrase: P
    margin: 0.1
    comparisons: [{group: g, COMPARISON}]
`

// TestConditionsThatMeanNothing are refused, each with one line that says where and what to do.
func TestConditionsThatMeanNothing(t *testing.T) {
	const at = "claims.yaml:8: claims.0.comparisons.0"
	for comparison, want := range map[string]string{
		"metric: throughput, a: a, a_over: c, b: b, connections: [64]":                   ".a_over: a is a ratio",
		"metric: throughput, a: a, b: b, b_over: c, connections: [64]":                   ".b_over: b is a ratio",
		"metric: throughput, a: a, a_over: c, limit: 2, connections: [64]":               ".a_over: a is a ratio",
		"metric: throughput, a: a, a_over: c, delay: 5ms, connections: [64]":             ".a_over: a is a ratio",
		"metric: throughput, a: a, a_over: c, b_over: c, limit: 2, connections: [64]":    ".b_over: there is no b",
		"metric: throughput, a: a, a_over: a, b: b, b_over: c, connections: [64]":        `.a_over: "a" is divided by itself`,
		"metric: throughput, a: a, a_over: c, b: b, b_over: b, connections: [64]":        `.b_over: "b" is divided by itself`,
		"metric: throughput, a: a, b: a, connections: [64]":                              `.b: "a" is compared with itself`,
		"metric: throughput, a: a, connections: [64]":                                    ".a: is compared with nothing",
		"metric: throughput, a: a, b: b, limit: 5, connections: [64]":                    ".a: is compared with several things",
		"metric: throughput, a: a, baseline: 64, connections: [64]":                      `.baseline: "a" at 64 connections is compared with itself`,
		"metric: throughput, a: a, baseline: 64":                                         ".baseline: is a level of a closed loop",
		"metric: throughput, a: a, baseline: 64, rates: [500]":                           ".baseline: is a level of a closed loop",
		"metric: throughput, a: a, delay: 5ms, rates: [500]":                             ".delay: is how long each request",
		"metric: throughput, a: a, b: b, shares: [0.5]":                                  ".shares: throughput is not compared there; give connections or rates",
		"metric: throughput, a: a, b: b, slo: true":                                      ".slo: throughput is not compared there",
		"metric: throughput, a: a, b: b, connections: [64], rates: [5]":                  ".rates: a comparison is made at one kind of level",
		"metric: throughput, a: a, b: b, connections: [64, 64]":                          ".connections: 64 is named twice",
		"metric: throughput, a: a, b: b, connections: [64], idle: 5":                     ".idle: idle connections are held open during an open loop",
		"metric: capacity, a: a, b: b, connections: [64]":                                ".connections: capacity is not compared there; give slo",
		"metric: capacity, a: a, b: b":                                                   ".metric: capacity takes slo",
		"metric: start-up, a: a, b: b, connections: [64]":                                ".connections: start-up is one figure a start",
		"metric: memory-idle, a: a, b: b, rates: [5]":                                    ".rates: memory-idle is one figure a start",
		"metric: start-up, a: a, b: b, errors_count: true":                               ".errors_count: start-up is taken before any load",
		"metric: start-up, a: a, baseline: 1":                                            ".baseline: is a level of a closed loop",
		"metric: latency-p50, a: a, b: b, connections: [1, 64]":                          ".metric: the latency of a closed loop hides what waits",
		"metric: latency-p99, a: a, b: b, connections: [64]":                             ".metric: the latency of a closed loop hides what waits",
		"metric: latency-p99, a: a, b: b, baseline: 64, connections: [1024]":             ".metric: the latency of a closed loop hides what waits",
		"metric: latency-p90, a: a, b: b":                                                ".metric: the latency of a closed loop hides what waits",
		"metric: latency-p99, a: a, limit: 0.05, connections: [64]":                      ".metric: the latency of a closed loop hides what waits",
		"metric: latency-p50, a: a, b: b, slo: true":                                     ".slo: latency-p50 is not compared there",
		"metric: first-byte-p50, a: a, delay: 5ms, connections: [1]":                     ".delay: has a meaning for throughput only",
		"metric: throughput, a: a, b: b, connections: [64], at_least: 0":                 ".at_least: ",
		"metric: throughput, a: a, b: b, connections: [64], at_least: -2":                ".at_least: ",
		"metric: throughput, a: a, b: b, connections: [64], at_least: 2, factor: 0.5":    ".factor: at_least says already",
		"metric: throughput, a: a, b: b, connections: [64], at_least: 2, margin: 0.5":    ".margin: at_least takes the place",
		"metric: throughput, a: a, b: b, connections: [64], margin: -0.5":                ".margin: ",
		"metric: throughput, a: a, b: b, connections: [64], margin: 11":                  ".margin: ",
		"metric: throughput, a: a, b: b, connections: []":                                ".connections: ",
		"metric: latency-p99, a: a, b: b, rates: [500], shares: [0.5], connections: [1]": ".rates: a comparison is made at one kind of level",
	} {
		_, err := claims.DecodeLedger("claims.yaml", []byte(strings.Replace(conditionText, "COMPARISON", comparison, 1)))
		require.ErrorContains(t, err, at+want, comparison)
		assert.Len(t, strings.Split(err.Error(), "\n"), 1, "one line: %v", err)
	}
	_, err := claims.DecodeLedger("claims.yaml", []byte(strings.Replace(strings.Replace(conditionText, "COMPARISON", "metric: throughput, a: a, b: b", 1), "    margin: 0.1\n", "", 1)))
	require.ErrorContains(t, err, "claims.yaml:7: claims.0.comparisons.0: says not by how much")
	_, err = claims.DecodeLedger("claims.yaml", []byte(strings.Replace(conditionText, "    comparisons: [{group: g, COMPARISON}]\n", "", 1)))
	require.EqualError(t, err, "claims.yaml:4: claims.0: needs one of comparisons, facts and not_measurable")
}

// TestClaimsThatMeanNothing: checked by two ways at once, or a margin for what has none.
func TestClaimsThatMeanNothing(t *testing.T) {
	_, err := claims.DecodeLedger("claims.yaml", []byte(strings.Replace(conditionText, "comparisons: [{group: g, COMPARISON}]", "facts: [{group: g, arm: a, field: jit, is: 'true'}]", 1)))
	require.EqualError(t, err, "claims.yaml:7: claims.0.margin: has a meaning for comparisons only")
	_, err = claims.DecodeLedger("claims.yaml", []byte(strings.Replace(conditionText, "COMPARISON}]", "metric: throughput, a: a, b: b}]\n    not_measurable: taste", 1)))
	require.EqualError(t, err, "claims.yaml:4: claims.0: has comparisons and not_measurable; give only one of them")
}

// TestBrokenChains: steps that do not follow from one another, or that no product can be made of.
func TestBrokenChains(t *testing.T) {
	const step = "metric: throughput, a: a, b: b, connections: [64]"
	for second, want := range map[string]string{
		"": "0: a chain has at least two steps",
		"metric: throughput, a: c, b: d, connections: [64]":                       `1: a step of a chain begins where the one before ends: want a: "b"`,
		"metric: throughput, a: b, b: c, connections: [16]":                       "1: the steps of a chain have one metric and one level",
		"metric: throughput, a: b, b: c, connections: [16, 64]":                   "1: the steps of a chain have one metric and one level",
		"metric: cpu-per-request, a: b, b: c, connections: [64]":                  "1: the steps of a chain have one metric and one level",
		"metric: throughput, a: b, baseline: 1, connections: [64]":                "1: a step of a chain is from one arm to another",
		"metric: throughput, a: b, limit: 500, connections: [64]":                 "1: a step of a chain is from one arm to another",
		"metric: throughput, a: b, a_over: x, b: c, b_over: y, connections: [64]": "1: a step of a chain is from one arm to another",
	} {
		comparisons := "{group: g, " + step + "}"
		if second != "" {
			comparisons += ", {group: h, " + second + "}"
		}
		text := strings.Replace(conditionText, "comparisons: [{group: g, COMPARISON}]", "chain: true\n    comparisons: ["+comparisons+"]", 1)
		_, err := claims.DecodeLedger("claims.yaml", []byte(text))
		require.ErrorContains(t, err, "claims.yaml:9: claims.0.comparisons."+want, second)
	}
}

func TestConditionsThatMeanSomething(t *testing.T) {
	for _, comparison := range []string{
		"metric: throughput, a: a, b: b", "metric: throughput, a: a, b: b, rates: [5000]", "metric: start-up, a: a, b: b", "metric: capacity, a: a, b: b, slo: true",
		"metric: latency-p99, a: a, b: b, shares: [0.5]", "metric: latency-p99, a: a, limit: 0.05, rates: [2500], idle: 100", "metric: latency-p99, a: a, b: b, connections: [1]",
		"metric: latency-p99, a: a, baseline: 64, at_least: 0.05, connections: [1024]", "metric: throughput, a: a, a_over: c, b: b, b_over: d, connections: [64]",
		"metric: throughput, a: a, delay: 50ms, at_least: 0.8", "metric: memory-idle, a: a, limit: 100000000", "metric: throughput, a: a, b: b, at_least: 2",
	} {
		_, err := claims.DecodeLedger("claims.yaml", []byte(strings.Replace(conditionText, "COMPARISON", comparison, 1)))
		assert.NoError(t, err, comparison)
	}
	text := strings.Replace(strings.Replace(conditionText, "COMPARISON", "metric: throughput, a: a, b: b, at_least: 2", 1), "    margin: 0.1\n", "", 1)
	_, err := claims.DecodeLedger("claims.yaml", []byte(text))
	require.NoError(t, err, "at_least needs no margin")
}

// TestStoredLedgersStayReadable: what a run was judged by is not refused afterwards.
func TestStoredLedgersStayReadable(t *testing.T) {
	text := []byte(strings.Replace(conditionText, "COMPARISON", "metric: latency-p99, a: a, b: b, connections: [64], factor: 0.5", 1))
	_, err := claims.DecodeLedger("claims.yaml", text)
	require.Error(t, err)
	_, err = claims.StoredLedger("run.json", text)
	require.NoError(t, err)
}

// TestAtLeastIsTheRatio: what is printed is the ratio of the measurements, and
// the whole interval has to lie above what the claim asks for.
func TestAtLeastIsTheRatio(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1070, "b": 100, "c": 300})
	for comparison, want := range map[string]claims.Value{"at_least: 2": claims.Supported, "factor: 0.5": claims.Supported, "at_least: 20": claims.Refuted, "at_least: 10.7": claims.Inconclusive} {
		v := judge(t, one(t, "0", "b: b, connections: [1], "+comparison), run, trials)
		assert.Equal(t, want, v.Verdict, comparison)
		assert.Regexp(t, `10\.[67]|10\.8`, v.Flips, comparison)
		assert.InEpsilon(t, 10.7, v.Effect, 0.02, comparison)
		assert.InEpsilon(t, 10.7, v.Conditions[0].Ratio.Mid, 0.02, comparison)
	}
	v := judge(t, one(t, "0", "b: b, connections: [1], at_least: 2"), run, trials)
	assert.Contains(t, v.Reason, "beyond the 2x that the claim asks for")
	assert.InEpsilon(t, 2, v.Conditions[0].AtLeast, 1e-9)
	v = judge(t, one(t, "0.1", "b: b, connections: [1]"), run, trials)
	assert.Contains(t, v.Reason, "beyond the margin of 10%")
	assert.InEpsilon(t, 1.1, v.Conditions[0].AtLeast, 1e-9)

	// A margin of 100% and at_least: 2 are the same.
	byMargin := judge(t, one(t, "1", "b: b, connections: [1]"), run, trials)
	byRatio := judge(t, one(t, "1", "b: b, connections: [1], at_least: 2"), run, trials)
	assert.Equal(t, byMargin.Verdict, byRatio.Verdict)
	assert.InEpsilon(t, byMargin.Conditions[0].AtLeast, byRatio.Conditions[0].AtLeast, 1e-9)

	l := one(t, "0.1", "b: b, connections: [1], at_least: 20")
	l.SetMargin(0)
	assert.Equal(t, claims.Refuted, judge(t, l, run, trials).Verdict, "another margin does not change what at_least asks for")
}

// TestWhichCause: "not testable here" says which of four it is, for programs and for people.
func TestWhichCause(t *testing.T) {
	for _, tc := range []struct {
		cause      sample.Cause
		comparison string
		change     func(run *record.Run, trials []record.Trial)
		words      string
	}{
		{sample.NoCores, "b: b, cores: 4", nil, "too few cores: needs 4 server cores; this run had 2"},
		{sample.NoCores, "b: b", func(run *record.Run, _ []record.Trial) {
			run.Arms[2].Workers, run.Missing = 4, []record.Missing{{Arm: "b", Reason: "not testable here: 4 workers on 2 core(s)"}}
		}, "too few cores: 4 workers on 2 core(s)"},
		{sample.NoArm, "b: b", func(run *record.Run, _ []record.Trial) {
			run.Missing = []record.Missing{{Arm: "b", Reason: "python3 is not installed"}}
		}, "an arm did not run: b: python3 is not installed"},
		{sample.NoArm, "b: z", nil, "an arm did not run: z was not part of this run"},
		{sample.Gated, "b: b", func(_ *record.Run, trials []record.Trial) {
			for i := range trials {
				for j := range trials[i].Windows {
					trials[i].Windows[j].Gates = []record.Gate{{Name: record.GateHostNoise, Detail: "others used 40%"}}
				}
			}
		}, "a validity gate failed: 8 of 8 blocks give no value: a: others used 40%"},
		{sample.NoSample, "b: b, connections: [9]", nil, "no sample: 0 complete blocks have both sides at 9 connections; at least 2 are needed"},
		{sample.NoSample, "b: b, connections: [9]", func(run *record.Run, _ []record.Trial) {
			run.Unreachable = []record.Unreachable{{Level: record.Level{Connections: 9}, Reason: "not testable here: c=9 takes 18 open files"}}
		}, "no sample: c=9 takes 18 open files"},
	} {
		run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
		run.ServerCPUs = []int{0, 1}
		if tc.change != nil {
			tc.change(run, trials)
		}
		v := judge(t, one(t, "0.1", tc.comparison), run, trials)
		assert.Equal(t, claims.NotTestable, v.Verdict, tc.words)
		assert.Equal(t, tc.cause, v.Cause, tc.words)
		assert.Equal(t, tc.cause, v.Conditions[0].Cause, tc.words)
		assert.Contains(t, v.Reason, tc.words)
	}
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	assert.Empty(t, judge(t, one(t, "0.1", "b: b"), run, trials).Cause, "an answer has no such cause")
}

// TestConditionsAreInOrder of their load, whatever order the ledger or the profile has.
func TestConditionsAreInOrder(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	run.Levels[0], run.Levels[1] = run.Levels[1], run.Levels[0]
	for _, comparison := range []string{"b: b, connections: [64, 1]", "b: b"} {
		v := judge(t, one(t, "0.1", comparison), run, trials)
		require.Len(t, v.Conditions, 2)
		assert.Equal(t, []string{"c=1", "c=64"}, []string{v.Conditions[0].Level, v.Conditions[1].Level}, comparison)
	}
}

// TestNothingComparedIsNoAnswer: arms that share no level are neither equal nor apart.
func TestNothingComparedIsNoAnswer(t *testing.T) {
	run, trials := rigged(8, 0.01, map[string]float64{"a": 1000, "b": 500, "c": 250})
	for _, block := range run.Plan {
		for i := range block.Trials {
			block.Trials[i].Levels = []int{i / 2} // a at the first, b at the second
		}
	}
	v := judge(t, one(t, "0.1", "b: b"), run, trials)
	assert.Equal(t, claims.NotTestable, v.Verdict)
	assert.Equal(t, sample.NoSample, v.Cause)
	assert.Contains(t, v.Reason, "no closed loop of both a and b")
}

func TestArmsOfALedger(t *testing.T) {
	l := ledger(t, ledgerText+"  - {id: fact, section: S, paraphrase: P, facts: [{group: g, arm: a, field: threads, is: '1'}]}\n  - {id: liked, section: S, paraphrase: P, not_measurable: taste}\n")
	err := l.CheckArms(func(arm string) error {
		if arm == "a" {
			return nil
		}
		return errors.New(arm + " is unknown")
	})
	require.EqualError(t, err, "claims.yaml:9: claims.0.comparisons.0.b: b is unknown\nclaims.yaml:10: claims.0.comparisons.1.b: c is unknown")

	assert.Empty(t, l.Within([]record.Arm{{Name: "a"}, {Name: "b"}, {Name: "c"}}))
	assert.Equal(t, []string{"faster", "fact", "liked"}, l.IDs(), "every arm is there")
	assert.Equal(t, []claims.LeftOut{{ID: "faster", Arm: "c"}, {ID: "liked"}}, l.Within([]record.Arm{{Name: "a"}, {Name: "b"}}))
	assert.Equal(t, []string{"fact"}, l.IDs())
	l.Within(nil)
	assert.Equal(t, []string{}, l.IDs(), "which is not nil: it asks for none")
	require.NoError(t, l.Keep(l.IDs()))
}
