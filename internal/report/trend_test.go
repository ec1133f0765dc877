package report_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
)

// season is a run a day, each on a machine of another speed.
func season(t *testing.T, days int, b func(day int) float64) (docs []*report.Document) {
	t.Helper()
	for day := range days {
		d := sitting(t, uint64(day+1), 1+0.5*float64(day%3), 0.02, map[string]float64{"a": 1000, "b": b(day)})
		d.Asked.ID, d.Asked.Start = time.Unix(0, 0).AddDate(0, 0, day).Format("0102"), time.Unix(0, 0).AddDate(0, 0, day)
		docs = append(docs, d)
	}
	return docs
}

func changes(tr *report.Trend, arm string) []report.TrendChange {
	for _, s := range tr.Series {
		if s.Arm == arm {
			return s.Changes
		}
	}
	return nil
}

func TestTrendFindsAChangeAndNoOther(t *testing.T) {
	docs := season(t, 24, func(day int) float64 {
		if day < 14 {
			return 500
		}
		return 400
	})
	docs[0], docs[5] = docs[5], docs[0] // the order is that of time, not of the arguments
	docs = append(docs, docs[23])       // as results/* has results/latest
	tr, err := report.NewTrend(docs, "")
	require.NoError(t, err)
	assert.Equal(t, "a", tr.Reference)
	assert.Len(t, tr.Runs, 24)
	require.Len(t, tr.Series, 2)
	assert.True(t, tr.Series[0].Noise)
	assert.Empty(t, changes(tr, "a~again"), "machines of different speed are no change")
	found := changes(tr, "b")
	require.Len(t, found, 1)
	assert.Equal(t, 14, found[0].Run)
	assert.InEpsilon(t, 0.5, found[0].Before, 0.02)
	assert.InEpsilon(t, 0.4, found[0].After, 0.02)
}

func TestTrendOutlierAndMethod(t *testing.T) {
	docs := season(t, 20, func(day int) float64 {
		switch {
		case day == 9:
			return 250 // once
		case day < 5:
			return 300 // by another method
		}
		return 500
	})
	for _, d := range docs[:5] {
		d.Asked.Method = "0-old"
	}
	tr, err := report.NewTrend(docs, "a")
	require.NoError(t, err)
	assert.Equal(t, 5, tr.Since)
	assert.Empty(t, changes(tr, "b"), "a change of method is no change of speed, and one day is none either")
	_, err = report.NewTrend(docs[:1], "")
	assert.ErrorContains(t, err, "at least 2 runs")
	_, err = report.NewTrend(docs, "z")
	assert.ErrorContains(t, err, `no arm "z"`)
}

// TestTrendMachines: a ratio that moved with the machine is no news, whatever it is
// of the machine that changed.
func TestTrendMachines(t *testing.T) {
	one := record.Environment{CPU: "A", CPUID: "1", Cores: 2}
	for name, other := range map[string]record.Environment{
		"processor":       {CPU: "B", Cores: 2},
		"number of cores": {CPU: "A", CPUID: "1", Cores: 4},
		"kind":            {CPU: "A", CPUID: "1", Cores: 2, Virtual: true},
	} {
		docs := season(t, 24, func(day int) float64 {
			switch {
			case day < 6:
				return 500
			case day < 12:
				return 600 // by a change of the code, on the first machine
			default:
				return 400 // by the machine
			}
		})
		for i, d := range docs {
			if d.Environment = one; i >= 12 {
				d.Environment = other
			}
		}
		tr, err := report.NewTrend(docs, "a")
		require.NoError(t, err)
		assert.Equal(t, 12, tr.Since)
		require.Len(t, tr.Stretches, 2)
		assert.Empty(t, tr.Stretches[0].Changed)
		require.Len(t, tr.Stretches[1].Changed, 1)
		assert.Equal(t, name, tr.Stretches[1].Changed[0].What)
		found := changes(tr, "b")
		require.Len(t, found, 1, "within the first stretch, and none between the two")
		assert.Equal(t, 6, found[0].Run)
		assert.Len(t, tr.PointsOf(&tr.Series[1], 0), 12)
	}
	docs := season(t, 20, func(day int) float64 { return 500 - 100*float64(day/10) })
	for i, d := range docs {
		d.Environment.Kernel = strconv.Itoa(i)
	}
	tr, err := report.NewTrend(docs, "a")
	require.NoError(t, err)
	assert.Len(t, tr.Stretches, 1)
	assert.Len(t, changes(tr, "b"), 1, "a kernel does not begin a new stretch")
	for _, d := range docs[10:] {
		d.Asked.WindowS = 9
	}
	tr, err = report.NewTrend(docs, "a")
	require.NoError(t, err)
	assert.Equal(t, 10, tr.Since)
	assert.Empty(t, changes(tr, "b"), "other windows are another way of measuring")
}
