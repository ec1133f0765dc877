package report_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
)

// TestRatios: each arm over the first of its route, pairs of one block; what the
// noise explains is alike, and what failed a gate is nothing.
func TestRatios(t *testing.T) {
	run := newRun("a", "b", "c", "d", "e")
	run.Arms[4].Replicate = "a"
	var trials []record.Trial
	for block := range 6 {
		machine := float64(block + 1) // it becomes faster from block to block, for all
		for arm, speed := range map[string]float64{"a": 1000, "b": 2000, "c": 1000 * (1 + 0.01*float64((block+1)%3)), "d": 500, "e": 1000 * (1 + 0.01*float64(block%3))} {
			trials = append(trials, newTrial(block, arm, uint64(machine*speed*(1+0.001*float64(block%2)))))
		}
	}
	for i := range trials {
		if trials[i].Arm == "d" {
			trials[i].Windows[0].Gates = []record.Gate{{Name: record.GateErrors, Detail: "all failed"}}
		}
	}
	d := build(t, run, trials...)
	require.Len(t, d.Ratios, 2, "neither the replicate nor what failed")
	assert.Equal(t, "b", d.Ratios[0].Arm)
	assert.Equal(t, "a", d.Ratios[0].Over)
	assert.InDelta(t, 2, d.Ratios[0].Ratio.Mid, 0.01)
	assert.Less(t, d.Ratios[0].Ratio.High/d.Ratios[0].Ratio.Low, 1.02, "pairs of one block: what the machine did cancels")
	assert.False(t, d.Ratios[0].Alike)
	assert.InDelta(t, 1, d.Ratios[1].Ratio.Mid, 0.01)
	assert.True(t, d.Ratios[1].Alike, "chance explains it")
	assert.IsType(t, []report.Ratio{}, build(t, newRun("a")).Ratios)
}
