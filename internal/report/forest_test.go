package report_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/synthetic"
	"github.com/hellobench/hellobench/internal/stats"
)

// TestForest: every claim that has a ratio is a row, by answer, with what it asks for.
func TestForest(t *testing.T) {
	run, trials, _ := synthetic.Run(4, false)
	half := stats.Interval{Low: 0.4, Mid: 0.5, High: 0.6}
	d, err := synthetic.Document(run, trials, []claims.Verdict{
		{ID: "open", Verdict: claims.Inconclusive, Effect: 1, Low: 0.8, High: 1.3},
		{ID: "slower", Verdict: claims.Refuted, Effect: half.Mid, Low: half.Low, High: half.High, Conditions: []claims.Condition{
			{Ratio: stats.Interval{Low: 2, Mid: 3, High: 4}, AtLeast: 9}, {Ratio: half, AtLeast: 1.1, Blocks: 7},
		}},
		{ID: "a fact", Verdict: claims.Supported},
		{ID: "untested", Verdict: claims.NotTestable, Effect: 2, Low: 1, High: 3},
	})
	require.NoError(t, err)
	c := d.Charts[0]
	require.Equal(t, report.OfAnswers, c.Quantity)
	require.Len(t, c.Series, 2)
	assert.Equal(t, "slower: refuted", c.Series[0].Label)
	assert.Equal(t, 1.1, c.Series[0].Points[0].Asks)
	assert.Equal(t, 7, c.Series[0].Points[0].Y.Blocks)
	assert.Equal(t, "open: inconclusive", c.Series[1].Label)
	assert.NotEqual(t, c.Series[0].Style, c.Series[1].Style)
	d, err = synthetic.Document(run, trials, nil)
	require.NoError(t, err)
	assert.NotEqual(t, report.OfAnswers, d.Charts[0].Quantity, "without an answer there is no such chart")
}
