package report_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/stats"
)

// lawful is a run in which an arm over connections and a server over workers
// follow laws that are known.
func lawful(overConnections, overWorkers stats.USL) (*record.Run, []record.Trial) {
	run := &record.Run{Seed: 1, State: record.Complete}
	for _, n := range []int{1, 4, 16, 64, 256, 1024} {
		run.Levels = append(run.Levels, record.Level{Connections: n})
	}
	run.Arms = []record.Arm{{Name: "many", Server: "s", Route: "/"}}
	for w := 1; w <= 8; w++ {
		run.Arms = append(run.Arms, record.Arm{Name: "w" + string(rune('0'+w)), Server: "clones", Route: "/", Workers: w})
	}
	run.Experiments = []record.Experiment{{Name: "one", Levels: []int{0, 1, 2, 3, 4, 5}, Blocks: record.Range{Min: 6, Max: 6}, Passes: 1}}
	for _, a := range run.Arms {
		run.Experiments[0].Arms = append(run.Experiments[0].Arms, a.Name)
	}
	var trials []record.Trial
	for b := range 6 {
		var block []record.PlannedTrial
		wobble := 1 + 0.01*float64(b%3-1)
		for _, a := range run.Arms {
			t := record.Trial{Schema: 1, Block: b, Arm: a.Name}
			add := func(l record.Level, x float64) {
				t.Windows = append(t.Windows, record.Window{Level: l, Load: record.Measurement{
					Connections: l.Connections, Duration: time.Hour, Completed: uint64(3600 * x * wobble), Requests: 1, OK: 1,
				}})
			}
			if a.Workers > 0 {
				add(run.Levels[3], overWorkers.At(float64(a.Workers)))
				block = append(block, record.PlannedTrial{Arm: a.Name, Levels: []int{3}})
			} else {
				for _, l := range run.Levels {
					add(l, overConnections.At(float64(l.Connections)))
				}
				block = append(block, record.PlannedTrial{Arm: a.Name, Levels: []int{0, 1, 2, 3, 4, 5}})
			}
			trials = append(trials, t)
		}
		run.Plan = append(run.Plan, record.Block{Number: b, Trials: block})
	}
	return run, trials
}

func TestFitsFindTheLaws(t *testing.T) {
	connections := stats.USL{Lambda: 1000, Sigma: 0.05, Kappa: 1e-5}
	workers := stats.USL{Lambda: 500, Sigma: 0.1, Kappa: 0}
	run, trials := lawful(connections, workers)
	doc := report.Build(table(t, run, trials), nil)
	require.Len(t, doc.Fits, 2)
	byOver := map[string]report.Fit{}
	for _, f := range doc.Fits {
		byOver[f.Over] = f
	}
	c, w := byOver["connections"], byOver["workers"]
	assert.Equal(t, "many", c.Arm)
	assert.InEpsilon(t, connections.Sigma, c.Law.USL.Sigma, 0.02)
	assert.InEpsilon(t, connections.Kappa, c.Law.USL.Kappa, 0.02)
	require.True(t, c.Law.HasPeak)
	assert.InEpsilon(t, connections.Peak(), c.Law.USL.Peak(), 0.02)
	assert.Equal(t, "clones / at c=64", w.Arm)
	assert.Len(t, w.Levels, 8)
	assert.InEpsilon(t, workers.Sigma, w.Law.USL.Sigma, 0.05)
	assert.False(t, w.Law.HasPeak)
	assert.False(t, math.IsNaN(w.Law.Misfit))

	again := report.Build(table(t, run, trials), nil)
	assert.Equal(t, doc.Fits, again.Fits, "a report is the same whenever it is made")

	for i := range trials { // a level that a gate spoiled is none, and five levels are too few
		if trials[i].Arm == "many" {
			trials[i].Windows[2].Gates = []record.Gate{{Name: record.GateErrors}}
		}
	}
	doc = report.Build(table(t, run, trials), nil)
	require.Len(t, doc.Fits, 1)
	assert.Equal(t, "workers", doc.Fits[0].Over)
}
