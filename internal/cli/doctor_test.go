package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/host/doctor"
)

// doctorWidth is the width of the tests' terminal.
const doctorWidth = 100

func TestDoctorText(t *testing.T) {
	checks := []doctor.Check{
		{Name: "ports", State: doctor.Bad, Finding: "few", Why: "too few", Mend: "sysctl -w a=1", Restore: "sysctl -w a=0"},
		{Name: "steal", State: doctor.Warn, Finding: "some", Why: "gone"},
		{Name: "cores", State: doctor.OK, Finding: "2", Why: "not shown"},
	}
	assert.Equal(t, `bad      ports         few
         why      too few
         fix      sysctl -w a=1
         restore  sysctl -w a=0
warn     steal         some
         why      gone
ok       cores         2
`, doctorText(checks, doctorWidth))
}

func TestDoctorClosing(t *testing.T) {
	assert.Equal(t, "1 bad, 2 warn, 0 unknown, 3 ok. Figures from this machine as it is now are not for quoting.",
		closing(map[doctor.State]int{doctor.Bad: 1, doctor.Warn: 2, doctor.OK: 3}))
	assert.Contains(t, closing(map[doctor.State]int{doctor.Warn: 2}), "keep the warnings in mind")
	assert.Contains(t, closing(map[doctor.State]int{doctor.OK: 2}), "0 bad, 0 warn, 0 unknown, 2 ok. Nothing here spoils a measurement.")
}

// TestWrappedCommand gives a command that was broken into lines to a shell.
func TestWrappedCommand(t *testing.T) {
	words := []string{"printf", "'%s|'"}
	want := ""
	for range 8 {
		words = append(words, `'/sys/fs/a name/cpu.max'`, `it\'s\ one`, "plain.word")
		want += "/sys/fs/a name/cpu.max|it's one|plain.word|"
	}
	head := "         fix      "
	text := wrap(head, strings.Join(words, " "), ` \`, doctorWidth)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	require.Greater(t, len(lines), 3)
	for _, line := range lines {
		assert.LessOrEqual(t, len(line), doctorWidth, line)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", strings.TrimPrefix(text, head)).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, want, string(out))
}

func TestWrappedText(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("it's a word ", 40))
	wrapped := wrap("head ", text, "", doctorWidth)
	for line := range strings.Lines(wrapped) {
		assert.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), doctorWidth)
		assert.Greater(t, len(line), 5)
	}
	assert.Equal(t, "head "+text, strings.Join(strings.Fields(wrapped), " "), "an apostrophe keeps nothing together")
	assert.Equal(t, "a \n", wrap("a ", "", "", doctorWidth))
}

// TestDoctorScript runs the script: what it fixes, it puts back.
func TestDoctorScript(t *testing.T) {
	dir := t.TempDir()
	setting, script := filepath.Join(dir, "a setting"), filepath.Join(dir, "tune.sh")
	require.NoError(t, os.WriteFile(setting, []byte("slow"), 0o644))
	checks := []doctor.Check{
		{Name: "a", Finding: "slow", Mend: "printf fast >'" + setting + "'", Restore: "printf slow >'" + setting + "'"},
		{Name: "b", Finding: "of one shell", Mend: "exit 9"},
	}
	run := func(argument string) error {
		require.NoError(t, os.WriteFile(script, []byte(doctorScript(checks)), 0o644))
		return exec.CommandContext(t.Context(), "sh", script, argument).Run()
	}
	for _, step := range []struct{ argument, want string }{{"fix", "fast"}, {"restore", "slow"}} {
		require.NoError(t, run(step.argument))
		now, err := os.ReadFile(setting)
		require.NoError(t, err)
		assert.Equal(t, step.want, string(now))
	}
	require.Error(t, run("nonsense"))
	checks = nil
	require.NoError(t, run("fix"))
	require.NoError(t, run("restore"))
}
