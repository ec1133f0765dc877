package cli_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

func sound(*record.Trial, *record.Window) {}

// slowNode makes node-http that much slower than it is.
func slowNode(factor float64) func(*record.Trial, *record.Window) {
	return func(trial *record.Trial, w *record.Window) {
		if strings.HasPrefix(trial.Arm, "node-http") {
			speed(w, factor)
		}
	}
}

func code(t *testing.T, dir string, code int) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "code"), fmt.Append(nil, code), 0o644))
}

// TestAction uses it in a job as users do, several times.
func TestAction(t *testing.T) {
	t.Parallel()
	clone := checkout(t)
	built := filepath.Join(t.TempDir(), "hellobench")
	base := made(t, filepath.Join(t.TempDir(), "base"), synthetic.Start, all, sound)
	busy := func(_ *record.Trial, w *record.Window) { gate(w, record.GateHostNoise) }
	rng := rand.New(rand.NewPCG(1, 2))
	wild := func(_ *record.Trial, w *record.Window) { speed(w, math.Exp(3*rng.NormFloat64())) }
	for _, c := range []struct {
		name   string
		head   func(*record.Trial, *record.Window)
		run    int // the code of hellobench run
		with   map[string]any
		code   string // the output
		result int    // the code of the action
		says   string
	}{
		{"twice", sound, 0, map[string]any{"blocks": "4..8", "arms": "node-http,django"}, "0", 0, ""},
		{"required", sound, 0, map[string]any{"require": "node-faster=supported"}, "0", 0, ""},
		{"another answer", slowNode(0.02), 0, map[string]any{"require": "node-faster=supported", "invalid": "ignore"}, "3", 3, "required was supported"},
		{"no answer", wild, 0, map[string]any{"require": "node-faster=supported"}, "5", 5, "required was supported"},
		{"no answer, which is accepted", wild, 0, map[string]any{"require": "node-faster=supported", "invalid": "warn"}, "5", 0, "::warning::hellobench has no answer (exit code 5)"},
		{"invalid", busy, 4, nil, "4", 4, ""},
		{"invalid, with a warning", busy, 4, map[string]any{"invalid": "warn"}, "4", 0, "::warning::hellobench has no answer (exit code 4)"},
		{"invalid, ignored", busy, 4, map[string]any{"invalid": "ignore"}, "4", 0, ""},
		{"worse than its base", slowNode(0.5), 0, map[string]any{"base": base, "reference": "django", "invalid": "ignore"}, "3", 3, "figures got worse"},
		{"a failed server", func(_ *record.Trial, w *record.Window) { fails(w) }, 3, map[string]any{"invalid": "ignore"}, "3", 3, ""},
		{"a mistake", sound, 0, map[string]any{"invalid": "perhaps"}, "", 2, `::error::input invalid is "perhaps": want fail, warn or ignore`},
		{"a mistake in a claim", sound, 0, map[string]any{"require": "node-fast=supported"}, "2", 2, "did you mean"},
		{"named", sound, 0, map[string]any{"artifact": "mine"}, "0", 0, ""},
	} {
		folder := t.TempDir()
		code(t, made(t, filepath.Join(folder, "run"), synthetic.Start.Add(time.Hour), all, c.head), c.run)
		a := newActions(t, clone, t.TempDir(), t.TempDir(), 1)
		program := filepath.Join(a.env["RUNNER_TEMP"], "hellobench")
		if _, err := os.Stat(built); err == nil { // it is the same each time
			require.NoError(t, os.Link(built, program))
			a.skip["Build"] = true
		}
		a.before["Build"] = func() { _ = os.Rename(program+".built", program) } // go replaces no script
		a.before["Measure"] = func() {
			if _, err := os.Stat(built); err != nil {
				require.NoError(t, os.Link(program, built))
			}
			measured(t, program, folder)
		}
		use := step{ID: "one", Uses: "hellobench/hellobench/.github/actions/hellobench@main", With: c.with}
		again := use
		again.ID, again.If = "two", "always()"
		steps := []step{use}
		if c.name == "twice" {
			steps = append(steps, again)
		}
		a.steps(steps)
		assert.Equal(t, c.result, a.code, "%s: %s", c.name, a.said.String())
		assert.Equal(t, c.code, a.context["steps.one.outputs.code"], c.name)
		assert.Contains(t, a.said.String(), c.says, c.name)
		if c.code == "" {
			continue
		}
		require.Len(t, a.uploads, len(steps), "%s: whatever it came to, what was measured is kept", c.name)
		assert.FileExists(t, filepath.Join(a.context["steps.one.outputs.run"], "run.json"))
		assert.Contains(t, a.summary(), "## What the measurement says", c.name)
		assert.NotContains(t, a.summary(), "![")
		switch c.name {
		case "twice":
			assert.NotEqual(t, a.uploads[0], a.uploads[1])
			assert.NotEqual(t, a.context["steps.one.outputs.run"], a.context["steps.two.outputs.run"])
			assert.Equal(t, a.uploads[0], a.context["steps.one.outputs.artifact"])
			flags, _ := os.ReadFile(filepath.Join(folder, "calls"))
			assert.Contains(t, string(flags), "--arm node-http,django --blocks 4..8")
		case "required", "no answer":
			assert.FileExists(t, filepath.Join(a.context["steps.one.outputs.run"], "junit.xml"))
		case "named":
			assert.Equal(t, []string{"mine"}, a.uploads)
		}
	}
}

var recipe = regexp.MustCompile("(?s)```(sh|yaml)\n(.*?)```")

// TestRecipesOfCI runs what docs/ci.md prints, in order, for each way that a run can end.
func TestRecipesOfCI(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/ci.md")
	require.NoError(t, err)
	recipes := recipe.FindAllStringSubmatch(string(text), -1)
	require.Len(t, recipes, 5)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name      string
		run       func(*record.Trial, *record.Window)
		code      int // of hellobench run
		want      int // of the first shell recipe
		alsoAfter bool
	}{
		{"sound", sound, 0, 0, true},
		{"another answer", slowNode(0.02), 0, 3, false},
		{"no answer", func(_ *record.Trial, w *record.Window) { speed(w, math.Exp(3*rng.NormFloat64())) }, 0, 0, false},
		{"busy", func(_ *record.Trial, w *record.Window) { gate(w, record.GateHostNoise) }, 4, 0, false},
		{"a failed server", func(_ *record.Trial, w *record.Window) { fails(w) }, 3, 3, false},
	} {
		folder, work, bin := t.TempDir(), t.TempDir(), t.TempDir()
		code(t, made(t, filepath.Join(folder, "run"), synthetic.Start, all, c.run), c.code)
		program := filepath.Join(bin, "hellobench")
		require.NoError(t, os.Symlink(binary, program+".built"))
		measured(t, program, folder)
		for week := range 2 {
			made(t, filepath.Join(work, "history", fmt.Sprint("run-", week)), synthetic.Start.AddDate(0, 0, 7*week), all, sound)
		}
		for i, r := range recipes {
			if r[1] == "yaml" || i > 2 && !c.alsoAfter {
				continue
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-ec", r[2])
			cmd.Dir, cmd.Env = work, append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			out, _ := cmd.CombinedOutput()
			want := 0
			if i == 2 {
				want = c.want
			}
			assert.Equal(t, want, cmd.ProcessState.ExitCode(), "%s: %s%s", c.name, r[2], out)
		}
	}
	clone := checkout(t)
	for _, r := range recipes {
		if r[1] != "yaml" {
			continue
		}
		var steps []step
		require.NoError(t, yaml.Unmarshal([]byte(r[2]), &steps))
		folder := t.TempDir()
		made(t, filepath.Join(folder, "run"), synthetic.Start, all, sound)
		a := newActions(t, clone, t.TempDir(), t.TempDir(), 1)
		program := filepath.Join(a.env["RUNNER_TEMP"], "hellobench")
		require.NoError(t, os.Symlink(binary, program))
		a.skip["Build"] = true // TestAction builds it
		a.before["Measure"] = func() { measured(t, program, folder) }
		a.steps(steps)
		assert.False(t, a.failed, a.said.String())
		assert.NotEmpty(t, a.uploads)
	}
}
