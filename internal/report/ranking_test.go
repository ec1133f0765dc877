package report_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/sample"
)

// places writes a ranking as "1-1 a, 2-3 b".
func places(r *report.Ranking) (out []string) {
	for _, p := range r.Places {
		out = append(out, fmt.Sprintf("%d-%d %s", p.First, p.Last, p.Arm))
	}
	return out
}

// openTrial has one window at 500 requests/s with this median.
func openTrial(block int, arm string, p50 float64) record.Trial {
	t := newTrial(block, arm, 500)
	w := &t.Windows[0]
	w.Level, w.Load.Connections, w.Load.Offered, w.Load.Scheduled, w.Load.Sent, w.Load.Latency.P50 = record.Level{Rate: 500}, 64, 500, 500, 500, ms(p50)
	return t
}

// TestRankingAndVerdictAgree: blocks that differ a hundredfold hide no ratio that
// is the same in each of them, neither from a verdict nor from a ranking.
func TestRankingAndVerdictAgree(t *testing.T) {
	run := newRun("a", "b", "a~again")
	run.Arms[2].Server, run.Arms[2].Replicate = "a", "a"
	run.Levels = []record.Level{{Rate: 500}}
	var trials []record.Trial
	for b := range 8 {
		drift := float64(1+b*b*2) * (1 + 0.01*float64(b%3))
		trials = append(trials, openTrial(b, "a", drift), openTrial(b, "b", 3*drift*(1+0.02*float64(b%2))), openTrial(b, "a~again", drift*(1+0.01*float64(b%2))))
	}
	ledger, err := claims.DecodeLedger("x", []byte("schema: 1\nalpha: 0.05\nclaims: [{id: x, section: S, paraphrase: P, margin: 0.1, comparisons: [{group: g, metric: latency-p50, a: a, b: b, rates: [500]}]}]\n"))
	require.NoError(t, err)
	verdicts := claims.Evaluate(ledger, table(t, run, trials))
	require.Equal(t, claims.Supported, verdicts[0].Verdict, verdicts[0].Reason)
	d := build(t, run, trials...)
	require.Len(t, d.Rankings, 1)
	assert.Equal(t, "p50", d.Rankings[0].Metric)
	assert.Equal(t, []string{"1-1 a", "2-2 b"}, places(&d.Rankings[0]))
	a, b := d.Cell("a", "r=500/s").Of(sample.P50), d.Cell("b", "r=500/s").Of(sample.P50)
	assert.Greater(t, a.High, b.Low, "their own intervals overlap")

	// Arms whose own intervals do not overlap are apart only if the pairs say so too.
	for i := range trials {
		if trials[i].Arm == "a~again" && trials[i].Block%2 == 0 {
			trials[i].Windows[0].Load.Latency.P50 = ms(1000 * float64(1+trials[i].Block))
		}
	}
	assert.Equal(t, []string{"1-2 a", "1-2 b"}, places(&build(t, run, trials...).Rankings[0]), "the noise is larger than their ratio")
}

// TestAClosedLoopRanksByThroughputOnly: its median latency says how many wait,
// and is short too where a server starves most of its connections.
func TestAClosedLoopRanksByThroughputOnly(t *testing.T) {
	run := newRun("a", "starving")
	run.Levels = []record.Level{closed64, {Rate: 500}, {Share: 0.5}, {SLO: true}}
	var trials []record.Trial
	for b := range 6 {
		for _, arm := range []string{"a", "starving"} {
			one, open := newTrial(b, arm, 1000+uint64(b)), openTrial(b, arm, 5)
			one.Windows = append(one.Windows, open.Windows[0])
			for _, l := range []record.Level{{Share: 0.5}, {SLO: true}} {
				w := open.Windows[0]
				w.Level, w.Probes = l, []record.Probe{{Rate: 500, Trials: 1, Passed: true}}
				one.Windows = append(one.Windows, w)
			}
			if arm == "starving" {
				one.Windows[0].Load.Latency.P50 = ms(0.1)
			}
			trials = append(trials, one)
		}
	}
	got := map[string]string{}
	d := build(t, run, trials...)
	for i := range d.Rankings {
		got[d.Rankings[i].Level] = d.Rankings[i].Metric
	}
	assert.Equal(t, map[string]string{"c=64": "throughput", "r=500/s": "p50", "50% of capacity": "p50", "largest rate under the SLO": "throughput"}, got)
	assert.Equal(t, []string{"1-2 a", "1-2 starving"}, places(&d.Rankings[0]))
}

// TestSpoiledFiguresHaveNoPlace: neither above nor below another.
func TestSpoiledFiguresHaveNoPlace(t *testing.T) {
	var trials []record.Trial
	for b := range 6 {
		fast := newTrial(b, "fast", 9000+uint64(b))
		fast.Windows[0].Gates = []record.Gate{{Name: record.GateErrors, Detail: "half failed"}}
		once := newTrial(b, "once", 2000+uint64(b))
		if b == 0 {
			once.Windows[0].Gates = []record.Gate{{Name: record.GateHostNoise, Detail: "noise"}}
		}
		trials = append(trials, fast, once, newTrial(b, "sound", 1000+uint64(b)))
	}
	d := build(t, newRun("fast", "once", "sound"), trials...)
	r := &d.Rankings[0]
	assert.Equal(t, []string{"fast"}, r.Unranked)
	assert.Equal(t, []string{"1-1 once", "2-2 sound"}, places(r), "one spoiled block of six leaves the comparison")
	assert.True(t, r.Places[0].Gated)
}

// TestSharesAreInOrder whatever order a profile's experiments name them in.
func TestSharesAreInOrder(t *testing.T) {
	run := newRun("a")
	run.Levels = []record.Level{{SLO: true}, {Share: 0.8}, {Share: 0.5}, {Connections: 1024}, {Connections: 4}, closed64}
	var names []string
	for _, l := range build(t, run).Levels {
		names = append(names, l.Name)
	}
	assert.Equal(t, []string{"c=4", "c=64", "c=1024", "50% of capacity", "80% of capacity", "largest rate under the SLO"}, names)
}
