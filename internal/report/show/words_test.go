package show_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/sample"
)

// TestWarningsAreShort: what is too long for them stands in a table, whole.
func TestWarningsAreShort(t *testing.T) {
	d := &report.Document{Quotable: true, Cells: []report.Cell{{}}, Blocks: sample.Blocks{Counted: []int{20}}, Asked: report.Asked{State: record.Complete}}
	assert.Empty(t, show.Warnings(d))
	names := strings.Fields("a b c d e f")
	for _, n := range names {
		d.Missing = append(d.Missing, record.Missing{Arm: n})
	}
	d.Blocks.Partial = []sample.Partial{{Block: 4, Experiment: "servers", Trials: 1, Absent: names}, {Block: 5, Experiment: "servers", Number: 1, Trials: 1, Absent: names[:2]}}
	assert.Equal(t, []string{
		`PARTIAL RUN: 6 arms could not take part (see "Arms that took no part").`,
		`servers, block 1 does not count: it has 1 trial and lacks 6 arms, see "Blocks that do not count".`,
		"servers, block 2 does not count: it has 1 trial and lacks a, b.",
	}, show.Warnings(d))
	assert.Equal(t, "lacks a, b, c, d, e, f", table(t, d, "blocks").Rows[0][2])

	d.Missing = d.Missing[:1]
	for range 2 {
		d.Blocks.Partial = append(d.Blocks.Partial, d.Blocks.Partial...)
	}
	assert.Equal(t, []string{
		"PARTIAL RUN: 1 arm could not take part (a).",
		`8 blocks lack trials, see "Blocks that do not count".`,
	}, show.Warnings(d))
	assert.Len(t, table(t, d, "blocks").Rows, 8)
}

func TestPlace(t *testing.T) {
	percentiles := report.Axis{Unit: report.Percentiles}
	for x, want := range map[float64]string{2: "p50", 10: "p90", 100: "p99", 1000: "p99.9", 10000: "p99.99"} {
		assert.Equal(t, want, show.OnAxis(percentiles, x))
	}
	assert.Equal(t, "4,096", show.OnAxis(report.Axis{}, 4096))
	assert.Equal(t, "0.500", show.OnAxis(report.Axis{}, 0.5))
}
