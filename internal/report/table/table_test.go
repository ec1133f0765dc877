package table_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report/synthetic"
	"github.com/hellobench/hellobench/internal/report/table"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run with -update if the change is meant")
}

// check holds what is true of every table: narrow, and nothing that a terminal obeys.
func check(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		assert.LessOrEqual(t, twwidth.Width(line), table.Width, line)
		assert.Equal(t, strings.TrimRight(line, " "), line, "trailing space")
		for _, r := range line {
			assert.True(t, unicode.IsPrint(r), "%q in %q", r, line)
		}
	}
	assert.NotContains(t, text, "NaN")
	assert.NotContains(t, text, "Inf")
}

func render(t *testing.T, run *record.Run, trials []record.Trial) string {
	t.Helper()
	d, err := synthetic.Document(run, trials, synthetic.Verdicts())
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, table.Write(&b, d))
	check(t, b.String())
	return b.String()
}

func TestGolden(t *testing.T) {
	run, trials, verdicts := synthetic.Run(6, false)
	d, err := synthetic.Document(run, trials, verdicts)
	require.NoError(t, err)
	var all, answers bytes.Buffer
	require.NoError(t, table.Write(&all, d))
	require.NoError(t, table.Verdicts(&answers, d))
	check(t, all.String())
	check(t, answers.String())
	golden(t, "report.txt", all.Bytes())
	golden(t, "verdicts.txt", answers.Bytes())
}

func TestQuickLookSaysSo(t *testing.T) {
	run, trials, _ := synthetic.Run(2, true)
	run.Quotable = false
	text := render(t, run, trials)
	assert.Equal(t, 2, strings.Count(text, "QUICK LOOK, NOT FOR QUOTING"), "before the figures and behind them")
	assert.Contains(t, text, "PARTIAL RUN: it was interrupted.")
	assert.Contains(t, text, "servers, block 3 does not count")
	assert.Contains(t, text, "fewer than six blocks")
}

func TestEdges(t *testing.T) {
	run, trials, _ := synthetic.Run(1, false)
	assert.Contains(t, render(t, run, nil), "NOTHING WAS MEASURED.")
	assert.Contains(t, render(t, run, trials[:1]), "NO COMPLETE BLOCK")
	for i := range trials { // an arm that only fails
		if trials[i].Arm != "django" {
			continue
		}
		for j := range trials[i].Windows {
			m := &trials[i].Windows[j].Load
			m.Errors, m.Completed, m.OK, m.Latency = record.Errors{Connect: m.Requests}, 0, 0, nil
		}
	}
	assert.Contains(t, render(t, run, trials), "100% (connect")
}

func TestOutsideTextCannotControlTheTerminal(t *testing.T) {
	run, trials, _ := synthetic.Run(1, false)
	evil := "\x1b[2J\x07\u202e\xff\r\nboo" + strings.Repeat("x", 300)
	run.Profile, run.Description, run.Engine.Reason, run.Notices = evil, evil, evil, []string{evil}
	run.Missing[0].Hint, run.Environment.CPU = evil, evil
	trials[0].Failure = evil
	trials[0].Windows[1].Gates = []record.Gate{{Name: evil, Detail: evil}}
	for i := range run.Arms {
		if run.Arms[i].Name == "django" {
			run.Arms[i].Name = evil
		}
	}
	for i := range trials {
		if trials[i].Arm == "django" {
			trials[i].Arm = evil
		}
	}
	for _, block := range run.Plan {
		for i := range block.Trials {
			if block.Trials[i].Arm == "django" {
				block.Trials[i].Arm = evil
			}
		}
	}
	text := render(t, run, trials)
	for _, where := range []string{"profile ", "Notice: ", "Taken because: "} {
		assert.True(t, strings.Contains(text, where+`\x1b[2J\x07\u202e\xff`), where)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrorIsReturned(t *testing.T) {
	d, err := synthetic.Document(&record.Run{}, nil, nil)
	require.NoError(t, err)
	require.ErrorContains(t, table.Write(full{}, d), "disk full")
	require.ErrorContains(t, table.Verdicts(full{}, d), "disk full")
}
