package plot

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

func TestLooksDiffer(t *testing.T) {
	seen := map[string]int{}
	for style := range 35 {
		l := lookOf(style)
		key := fmt.Sprint(l.color, "dash", l.dashes)
		before, again := seen[key]
		assert.False(t, again, "the line of style %d looks like that of %d", style, before)
		seen[key] = style
	}
	for style := range 49 {
		l := lookOf(style)
		key := fmt.Sprint(l.color, l.shape)
		before, again := seen[key]
		assert.False(t, again, "style %d looks like %d", style, before)
		seen[key] = style
	}
	assert.NotPanics(t, func() { lookOf(-1) })
}

func TestTicks(t *testing.T) {
	ticks, top := linearTicks(41000)
	assert.InDelta(t, 50000, top, 1e-9)
	assert.Equal(t, "10,000", ticks[1].Label)
	for _, highest := range []float64{1e-9, 0.07, 1, 9.99, 123456, 1e12, 0} {
		ticks, top := linearTicks(highest)
		assert.GreaterOrEqual(t, top, highest)
		assert.LessOrEqual(t, len(ticks), 8, "%v", highest)
		assert.GreaterOrEqual(t, len(ticks), 4, "%v", highest)
	}
	low, high := logRange(0.11, 740)
	assert.Equal(t, []float64{0.1, 1000}, []float64{low, high})
	var labels []string
	for _, tick := range logTicks(0.1, 1) {
		if tick.Label != "" {
			labels = append(labels, tick.Label)
		}
	}
	assert.Equal(t, []string{"0.1", "0.2", "0.5", "1"}, labels)
	labels = nil
	for _, tick := range levelTicks([]float64{1, 1000, 1024, 4096}, 1, 4096, 0.06, func(v float64) string { return show.OnAxis(report.Axis{}, v) }) {
		labels = append(labels, tick.Label)
	}
	assert.Equal(t, []string{"1", "1,000", "", "4,096"}, labels, "a label that would touch its neighbor is left out")
}
