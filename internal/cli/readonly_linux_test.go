package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

// TestReadOnly takes the right to write to each folder that a run writes to,
// before it begins or in its middle: one line says so, the exit code is 1, and the run goes
// on, or starts over, once the right is back.
func TestReadOnly(t *testing.T) {
	var prefix []string
	if os.Getuid() == 0 { // whom the rights of a folder do not stop, unless that is taken away
		prefix = []string{"setpriv", "--bounding-set", "-dac_override,-dac_read_search"}
		if out, err := exec.CommandContext(t.Context(), prefix[0], append(prefix[1:], "true")...).CombinedOutput(); err != nil {
			t.Skipf("%v: %s", err, out)
		}
	}
	profile := filepath.Join(t.TempDir(), "short.yaml")
	require.NoError(t, os.WriteFile(profile, []byte(shortTrials), 0o644))
	for _, tc := range []struct {
		name, folder string
		trials       int // in the journal when it happens; -1: before the run begins
	}{
		{"where the run is to be", "out", -1},
		{"the run", "out/run", -1},
		{"the cache", "cache", -1},
		{"temporary files", "tmp", -1},
		{"the run, later", "out/run", 0},
		{"the run, in the middle", "out/run", 2},
		{"the pictures, at the end", "out/run/plots", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.trials != 2 && number("HELLOBENCH_SURVIVE", 0) == 0 {
				t.Skip("a part of make survive")
			}
			home := t.TempDir()
			for _, dir := range []string{"out", "cache", "tmp"} {
				require.NoError(t, os.Mkdir(filepath.Join(home, dir), 0o755))
			}
			folder, run := filepath.Join(home, tc.folder), filepath.Join(home, "out", "run")
			forbid := func() {
				require.NoError(t, os.MkdirAll(folder, 0o755))
				require.NoError(t, os.Chmod(folder, 0o555))
			}
			t.Cleanup(func() { _ = os.Chmod(folder, 0o755) })
			start := func(args ...string) (*exec.Cmd, *lockedBuffer) {
				cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
				said := new(lockedBuffer)
				cmd.Stderr, cmd.Env = said, append(os.Environ(), "HELLOBENCH_CACHE="+filepath.Join(home, "cache"), "TMPDIR="+filepath.Join(home, "tmp"))
				require.NoError(t, cmd.Start())
				return cmd, said
			}
			if tc.trials < 0 {
				forbid()
			}
			cmd, said := start(append(prefix, binary, "run", "--profile", profile, "--out", run)...)
			eventually(t, "the moment", func() bool {
				_, err := os.Stat(filepath.Join(run, record.RunFile))
				journal, _ := os.ReadFile(filepath.Join(run, record.TrialsFile))
				return tc.trials < 0 || err == nil && bytes.Count(journal, []byte("\n")) >= tc.trials
			})
			forbid()
			late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer late.Stop()
			_ = cmd.Wait()
			assert.Equal(t, 1, cmd.ProcessState.ExitCode(), said.String())
			assert.Contains(t, said.String(), "hellobench: ")
			assert.Regexp(t, regexp.QuoteMeta(folder)+".*permission denied", said.String())
			assert.NotContains(t, said.String(), "FAILED")

			require.NoError(t, os.Chmod(folder, 0o755))
			args := []string{binary, "run", "--resume", run}
			if _, err := os.Stat(filepath.Join(run, record.RunFile)); err != nil {
				args = []string{binary, "run", "--profile", profile, "--out", run}
			}
			cmd, said = start(args...)
			_ = cmd.Wait()
			assert.Contains(t, []int{0, 4}, cmd.ProcessState.ExitCode(), said.String())
			r, err := record.ReadRun(run)
			require.NoError(t, err)
			trials, err := record.ReadTrials(run)
			require.NoError(t, err)
			assert.Equal(t, record.Complete, r.State)
			assert.Len(t, trials, 6)
		})
	}
}
