package record_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hellobench/hellobench/internal/record"
)

func TestJournalKeepsEveryWholeLine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		require.NoError(rt, err)
		n := rapid.IntRange(0, 8).Draw(rt, "trials")
		j, err := record.OpenJournal(dir)
		require.NoError(rt, err)
		for i := range n {
			require.NoError(rt, j.Append([]*record.Trial{{Schema: 1, Block: i, Arm: rapid.String().Draw(rt, "arm")}}))
		}
		require.NoError(rt, j.Close())
		path := filepath.Join(dir, record.TrialsFile)
		whole, err := os.ReadFile(path)
		require.NoError(rt, err)

		// A crash may leave any prefix of what was written.
		cut := rapid.IntRange(0, len(whole)).Draw(rt, "cut")
		require.NoError(rt, os.WriteFile(path, whole[:cut], 0o644))
		left := strings.Count(string(whole[:cut]), "\n")
		trials, err := record.ReadTrials(dir)
		require.NoError(rt, err)
		assert.Len(rt, trials, left)

		// Appending after it mends the torn line.
		j, err = record.OpenJournal(dir)
		require.NoError(rt, err)
		require.NoError(rt, j.Append([]*record.Trial{{Schema: 1, Block: 99}}))
		require.NoError(rt, j.Close())
		trials, err = record.ReadTrials(dir)
		require.NoError(rt, err)
		require.Len(rt, trials, left+1)
		assert.Equal(rt, 99, trials[left].Block)
	})
}

// TestKeep: the first trials of a journal, of which lines may be longer than a buffer.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	j, err := record.OpenJournal(dir)
	require.NoError(t, err)
	for i := range 3 {
		require.NoError(t, j.Append([]*record.Trial{{Schema: 1, Block: i, Arm: "a", Failure: strings.Repeat("x", 10_000)}, {Schema: 1, Block: i, Arm: "b"}}))
	}
	require.NoError(t, j.Keep(3))
	require.NoError(t, j.Append([]*record.Trial{{Schema: 1, Block: 7}}))
	require.Error(t, j.Keep(9), "there are not so many")
	require.NoError(t, j.Close())
	trials, err := record.ReadTrials(dir)
	require.NoError(t, err)
	var blocks []int
	for _, trial := range trials {
		blocks = append(blocks, trial.Block)
	}
	assert.Equal(t, []int{0, 0, 1, 7}, blocks)
}

// TestRunsOfVersion1: a block was the list of its trials, and the run one experiment.
func TestRunsOfVersion1(t *testing.T) {
	dir := t.TempDir()
	r := tinyRun()
	r.Schema, r.Experiments = 1, nil
	require.NoError(t, record.WriteRun(dir, r))
	text, err := os.ReadFile(filepath.Join(dir, record.RunFile))
	require.NoError(t, err)
	plan := regexp.MustCompile(`(?s)"plan": \[.*?\n  \]`)
	text = plan.ReplaceAll(text, []byte(`"plan": [[{"arm": "a", "levels": [0, 1], "seed": 1}], [{"arm": "a", "levels": [1, 0], "seed": 2}]]`))
	require.NoError(t, os.WriteFile(filepath.Join(dir, record.RunFile), text, 0o600))
	old, err := record.ReadRun(dir)
	require.NoError(t, err)
	assert.Equal(t, []record.Experiment{{Name: "p", Arms: []string{"a"}, Levels: []int{0, 1}, Blocks: record.Range{Min: 1, Max: 2}, Passes: 1, Window: time.Second}}, old.Experiments)
	require.Len(t, old.Plan, 2)
	assert.Equal(t, record.Block{Number: 1, Trials: []record.PlannedTrial{{Arm: "a", Levels: []int{1, 0}, Seed: 2}}}, old.Plan[1])
}

func TestReadTrialsNamesTheBadLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, record.TrialsFile)
	require.NoError(t, os.WriteFile(path, []byte("{\"schema\":1}\nnonsense\n"), 0o644))
	_, err := record.ReadTrials(dir)
	require.ErrorContains(t, err, "trials.jsonl:2: damaged, no JSON")
	require.NoError(t, os.WriteFile(path, []byte("{\"schema\":9}\n"), 0o644))
	_, err = record.ReadTrials(dir)
	require.ErrorContains(t, err, "written by a newer hellobench")
	none, err := record.ReadTrials(t.TempDir())
	require.NoError(t, err)
	assert.Empty(t, none)
}

// TestKilledWhileWriting leaves what a process does that is killed in WriteFile.
func TestKilledWhileWriting(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [b] c")
	for _, name := range []string{"plots/.throughput.svg.unfinished.1", ".run.json.unfinished.22", ".htaccess", "logs/.x"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	j, err := record.OpenJournal(dir)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	for name, stays := range map[string]bool{"plots/.throughput.svg.unfinished.1": false, ".run.json.unfinished.22": false, ".htaccess": true, "logs/.x": true} {
		_, err := os.Stat(filepath.Join(dir, name))
		assert.Equal(t, stays, err == nil, name)
	}
}

func TestWriteFileSaysWhy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "run.json")
	require.EqualError(t, record.WriteFile(path, nil), "write "+path+": no such file or directory")
	folder := t.TempDir()
	require.EqualError(t, record.WriteFile(folder, nil), "write "+folder+": file exists")
}

// tinyRun is as small as a run can be.
func tinyRun() *record.Run {
	return &record.Run{
		Schema: record.SchemaVersion, ID: "x", Tool: "hellobench", Profile: "p", Claims: "ledger", ClaimsHash: strings.Repeat("0", 64),
		Arms: []record.Arm{{Name: "a", Server: "a", Route: "/"}}, Levels: []record.Level{{Connections: 4}, {Rate: 100}}, Blocks: record.Range{Min: 1, Max: 2},
		Window: time.Second, Timeout: time.Second, Experiments: []record.Experiment{{Name: "e", Arms: []string{"a"}, Levels: []int{0, 1}, Blocks: record.Range{Min: 1, Max: 2}, Passes: 1, Window: time.Second}},
		Plan:   []record.Block{{Trials: []record.PlannedTrial{{Arm: "a", Levels: []int{0, 1}}}}, {Number: 1, Trials: []record.PlannedTrial{{Arm: "a", Levels: []int{1, 0}}}}},
		Engine: record.EngineChoice{Name: "wire", Reason: "r"}, ServerCPUs: []int{}, LoadCPUs: []int{}, Servers: []record.ServerVersion{},
		Environment: record.Environment{OS: "linux", Arch: "amd64", Cores: 1, Go: "go", Argv: []string{"hellobench"}},
		Start:       time.Unix(1, 0).UTC(), State: record.Running,
	}
}

// TestEditedRun edits run.json and trials.jsonl: each mistake is one line that
// says where it is.
func TestEditedRun(t *testing.T) {
	dir := t.TempDir()
	for want, edit := range map[string]func(r *record.Run){
		"plan.1.trials.0.levels.0: 99: there are 2 levels, counted from 0":         func(r *record.Run) { r.Plan[1].Trials[0].Levels[0] = 99 },
		"plan.1: is block 3 of an experiment that has up to 2":                     func(r *record.Run) { r.Plan[1].Number = 2 },
		"plan.0.experiment: 1: there are 1 experiments, counted from 0":            func(r *record.Run) { r.Plan[0].Experiment = 1 },
		`experiments.0.arms.0: there is no arm "beta" in arms`:                     func(r *record.Run) { r.Experiments[0].Arms = []string{"beta"} },
		"experiments.0.levels.0: 2: there are 2 levels, counted from 0":            func(r *record.Run) { r.Experiments[0].Levels = []int{2} },
		"experiments.0.blocks: min 3 is above max 2":                               func(r *record.Run) { r.Experiments[0].Blocks.Min = 3 },
		"levels: is empty; give at least one":                                      func(r *record.Run) { r.Levels, r.Plan, r.Experiments = []record.Level{}, []record.Block{}, nil },
		`plan.0.trials.0.arm: there is no arm "beta" in arms`:                      func(r *record.Run) { r.Plan[0].Trials[0].Arm = "beta" },
		"shard.of: 0: must be at least 1":                                          func(r *record.Run) { r.Shard = &record.Shard{} },
		"shard.index: 3: of 2 shards the last is 1":                                func(r *record.Run) { r.Shard = &record.Shard{Index: 3, Of: 2} },
		"window_ns: -5: must be at least 1":                                        func(r *record.Run) { r.Window = -5 },
		"warmup_ns: 9000000000000000000: must be at most 86400000000000":           func(r *record.Run) { r.Warmup = 9e18 },
		"levels.0: is a closed loop without connections":                           func(r *record.Run) { r.Levels[0].Connections = 0 },
		"levels.0: has a number that is too large":                                 func(r *record.Run) { r.Levels[0].Connections = 1 << 62 },
		"levels.1: has more than one of rate, share and slo":                       func(r *record.Run) { r.Levels[1].SLO = true },
		`arms.1: "a" is there twice`:                                               func(r *record.Run) { r.Arms = append(r.Arms, r.Arms[0]) },
		`arms.0.replicate: there is no arm "gamma" in arms`:                        func(r *record.Run) { r.Arms[0].Replicate = "gamma" },
		"schema: written by a newer hellobench (schema 3, this one reads up to 2)": func(r *record.Run) { r.Schema = 3 },
	} {
		r := tinyRun()
		edit(r)
		require.NoError(t, record.WriteRun(dir, r))
		_, err := record.ReadRun(dir)
		require.Error(t, err, want)
		assert.Regexp(t, `^.*/run\.json:\d+: `+regexp.QuoteMeta(want)+`$`, err.Error())
	}

	good := `{"schema":2,"block":0,"position":0,"arm":"a","start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:00:00Z","idle":{"cpu":{"user_ns":0,"system_ns":0},"rss_bytes":0,"pss_bytes":0,"threads":0,"processes":0},"windows":[],"failure":"f"}`
	window := `[{"level":{"connections":4},"start":"2026-01-01T00:00:00Z","load":{"engine":"wire","duration_ns":1,"requests":1,"latency":{"count":0}},"server":{},"host":{}}]`
	measured := strings.Replace(good, "[]", window, 1)
	torn := good + "\n" + strings.Replace(measured, `"block":0`, `"block":1`, 1) + "\n" + measured[:100]
	for _, c := range [][2]string{
		{"", torn},
		{`2: damaged, no JSON: invalid character '\n' in string literal`, good + "\n" + good[:100] + "\n" + good + "\n"},
		{`2: block 0 has its trial of "a" in line 1 already`, good + "\n" + measured + "\n"},
		{"1: block: 7: the plan in run.json has 2, counted from 0", strings.Replace(good, `"block":0`, `"block":7`, 1) + "\n"},
		{"1: block: -1: the plan in run.json has 2, counted from 0", strings.Replace(good, `"block":0`, `"block":-1`, 1) + "\n"},
		{"1: position: 4: block 0 has 1 trials, counted from 0", strings.Replace(good, `"position":0`, `"position":4`, 1) + "\n"},
		{`1: arm: "b": at this position of block 0 the plan in run.json has "a"`, strings.Replace(good, `"arm":"a"`, `"arm":"b"`, 1) + "\n"},
		{"1: schema: 0: want 2, as in run.json", "null\n"},
		{"1: a number: want keys with values", "5\n"},
		{"1: is empty", "\n"},
		{"1: written by a newer hellobench (schema 9, this one reads up to 2)", `{"schema":9}` + "\n"},
		{"1: x: unknown key", `{"x":9}` + "\n"},
		{"1: windows: there are none, and no failure says why", strings.Replace(good, `,"failure":"f"`, "", 1) + "\n"},
		{"1: windows.0.level: c=5: there is no such level in run.json", strings.Replace(measured, `"connections":4`, `"connections":5`, 1) + "\n"},
		{"1: windows.load.requests: -1: want a whole number from 0", strings.Replace(measured, `"requests":1`, `"requests":-1`, 1) + "\n"},
		{"1: windows.0.load: of 1 requests 2 were correct, 0 of them inside the window", strings.Replace(measured, `"requests":1`, `"requests":1,"ok":2`, 1) + "\n"},
		{"1: windows.0.load.latency: is missing", strings.Replace(measured, `{"count":0}`, `null`, 1) + "\n"},
		{"1: windows.0.load.latency: has a negative number, or a histogram that is too long", strings.Replace(measured, `{"count":0}`, `{"count":-5}`, 1) + "\n"},
		{`1: "x": want a time such as 2026-01-31T12:00:00Z`, strings.Replace(good, `"start":"2026-01-01T00:00:00Z"`, `"start":"x"`, 1) + "\n"},
	} {
		want, text := c[0], c[1]
		require.NoError(t, os.WriteFile(filepath.Join(dir, record.TrialsFile), []byte(text), 0o600))
		trials, err := record.TrialsOf(dir, tinyRun())
		if want == "" {
			require.NoError(t, err)
			assert.Len(t, trials, 2, "a torn last line is left out")
			continue
		}
		assert.EqualError(t, err, filepath.Join(dir, record.TrialsFile)+":"+want)
	}
}

func TestRunRoundTrip(t *testing.T) {
	dir := t.TempDir()
	want := tinyRun()
	require.NoError(t, record.WriteRun(dir, want))
	got, err := record.ReadRun(dir)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file stays behind")
	_, err = record.ReadRun(t.TempDir())
	assert.ErrorContains(t, err, "is not a run folder")
}

func TestDistribution(t *testing.T) {
	h := record.NewHistogram()
	assert.Equal(t, &record.Distribution{}, h.Distribution())
	for i := range 9999 {
		h.Record(time.Duration(i+1) * time.Microsecond)
	}
	d := h.Distribution()
	assert.InEpsilon(t, 5000*time.Microsecond, *d.P50, 0.001)
	assert.InEpsilon(t, 9000*time.Microsecond, *d.P90, 0.001)
	assert.InEpsilon(t, 9500*time.Microsecond, *d.P95, 0.001)
	assert.InEpsilon(t, 9900*time.Microsecond, *d.P99, 0.001)
	assert.Nil(t, d.P999, "only 9.999 samples lie beyond it")
	h.Record(10 * time.Millisecond)
	assert.NotNil(t, h.Distribution().P999)

	back, err := h.Distribution().Histogram()
	require.NoError(t, err)
	assert.Equal(t, int64(10000), back.Count())
	back.Merge(h)
	assert.Equal(t, int64(20000), back.Count())
	h.Record(-1)
	h.Record(time.Hour) // counts at the end of the range
	assert.Equal(t, int64(10002), h.Count())
	assert.InEpsilon(t, 10*time.Minute, h.Quantile(1), 0.001)
	assert.Zero(t, testing.AllocsPerRun(100, func() { h.Record(12345) }))
	_, err = (&record.Distribution{HDR: "x"}).Histogram()
	assert.Error(t, err)
}

func TestMeasurementFigures(t *testing.T) {
	m := record.Measurement{Connections: 4, Duration: 2 * time.Second, Requests: 110, Completed: 100, InFlight: 8 * time.Second}
	m.Errors = record.Errors{Reset: 10}
	assert.InDelta(t, 50, m.Throughput(), 1e-9)
	assert.InDelta(t, 55, m.Achieved(), 1e-9, "an old record: all that was sent")
	assert.InDelta(t, 1, m.Delivered(), 1e-9, "a closed loop has no schedule")
	m.Sent, m.Scheduled = 23, 100
	assert.InDelta(t, 11.5, m.Achieved(), 1e-9)
	assert.InDelta(t, 0.23, m.Delivered(), 1e-9)
	assert.InDelta(t, 10.0/110, m.ErrorRate(), 1e-9)
	assert.InDelta(t, 1, m.LittlesLaw(), 1e-9)
	assert.Equal(t, "reset 10", m.Errors.String())
	assert.Zero(t, (&record.Measurement{}).Throughput())
	assert.Zero(t, (&record.Measurement{}).ErrorRate())
	never := record.Measurement{Requests: 5, Errors: record.Errors{Timeout: 9}}
	assert.InDelta(t, 1, never.ErrorRate(), 1e-9, "four were never sent")
	a, b := record.CPU{User: 5, System: 5}, record.CPU{User: 9, System: 4}
	assert.Equal(t, record.CPU{User: 3}, b.Sub(a))
	assert.Equal(t, record.CPU{System: 2}, record.CPU{User: 4, System: 8}.Sub(a))
	m.Offered = 50
	assert.Zero(t, m.LittlesLaw(), "an open loop fixes no number in flight")
}
