package cli_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

const madeLedger = `schema: 1
alpha: 0.05
claims:
  - {id: node-faster, section: s, paraphrase: It is faster., margin: 0.1, comparisons: [{group: here, metric: throughput, a: node-http, b: flask-dev, connections: [16]}]}
`

// hashOf is that of a ledger, as a run states it.
func hashOf(ledger string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(ledger))) }

// made writes a made-up run of the given blocks, each window as change leaves it.
func made(t *testing.T, dir string, start time.Time, keep func(block int) bool, change func(*record.Trial, *record.Window)) string {
	t.Helper()
	run, trials, _ := synthetic.Run(8, false)
	run.Claims, run.ID, run.Start = madeLedger, filepath.Base(dir), start
	run.ClaimsHash = hashOf(run.Claims)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	var journal bytes.Buffer // and not record's own, which waits for the disk after every line
	for i := range trials {
		trial := &trials[i]
		if !keep(trial.Block) {
			continue
		}
		for k := range trial.Windows {
			change(trial, &trial.Windows[k])
		}
		require.NoError(t, json.NewEncoder(&journal).Encode(trial))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, record.TrialsFile), journal.Bytes(), 0o644))
	require.NoError(t, record.WriteRun(dir, run))
	return dir
}

func all(int) bool { return true }

func speed(w *record.Window, factor float64) {
	l := &w.Load
	for _, n := range []*uint64{&l.Completed, &l.OK, &l.Errors.Reset} {
		*n = uint64(factor * float64(*n))
	}
	l.Requests = l.OK + l.Errors.Total()
}

func gate(w *record.Window, name string) {
	w.Gates = append(w.Gates, record.Gate{Name: name, Detail: "for the test"})
}

// fails answers every request with 500.
func fails(w *record.Window) {
	w.Load.Errors = record.Errors{Status: w.Load.Requests}
	w.Load.FirstError, w.Load.OK, w.Load.Completed, w.Load.Latency = "status 500, want 200", 0, 0, &record.Distribution{}
	gate(w, record.GateErrors)
}

// measured puts a program in the place of one that was built: what it measures is
// the folder made/NAME for --out .../NAME, and the exit code made/NAME/code, if
// there is one; the flags have to be right all the same. Everything else the built
// one does. Measuring takes minutes, on a quiet machine.
func measured(t *testing.T, program, made string) {
	t.Helper()
	if _, err := os.Stat(program + ".built"); err != nil {
		require.NoError(t, os.Rename(program, program+".built"))
	}
	text := fmt.Sprintf(`#!/bin/sh
[ "$1" = run ] || exec %[1]q "$@"
%[1]q "$@" --help >/dev/null || exit 2
echo "$*" >>%[2]q/calls
while [ "$1" != --out ]; do shift; done
from=%[2]q/$(basename "$2")
[ -d "$from" ] || from=%[2]q/run
code=$(cat "$from/code" 2>/dev/null || echo 0)
if [ -f "$from/run.json" ]; then
	mkdir -p "$2" && cp "$from/run.json" "$from/trials.jsonl" "$2" && %[1]q report "$2" --format markdown --out "$2/report.md"
fi
exit "$code"
`, program+".built", made)
	require.NoError(t, os.WriteFile(program, []byte(text), 0o755))
}

// TestBenchmarkWorkflow runs fifteen weeks of it. From week 6 on flask-dev is 40%
// slower; week 3 is spoiled by the machine, in week 9 nothing is measured, the
// artifact of week 10 expires, and a fork uploads one of the same name.
func TestBenchmarkWorkflow(t *testing.T) {
	t.Parallel()
	clone, store, folder := checkout(t), t.TempDir(), t.TempDir()
	built := filepath.Join(t.TempDir(), "hellobench")
	rng := rand.New(rand.NewPCG(5, 6))
	var named []string
	for week := 1; week <= 15; week++ {
		a := newActions(t, clone, t.TempDir(), store, 100+week)
		name := fmt.Sprintf("run-%d-1", 100+week)
		dir, code := filepath.Join(folder, name), 0
		if week != 9 {
			drift := math.Exp(0.02 * rng.NormFloat64())
			made(t, dir, synthetic.Start.AddDate(0, 0, 7*week), func(block int) bool { return block < 4 }, func(trial *record.Trial, w *record.Window) {
				if trial.Arm == "flask-dev" {
					speed(w, drift*map[bool]float64{true: 1, false: 0.6}[week < 6])
				}
				if week == 3 {
					gate(w, record.GateHostNoise)
				}
			})
		}
		switch week {
		case 3:
			code = 4
		case 9:
			code = 1
			require.NoError(t, os.Mkdir(dir, 0o755))
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, "code"), fmt.Append(nil, code), 0o644))
		program := filepath.Join(a.workspace, "bin", "hellobench")
		if a.skip["Build"] = week > 1; week > 1 { // it is the same each week
			a.before["History"] = func() {
				require.NoError(t, os.MkdirAll(filepath.Dir(program), 0o755))
				require.NoError(t, os.Link(built, program+".built"))
				measured(t, program, folder)
			}
		} else {
			a.before["History"] = func() { require.NoError(t, os.Link(program, built)); measured(t, program, folder) }
		}
		a.job("benchmark.yml", "benchmark", nil, nil)

		assert.Contains(t, a.said.String(), "--- Trend")
		switch {
		case week == 9:
			assert.Equal(t, 1, a.code, "nothing was measured: %s", a.said.String())
			assert.NotContains(t, a.uploads, name)
		case a.failed:
			assert.Equal(t, 3, a.code, a.said.String())
			_, rest, _ := strings.Cut(a.summary(), " changed at ")
			at, _, _ := strings.Cut(rest, " ")
			named = append(named, fmt.Sprintf("in week %d: %s", week, at))
		}
		if week != 9 {
			assert.Contains(t, a.uploads, name)
			assert.NotContains(t, a.summary(), "![", "pictures that do not show")
		}
		assert.Contains(t, a.uploads, "benchmark-history")
		if week == 10 {
			require.NoError(t, os.RemoveAll(filepath.Join(store, "files", "110", "benchmark-history")))
		}
		if week == 11 {
			assert.Contains(t, a.said.String(), "the history of run 110 is lost")
			poison(t, store)
		}
	}
	assert.Equal(t, []string{"in week 8: run-106-1"}, named, "one alarm, at the first run that changed")
	kept, err := filepath.Glob(filepath.Join(store, "files", "115", "benchmark-history", "*"))
	require.NoError(t, err)
	assert.Len(t, kept, 14-1, "all but the week that was lost with its artifact, and the one without a run")
	assert.Contains(t, calls(store), "run download 113 --name benchmark-history")
}

// poison adds the artifact of a fork's run.
func poison(t *testing.T, store string) {
	t.Helper()
	file := filepath.Join(store, "artifacts.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var list []artifact
	require.NoError(t, json.Unmarshal(text, &list))
	list = append(list, artifact{Name: "benchmark-history", Created: time.Unix(1e9, 0), WorkflowRun: map[string]any{"id": 666, "head_branch": "main", "repository_id": 1, "head_repository_id": 2}})
	text, err = json.Marshal(list)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o644))
	made(t, filepath.Join(store, "files", "666", "benchmark-history", "run-666-1"), synthetic.Start, all, func(*record.Trial, *record.Window) {})
}

func calls(store string) string {
	text, _ := os.ReadFile(filepath.Join(store, "calls"))
	return string(text)
}

// TestBenchmarkHistory keeps the thirty newest runs.
func TestBenchmarkHistory(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	a := newActions(t, checkout(t), t.TempDir(), store, 150)
	for run := 101; run <= 140; run++ {
		dir := filepath.Join(store, "files", "149", "benchmark-history", fmt.Sprintf("run-%d-1", run))
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "run.json"), nil, 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(store, "artifacts.json"),
		[]byte(`[{"name": "benchmark-history", "created_at": "2026-01-01T00:00:00Z", "workflow_run": {"id": 149, "head_branch": "main", "repository_id": 1, "head_repository_id": 1}}]`), 0o644))
	a.skip = map[string]bool{"Build": true, "Trend": true}
	program := filepath.Join(a.workspace, "bin", "hellobench")
	a.before["Measure"] = func() {
		sh(t, a.workspace, `mkdir bin && printf '#!/bin/sh\nmkdir -p results/$RUN && echo x | tee results/$RUN/run.json >results/$RUN/trials.jsonl\n' >`+program+` && chmod +x `+program)
	}
	a.job("benchmark.yml", "benchmark", nil, nil)
	require.False(t, a.failed, a.said.String())
	kept, err := filepath.Glob(filepath.Join(store, "files", "150", "benchmark-history", "*"))
	require.NoError(t, err)
	require.Len(t, kept, 30)
	assert.Equal(t, "run-112-1", filepath.Base(kept[0]))
	assert.Equal(t, "run-150-1", filepath.Base(kept[29]))
}

// TestPullRequestWorkflow: the comment says what is so, and is one.
func TestPullRequestWorkflow(t *testing.T) {
	t.Parallel()
	clone, store := checkout(t), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(store, "comments.json"), []byte(`[
		{"id": 1, "user": {"type": "User"}, "body": "<!-- hellobench: pull-request.yml --> says a person"},
		{"id": 2, "user": {"type": "Bot"}, "body": "another workflow's, which quotes <!-- hellobench: pull-request.yml -->"}]`), 0o644))
	rng := rand.New(rand.NewPCG(1, 2))
	built := filepath.Join(t.TempDir(), "hellobench")
	for i, c := range []struct {
		name  string
		head  func(*record.Trial, *record.Window)
		fails int // the code of the runs of head
		code  int // of the job
		says  []string
		not   string
	}{
		{"nothing changed", func(*record.Trial, *record.Window) {}, 0, 0, []string{"**Nothing got worse that could be seen in ", "or more in throughput", "<details>"}, "got worse.**"},
		{"slower", func(trial *record.Trial, w *record.Window) {
			if trial.Arm == "django" {
				speed(w, 0.5)
			}
		}, 0, 3, []string{"figures got worse.**", "| django |", "| worse |"}, "Nothing got worse"},
		{"head answers 500", func(trial *record.Trial, w *record.Window) {
			if trial.Arm == "django" {
				fails(w)
			}
		}, 3, 3, []string{"figures got worse.**", "| django | c=16 | works |", "starts: for the test"}, "Nothing got worse"},
		{"a busy runner", func(_ *record.Trial, w *record.Window) { gate(w, record.GateHostNoise) }, 4, 0, []string{"**No answer: the machine spoiled head.**"}, "orse"},
		{"a noisy runner", func(_ *record.Trial, w *record.Window) {
			factor := math.Exp(2 * rng.NormFloat64())
			speed(w, factor)
			w.Server.CPU = record.CPU{} // not reported
			for _, p := range []*time.Duration{w.Load.Latency.P50, w.Load.Latency.P90, w.Load.Latency.P95, w.Load.Latency.P99, w.Load.Latency.P999} {
				if p != nil {
					*p = time.Duration(factor * float64(*p))
				}
			}
			w.Load.Latency.Max = time.Duration(factor * float64(w.Load.Latency.Max))
		}, 0, 0, []string{"**No answer: no figure could be compared.**", "Too noisy to see even a doubling"}, "orse"},
	} {
		folder := t.TempDir()
		for _, half := range []int{0, 1} {
			keep := func(block int) bool { return block%2 == half }
			made(t, filepath.Join(folder, fmt.Sprint("base-", half+1)), synthetic.Start, keep, func(*record.Trial, *record.Window) {})
			head := made(t, filepath.Join(folder, fmt.Sprint("head-", half+1)), synthetic.Start.Add(time.Minute), keep, c.head)
			require.NoError(t, os.WriteFile(filepath.Join(head, "code"), fmt.Append(nil, c.fails), 0o644))
		}
		a := newActions(t, clone, t.TempDir(), store, 200+i)
		a.skip["Build both"] = i > 0 // it is the same each time
		a.before["Measure both in turns"] = func() {
			for _, side := range []string{"base", "head"} {
				program := filepath.Join(a.workspace, side, "bin", "hellobench")
				if i == 0 && side == "base" {
					require.NoError(t, os.Link(program, built))
				}
				require.NoError(t, os.MkdirAll(filepath.Dir(program), 0o755))
				_ = os.Remove(program)
				require.NoError(t, os.Link(built, program))
				measured(t, program, folder)
			}
		}
		a.job("pull-request.yml", "compare", nil, nil)
		assert.Equal(t, c.code, a.code, "%s: %s", c.name, a.said.String())

		text, err := os.ReadFile(filepath.Join(store, "comments.json"))
		require.NoError(t, err)
		var comments []struct {
			ID   int
			Body string
		}
		require.NoError(t, json.Unmarshal(text, &comments))
		require.Len(t, comments, 3, "%s: one comment, renewed", c.name)
		assert.Contains(t, comments[0].Body, "a person")
		assert.Contains(t, comments[1].Body, "another workflow's")
		body := comments[2].Body
		assert.True(t, strings.HasPrefix(body, "<!-- hellobench: pull-request.yml -->\n### "), body)
		for _, says := range c.says {
			assert.Contains(t, body, says, c.name)
		}
		open, _, _ := strings.Cut(body, "<details>")
		assert.NotContains(t, open, c.not, c.name)
		assert.Contains(t, a.summary(), strings.TrimSpace(open))
	}
	assert.Equal(t, 1, strings.Count(calls(store), "--method POST"))
	assert.Equal(t, 4, strings.Count(calls(store), "--method PATCH repos/o/r/issues/comments/3 "))

	fork := newActions(t, clone, t.TempDir(), store, 300)
	fork.context["github.event.pull_request.head.repo.full_name"] = "somebody/r"
	fork.skip = map[string]bool{"Build both": true, "Measure both in turns": true, "Compare": true}
	fork.context["steps.compare.outputs.code"] = "0"
	before := calls(store)
	fork.job("pull-request.yml", "compare", nil, nil)
	assert.False(t, fork.failed, fork.said.String())
	assert.Equal(t, before, calls(store), "a fork's token may not comment")
}

// TestWorkflowOfTests: its steps are this whole suite, so they are looked up and
// not run; what .ci/run installs is listed.
func TestWorkflowOfTests(t *testing.T) {
	t.Parallel()
	clone := checkout(t)
	for _, job := range []string{"test", "race"} {
		for _, system := range []string{"Linux", "macOS"} {
			a := newActions(t, clone, t.TempDir(), t.TempDir(), 1)
			a.context["runner.os"] = system
			real, err := filepath.EvalSymlinks("/usr/bin/make")
			require.NoError(t, err)
			stub, _, _ := strings.Cut(a.env["PATH"], string(os.PathListSeparator))
			require.NoError(t, os.WriteFile(filepath.Join(stub, "make"), []byte("#!/bin/sh\nexec "+real+" -n \"$@\"\n"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(stub, "apt-get"), []byte("#!/bin/sh\n"), 0o755))
			a.job("test.yml", job, nil, nil)
			assert.False(t, a.failed, a.said.String())
			assert.Contains(t, a.said.String(), "go test", "%s on %s", job, system)
		}
	}
}
