package show_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
)

// TestRatioColumnsAreInOrder of their load, though the first arm visits fewer levels.
func TestRatioColumnsAreInOrder(t *testing.T) {
	d := &report.Document{}
	for _, name := range []string{"a", "b", "c"} {
		d.Arms = append(d.Arms, report.Arm{Arm: record.Arm{Name: name, Route: "/"}, Role: report.Competitor})
	}
	for _, name := range []string{"c=1", "c=4", "c=16", "c=64", "c=256", "c=1024"} {
		d.Levels = append(d.Levels, report.Level{Name: name})
	}
	for arm, levels := range map[string][]string{"b": {"c=1", "c=16", "c=64", "c=256"}, "c": {"c=1", "c=4", "c=1024"}} {
		for _, l := range levels {
			d.Ratios = append(d.Ratios, report.Ratio{Arm: arm, Over: "a", Level: l, Ratio: report.Estimate{Mid: 2, Low: 1.9, High: 2.1}})
		}
	}
	assert.Equal(t, []string{"Arm", "c=1", "c=4", "c=16", "c=64", "c=256", "c=1024"}, table(t, d, "ratios-0").Head)
}
