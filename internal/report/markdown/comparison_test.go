package markdown_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/markdown"
	"github.com/hellobench/hellobench/internal/stats"
)

// TestComparison: what is news is in the open, what is not is folded, and what
// could not have been seen is said.
func TestComparison(t *testing.T) {
	same := report.Change{Arm: "b", Level: "c=8", Metric: "throughput", Ratio: stats.Interval{Low: 0.98, Mid: 1, High: 1.02}, Visible: 1.117, Outcome: report.Same}
	blind := report.Change{Arm: "b", Level: "c=8", Metric: "p99", Ratio: stats.Interval{Low: 0.28, Mid: 1.06, High: 4.02}, Visible: 4.7, Outcome: report.TooNoisy, Reason: "it is"}
	worse := report.Change{Arm: "b", Level: "c=16", Metric: "throughput", Ratio: stats.Interval{Low: 0.5, Mid: 0.6, High: 0.7}, Visible: 1.2, Outcome: report.Worse}
	failed := report.Change{Arm: "b", Level: "c=16", Metric: report.Works, Outcome: report.Worse, Reason: "it failed in 8 of 8 starts: status 500"}
	write := func(c *report.Comparison) (open, folded string) {
		var b bytes.Buffer
		require.NoError(t, markdown.Comparison(&b, c))
		open, folded, _ = strings.Cut(b.String(), "<details>")
		return open, folded
	}

	open, folded := write(&report.Comparison{Rows: []report.Change{same, blind}})
	assert.Contains(t, open, "**Nothing got worse that could be seen in 1 of 2 figures.** A change of 12% or more in throughput would have been seen in half of these at least, one of 12% in all of them. Too noisy to see even a doubling, so without an answer: 1.")
	assert.NotContains(t, open, "|")
	assert.Contains(t, folded, "<summary>2 figures that are no news</summary>\n\n")
	assert.Contains(t, folded, "| b | c=8 | throughput |")
	assert.True(t, strings.HasSuffix(folded, "\n\n</details>\n"))

	open, _ = write(&report.Comparison{Rows: []report.Change{blind}})
	assert.Contains(t, open, "**No answer: no figure could be compared.**")
	assert.NotContains(t, open, "worse")
	open, _ = write(&report.Comparison{Rows: []report.Change{same}, Invalid: []string{"head"}})
	assert.Contains(t, open, "**No answer: the machine spoiled head.**")

	open, folded = write(&report.Comparison{Rows: []report.Change{failed, worse, same, blind}, Regressions: 2})
	assert.Contains(t, open, "**2 of 4 figures got worse.** A change of 12% or more in throughput would have been seen in half of these at least, one of 20% in all")
	assert.Contains(t, open, "| worse: it failed in 8 of 8 starts: status 500 |")
	assert.Contains(t, open, "| b | c=16 | throughput | 0.600x")
	assert.NotContains(t, folded, "c=16")

	open, folded = write(&report.Comparison{Rows: []report.Change{worse}, Regressions: 1})
	assert.Contains(t, open, "c=16")
	assert.Empty(t, folded)
}
