package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

const shortTrials = `schema: 1
name: short
description: Many short trials.
arms: [node-http]
connections: [1, 2]
window: 20ms
passes: 1
warmup: 20ms
timeout: 2s
canary: false
blocks: {min: 3, max: 3}
`

// TestResumeComplete goes on with a run that is complete: nothing is measured
// again, and what does not fit is refused.
func TestResumeComplete(t *testing.T) {
	dir := t.TempDir()
	profile := filepath.Join(dir, "short.yaml")
	require.NoError(t, os.WriteFile(profile, []byte(shortTrials), 0o644))
	run := filepath.Join(dir, "run")
	out, err := exec.CommandContext(t.Context(), binary, "run", "--profile", profile, "--out", run).CombinedOutput()
	if err != nil {
		require.ErrorContains(t, err, "exit status 4", "too disturbed by other tests: %s", out)
	}
	r, err := record.ReadRun(run)
	require.NoError(t, err)
	r.Engine.Ceiling = 1
	require.NoError(t, record.WriteRun(run, r))
	out, err = exec.CommandContext(t.Context(), binary, "run", "--resume", run).CombinedOutput()
	assert.Contains(t, string(out), "there is nothing to go on with")
	if err != nil {
		assert.ErrorContains(t, err, "exit status 4")
	}
	same, err := record.ReadRun(run)
	require.NoError(t, err)
	assert.Equal(t, r, same, "a complete run stays as it is")

	r.State, r.End = record.Running, time.Time{} // as after a kill behind the last trial
	require.NoError(t, record.WriteRun(run, r))
	_ = exec.CommandContext(t.Context(), binary, "run", "--resume", run).Run() // its exit code is that of the trials
	again, err := record.ReadRun(run)
	require.NoError(t, err)
	assert.Greater(t, again.Engine.Ceiling, 100.0, "the ceiling is that of now")

	// What a resumed run is not: changed, or someone else's.
	out, err = exec.CommandContext(t.Context(), binary, "run", "--resume", run, "--seed", "3").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "--seed has no meaning together with --resume")
	r.Servers[0].Lock = strings.Repeat("0", 64)
	require.NoError(t, record.WriteRun(run, r))
	out, err = exec.CommandContext(t.Context(), binary, "run", "--resume", run).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "the servers or their runtimes changed since the run began")
	journal, err := record.OpenJournal(run)
	require.NoError(t, err)
	_, err = record.OpenJournal(run)
	require.ErrorContains(t, err, "another hellobench writes")
	require.NoError(t, journal.Close())
}
