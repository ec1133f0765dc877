package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
)

// visit adds windows at more levels to a trial, each like its first.
func visit(t record.Trial, levels ...record.Level) record.Trial {
	for _, l := range levels {
		w := t.Windows[0]
		w.Level = l
		t.Windows = append(t.Windows, w)
	}
	return t
}

func find(t *testing.T, d *report.Document, name string) *report.Chart {
	t.Helper()
	for i := range d.Charts {
		if d.Charts[i].Name == name {
			return &d.Charts[i]
		}
	}
	require.Fail(t, "no chart "+name)
	return nil
}

func arms(c *report.Chart) (out []string) {
	for _, s := range c.Series {
		if s.Variant != "p99" {
			out = append(out, s.Label)
		}
	}
	return out
}

// TestCrowdedCharts: arms that visit one level stand in rows with all others,
// and lines that are still too many are dealt out over charts of one scale.
func TestCrowdedCharts(t *testing.T) {
	run := newRun("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")
	run.Levels = append(run.Levels, record.Level{Connections: 256})
	trials := func(long int) (out []record.Trial) {
		for i, a := range run.Arms {
			trial := newTrial(0, a.Name, uint64(100*(i+1)))
			if i < long {
				trial = visit(trial, record.Level{Connections: 256})
			}
			out = append(out, trial)
		}
		return out
	}

	d := build(t, run, trials(3)...)
	assert.Equal(t, []string{"a", "b", "c"}, arms(find(t, d, "throughput")))
	rows := find(t, d, "throughput-at-one-level")
	assert.Equal(t, "dots", rows.Kind)
	assert.Equal(t, "Throughput at 64 connections, closed loop, GET /", rows.Title)
	assert.Equal(t, "l k j i h g f e d c b a", strings.Join(arms(rows), " "), "the best on top")

	d = build(t, run, trials(12)...)
	one, two := find(t, d, "throughput"), find(t, d, "throughput-2")
	assert.Equal(t, []string{"a", "b", "c", "d", "e", "f"}, arms(one))
	assert.Equal(t, []string{"g", "h", "i", "j", "k", "l"}, arms(two))
	assert.Equal(t, "Throughput against connections, closed loop, GET / (2 of 2)", two.Title)
	assert.Equal(t, one.Y, two.Y, "charts that belong together have the same scale")
	assert.InDelta(t, 1200, two.Y.To, 1e-9)
}

// TestAServerLooksAlikeOnEveryRoute, and arms that something else runs beside
// are in no picture or ranking of those that have the machine to themselves.
func TestAServerLooksAlikeOnEveryRoute(t *testing.T) {
	run := newRun("absent", "a", "a:route=/json", "b", "a:beside=/cpu")
	run.Arms[2].Route, run.Arms[4].Beside = "/json", "/cpu"
	var trials []record.Trial
	for _, a := range run.Arms[1:] {
		trials = append(trials, newTrial(0, a.Name, 100))
	}
	d := build(t, run, trials...)
	var looks []string
	for _, a := range d.Arms {
		looks = append(looks, fmt.Sprint(a.Label, " ", a.Style))
	}
	assert.Equal(t, []string{"absent 3", "a 0", "a 0", "b 1", "a:beside=/cpu 2"}, looks)
	assert.Equal(t, []string{"a", "b"}, arms(find(t, d, "throughput-root")))
	assert.Equal(t, []string{"a"}, arms(find(t, d, "throughput-json")))
	assert.Equal(t, []string{"a:beside=/cpu"}, arms(find(t, d, "throughput-root-beside")))
	require.Len(t, d.Rankings, 3)
	assert.Len(t, d.Rankings[0].Places, 2)
	assert.True(t, d.Rankings[2].Beside)
}

func TestPercentileChart(t *testing.T) {
	run := newRun("a", "b")
	open := record.Level{Connections: 64, Rate: 500}
	run.Levels = append(run.Levels, open)
	trial := func(arm string) record.Trial { return visit(newTrial(0, arm, 1000), open) }

	d := build(t, run, trial("a"), trial("b"))
	for _, c := range d.Charts {
		assert.NotContains(t, c.Name, "percentiles", "the medians alone tell no tail")
	}

	tail := func(trial record.Trial, window int) record.Trial {
		l := *trial.Windows[window].Load.Latency
		l.P90, l.P99 = ms(3), ms(9)
		trial.Windows[window].Load.Latency = &l
		return trial
	}
	d = build(t, run, tail(trial("a"), 0), trial("b"))
	c := find(t, d, "percentiles")
	assert.Equal(t, "Latency by percentile at 64 connections, closed loop, GET /", c.Title)
	assert.Equal(t, []string{"a"}, arms(c), "of b the median alone is known")

	d = build(t, run, tail(tail(trial("a"), 0), 1), trial("b"))
	c = find(t, d, "percentiles")
	assert.Equal(t, "Latency by percentile at 500 requests/s, open loop, GET /", c.Title, "the latency that users see")
	require.Len(t, c.Series, 1)
	var at []float64
	for _, p := range c.Series[0].Points {
		at = append(at, p.X)
	}
	assert.Equal(t, []float64{2, 10, 100}, at, "p99.9 is not known")
	assert.InDelta(t, 0.009, c.Series[0].Points[2].Y.Mid, 1e-12)
	assert.InDelta(t, (9 * time.Millisecond).Seconds(), c.Y.To, 1e-12)
}
