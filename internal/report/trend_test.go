package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	tr, err := report.NewTrend(docs, "")
	require.NoError(t, err)
	assert.Equal(t, "a", tr.Reference)
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
