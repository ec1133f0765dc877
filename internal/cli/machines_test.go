package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

// folder writes a made-up run in which all arms are that fast, and flask-dev is
// that much slower in addition.
func folder(t *testing.T, day int, machine record.Environment, speed, flask float64) string {
	t.Helper()
	run, trials, _ := synthetic.Run(6, false)
	dir := filepath.Join(t.TempDir(), fmt.Sprintf("day-%02d", day))
	require.NoError(t, os.Mkdir(dir, 0o755))
	run.Claims = string(fixtures.Claims)
	run.ClaimsHash = hashOf(run.Claims)
	machine.Argv = []string{"hellobench"}
	run.ID, run.Environment, run.Start = filepath.Base(dir), machine, run.Start.AddDate(0, 0, day)
	journal, err := record.OpenJournal(dir)
	require.NoError(t, err)
	for i := range trials {
		factor := speed
		if trials[i].Arm == "flask-dev" {
			factor *= flask
		}
		for k := range trials[i].Windows {
			l := &trials[i].Windows[k].Load
			for _, n := range []*uint64{&l.Completed, &l.OK, &l.Requests} {
				*n = uint64(factor * float64(*n))
			}
		}
		require.NoError(t, journal.Append([]*record.Trial{&trials[i]}))
	}
	require.NoError(t, journal.Close())
	require.NoError(t, record.WriteRun(dir, run))
	return dir
}

// hellobench runs the program: what it prints and its exit code.
func hellobench(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); errors.As(e, &exit) {
		code = exit.ExitCode()
	} else {
		require.NoError(t, e)
	}
	return out.String(), err.String(), code
}

// oneLine is text as it was before it was wrapped.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestCompareAcrossMachines(t *testing.T) {
	one := record.Environment{OS: "linux", Arch: "arm64", CPU: "ARM Neoverse-N1", CPUID: "0x41/0xd0c variant 0x3 revision 1", Cores: 2, Kernel: "6.1", Go: "go1"}
	two := one
	two.CPU, two.CPUID = "ARM Neoverse-V1", "0x41/0xd40 variant 0x1 revision 1"
	base, slower := folder(t, 1, one, 1, 1), folder(t, 2, two, 0.5, 1)

	out, msg, code := hellobench(t, "compare", base, slower)
	assert.Equal(t, 5, code)
	assert.Equal(t, "hellobench: day-01 and day-02 were measured on different machines: processor (ARM Neoverse-N1 and ARM Neoverse-V1); no figure can be compared without --reference ARM, an arm that both runs measured\n", msg)
	assert.Contains(t, oneLine(out), "! The machines differ: processor (ARM Neoverse-N1 and ARM Neoverse-V1).")
	assert.NotContains(t, out, "worse")
	out, _, code = hellobench(t, "compare", base, slower, "--format", "markdown")
	assert.Equal(t, 5, code)
	assert.Contains(t, out, "> The machines differ: processor")
	out, _, code = hellobench(t, "compare", base, slower, "--format", "json")
	assert.Equal(t, 5, code)
	assert.Contains(t, out, `"what": "processor"`)
	assert.Contains(t, out, `"regressions": 0`)

	out, msg, code = hellobench(t, "compare", base, slower, "--reference", "node-http")
	assert.Zero(t, code, msg)
	assert.Contains(t, oneLine(out), "Figures over node-http are free of what a machine does to both alike")
	_, msg, code = hellobench(t, "compare", base, folder(t, 3, two, 0.5, 0.5), "--reference", "node-http")
	assert.Equal(t, 3, code, "slower than its reference is slower on any machine")
	assert.Contains(t, msg, "figures got worse")
	_, _, code = hellobench(t, "compare", base, folder(t, 4, one, 1, 0.5))
	assert.Equal(t, 3, code, "one machine")
	_, msg, code = hellobench(t, "compare", base, slower, "--reference", "nobody")
	assert.Equal(t, 2, code)
	assert.Contains(t, msg, `has no arm "nobody"`)
}

func TestTrendAcrossMachines(t *testing.T) {
	one := record.Environment{OS: "linux", Arch: "amd64", CPU: "AMD EPYC", Cores: 2, Go: "go1"}
	two := one
	two.Cores = 4
	season := func(machines []record.Environment, flask func(day int) float64) (dirs []string) {
		for day, m := range machines {
			dirs = append(dirs, folder(t, day, m, 1, flask(day)))
		}
		return dirs
	}
	from := func(first int) func(int) float64 {
		return func(day int) float64 {
			if day < first {
				return 1
			}
			return 0.6
		}
	}
	eight, four := slices.Repeat([]record.Environment{one}, 8), slices.Repeat([]record.Environment{two}, 4)
	trend := func(dirs []string, flags ...string) (string, string, int) {
		return hellobench(t, slices.Concat([]string{"trend", "--reference", "node-http"}, flags, dirs)...)
	}

	_, msg, code := trend(season(eight, from(5)), "--alarm")
	assert.Equal(t, 3, code, "on one machine it is news")
	assert.Contains(t, msg, "flask-dev at c=1 changed at day-05 (2025-03-19): from")

	moved := season(slices.Concat(eight, four), from(8))
	out, msg, code := trend(moved, "--alarm")
	assert.Zero(t, code, msg)
	assert.Contains(t, oneLine(out), "the number of cores changed at day-08 (2, then 4): earlier runs are not compared with later ones")
	assert.Contains(t, oneLine(out), "since then there are 4 runs; it takes 6 to see a change")
	out, _, _ = trend(moved, "--format", "json")
	assert.Contains(t, out, `"since": 8`)
	assert.Contains(t, out, `"machine": "AMD EPYC, 4 cores"`)
	assert.Contains(t, out, `"what": "number of cores"`)
	page := filepath.Join(t.TempDir(), "trend.html")
	_, _, code = trend(moved, "--format", "html", "--out", page)
	assert.Zero(t, code)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Contains(t, string(text), "<title>the number of cores changed at day-08")

	// A change in the machine before this one was news in its time.
	_, msg, code = trend(season(slices.Concat(eight, four[:1]), from(5)), "--alarm")
	assert.Zero(t, code, msg)
}
