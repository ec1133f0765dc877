package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEditedRunFolders edits a run's files in every way that once was a panic, and
// gives the folder to every command that reads one.
func TestEditedRunFolders(t *testing.T) {
	const reference = "../../results/reference"
	good, err := os.ReadFile(filepath.Join(reference, "run.json"))
	require.NoError(t, err)
	trials, err := os.ReadFile(filepath.Join(reference, "trials.jsonl"))
	require.NoError(t, err)
	lines := strings.SplitAfter(string(trials), "\n")
	edited := func(edit func(run map[string]any)) string {
		var run map[string]any
		require.NoError(t, json.Unmarshal(good, &run))
		edit(run)
		data, err := json.MarshalIndent(run, "", "  ")
		require.NoError(t, err)
		return string(data)
	}
	planned := func(run map[string]any) map[string]any {
		return run["plan"].([]any)[0].(map[string]any)["trials"].([]any)[0].(map[string]any)
	}
	type files struct{ run, trials, want string }
	for what, f := range map[string]files{
		"level 99":      {run: edited(func(r map[string]any) { planned(r)["levels"] = []any{99} }), want: `run\.json:\d+: plan\.0\.trials\.0\.levels\.0: 99: there are \d+ levels, counted from 0`},
		"no levels":     {run: edited(func(r map[string]any) { delete(r, "levels") }), want: `run\.json:\d+: the key levels is missing`},
		"levels null":   {run: edited(func(r map[string]any) { r["levels"] = nil }), want: `run\.json:\d+: levels: no value: want a list, such as \[a, b\]`},
		"unknown arm":   {run: edited(func(r map[string]any) { planned(r)["arm"] = "nobody\x1b[2J" }), want: `run\.json:\d+: plan\.0\.trials\.0\.arm: there is no arm "nobody\\x1b\[2J" in arms`},
		"shard 0 of 0":  {run: edited(func(r map[string]any) { r["shard"] = map[string]any{"index": 0, "of": 0} }), want: `run\.json:\d+: shard\.of: 0: must be at least 1`},
		"unknown claim": {run: edited(func(r map[string]any) { r["asked"] = []any{"nothing"} }), want: `run\.json: asked: there is no claim "nothing" in the ledger`},
		"another margin": {run: edited(func(r map[string]any) {
			r["claims"] = strings.Replace(r["claims"].(string), "margin: 0.10", "margin: 0.05", 1)
		}), want: `run\.json: claims: is not the ledger that was fixed before the run: .*`},
		"broken ledger":   {run: edited(func(r map[string]any) { r["claims"] = "a: [" }), want: `run\.json \(claims\):1: .*`},
		"a newer version": {run: edited(func(r map[string]any) { r["schema"] = 7 }), want: `run\.json:\d+: schema: written by a newer hellobench \(schema 7, this one reads up to 2\)`},
		"half of it":      {run: string(good[:len(good)/2]), want: `run\.json:\d+: damaged: it ends in the middle`},
		"null":            {run: "null", want: `run\.json:1: no value: want keys with values`},
		"nothing":         {run: "", want: `run\.json:1: is empty`},
		"a damaged line":  {run: string(good), trials: lines[0] + lines[1][:500] + "\n" + lines[2], want: `trials\.jsonl:2: damaged, no JSON: .*`},
		"a line twice":    {run: string(good), trials: lines[0] + lines[0], want: `trials\.jsonl:2: block 0 has its trial of ".*" in line 1 already`},
		"another block":   {run: string(good), trials: strings.Replace(lines[0], `"block":0`, `"block":999`, 1), want: `trials\.jsonl:1: block: 999: the plan in run\.json has \d+, counted from 0`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "run.json"), []byte(f.run), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "trials.jsonl"), []byte(f.trials), 0o600))
			for _, args := range [][]string{
				{"report", dir}, {"verdicts", dir}, {"compare", reference, dir}, {"merge", dir, "--out", filepath.Join(dir, "merged")}, {"trend", dir, dir}, {"run", "--resume", dir},
			} {
				stdout, stderr, code := hellobench(t, args...)
				assert.Equal(t, 2, code, "%q: %s", args, stderr)
				assert.Empty(t, stdout)
				assert.Regexp(t, `^hellobench: `+dir+`/`+f.want+`[^\n]*\n$`, stderr, "%q", args)
			}
		})
	}
}
