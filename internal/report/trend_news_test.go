package report_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
)

// weeks are fifteen weekly runs; the noise of a start, and of the machine from
// week to week, is 5%, and b's speed in each is given.
func weeks(t *testing.T, seed uint64, b func(week int) float64) (docs []*report.Document) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	for week := range 15 {
		d := sitting(t, rng.Uint64(), 1+0.2*rng.Float64(), 0.05, map[string]float64{"a": 1000, "b": b(week+1) * 500})
		d.Asked.ID, d.Asked.Start = fmt.Sprint("week-", week+1), time.Unix(0, 0).AddDate(0, 0, 7*week)
		docs = append(docs, d)
	}
	return docs
}

// alarms is what each week's call with the runs up to then reports: the runs it names.
func alarms(t *testing.T, docs []*report.Document) (named []string) {
	t.Helper()
	for n := 2; n <= len(docs); n++ {
		tr, err := report.NewTrend(docs[:n], "a")
		require.NoError(t, err)
		if len(tr.News) > 0 {
			named = append(named, tr.Runs[tr.News[0].Run].ID)
		}
	}
	return named
}

// TestOneAlarmPerChange simulates fifteen weeks many times over.
func TestOneAlarmPerChange(t *testing.T) {
	for name, c := range map[string]struct {
		speed func(week int) float64
		want  []string
	}{
		"nothing":       {func(int) float64 { return 1 }, nil},
		"40% drop":      {func(w int) float64 { return map[bool]float64{true: 1, false: 0.6}[w < 6] }, []string{"week-6"}},
		"one odd week":  {func(w int) float64 { return map[bool]float64{true: 0.6, false: 1}[w == 6] }, nil},
		"two odd weeks": {func(w int) float64 { return map[bool]float64{true: 0.6, false: 1}[w == 6 || w == 7] }, nil},
		"up and down": {func(w int) float64 {
			switch {
			case w < 5:
				return 1
			case w < 10:
				return 1.6
			}
			return 1
		}, []string{"week-5", "week-10"}},
	} {
		wrong := 0
		const seasons = 60
		for seed := range uint64(seasons) {
			if got := alarms(t, weeks(t, seed, c.speed)); !slices.Equal(got, c.want) {
				wrong++
				t.Logf("%s, seed %d: %v", name, seed, got)
			}
		}
		assert.LessOrEqual(t, wrong, seasons/50, "%s: seasons with other alarms than %v", name, c.want)
	}
}

// TestFailingServerIsNewsOnce: errors, and a server that dies, over a sound run before it.
func TestFailingServerIsNewsOnce(t *testing.T) {
	docs := weeks(t, 1, func(int) float64 { return 1 })
	fail := func(d *report.Document, gate string) {
		for i := range d.Cells {
			if d.Cells[i].Arm == "b" {
				c := &d.Cells[i]
				c.Gates = []report.GateCount{{Name: gate, Count: c.Trials}}
				if record.OfServer(gate) {
					d.Breakdowns = append(d.Breakdowns, report.Breakdown{Arm: "b", Level: c.Level, Starts: c.Trials, Of: c.Trials})
				}
			}
		}
	}
	for _, d := range docs[9:12] {
		fail(d, record.GateErrors)
	}
	assert.Equal(t, []string{"week-10"}, alarms(t, docs), "while it fails, and when it works again, is no news")
	fail(docs[13], record.GateErrors)
	assert.Equal(t, []string{"week-10", "week-14"}, alarms(t, docs))

	docs = weeks(t, 1, func(int) float64 { return 1 })
	fail(docs[9], record.GateHostNoise)
	assert.Empty(t, alarms(t, docs), "that was the machine")
	for i := range docs[9].Cells {
		docs[9].Cells[i].Gates = []report.GateCount{{Name: record.GateHostNoise, Count: docs[9].Cells[i].Trials}}
	}
	tr, err := report.NewTrend(docs, "a")
	require.NoError(t, err)
	assert.True(t, tr.Runs[9].Invalid, "it is shown")
	assert.Len(t, tr.Series[0].Points, 14)

	// b died before it answered anything.
	docs[14].Cells = slices.DeleteFunc(docs[14].Cells, func(c report.Cell) bool { return c.Arm == "b" })
	docs[14].Failures = []report.Failure{{Arm: "b", Reason: "exit status 1"}}
	tr, err = report.NewTrend(docs, "a")
	require.NoError(t, err)
	assert.Equal(t, []report.TrendNews{{Arm: "b", Level: "c=8", Run: 14}}, tr.News)
	assert.Equal(t, []string{"b"}, tr.Runs[14].Failed)
	assert.Len(t, tr.Series, 2, "what it did before is shown")
}
