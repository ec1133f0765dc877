package cli_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
warmup: 20ms
timeout: 2s
canary: false
blocks: {min: BLOCKS, max: BLOCKS}
`

// TestResumeAfterKills kills a run again and again at random moments and
// resumes it: in the end every planned trial stands in the journal once.
// HELLOBENCH_KILLS sets how often (make truth: 100).
func TestResumeAfterKills(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("HELLOBENCH_KILLS")); err == nil {
		kills = n
	}
	dir := t.TempDir()
	profile := filepath.Join(dir, "short.yaml")
	text := bytes.ReplaceAll([]byte(shortTrials), []byte("BLOCKS"), []byte(strconv.Itoa(kills+4)))
	require.NoError(t, os.WriteFile(profile, text, 0o644))
	run := filepath.Join(dir, "run")
	args := []string{"run", "--profile", profile, "--out", run}
	rng := rand.New(rand.NewPCG(1, uint64(kills)))
	done := 0
	for done < kills {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		require.NoError(t, cmd.Start())
		deadline := time.Now().Add(30 * time.Second)
		for args[1] != "--resume" && time.Now().Before(deadline) { // the first time: not before there is a run
			if _, err := os.Stat(filepath.Join(run, record.RunFile)); err == nil {
				args = []string{"run", "--resume", run}
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(rng.IntN(900)) * time.Millisecond)
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			done++
		} else {
			break // it came to its end before the kill
		}
	}
	out, err := exec.CommandContext(t.Context(), binary, "run", "--resume", run).CombinedOutput()
	if err != nil {
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, 4, exit.ExitCode(), "done, or done and too disturbed by other tests: %s", out)
	}

	r, err := record.ReadRun(run)
	require.NoError(t, err)
	assert.Equal(t, record.Complete, r.State)
	trials, err := record.ReadTrials(run)
	require.NoError(t, err)
	type place struct {
		block int
		arm   string
	}
	var want, got []place
	for i, block := range r.Plan {
		for _, p := range block {
			want = append(want, place{i, p.Arm})
		}
	}
	for _, tr := range trials {
		got = append(got, place{tr.Block, tr.Arm})
		assert.Empty(t, tr.Failure)
		assert.Len(t, tr.Windows, 3)
	}
	assert.ElementsMatch(t, want, got)
	assert.GreaterOrEqual(t, done, kills/2, "the run ended before it was killed often enough")
	t.Logf("%d kills, %d trials as planned, none twice", done, len(got))

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

	r.State = record.Running // as after a kill behind the last trial
	require.NoError(t, record.WriteRun(run, r))
	_ = exec.CommandContext(t.Context(), binary, "run", "--resume", run).Run() // its exit code is that of the trials
	again, err := record.ReadRun(run)
	require.NoError(t, err)
	assert.Greater(t, again.Engine.Ceiling, 100.0, "the ceiling is that of now")

	// What a resumed run is not: changed, or someone else's.
	out, err = exec.CommandContext(t.Context(), binary, "run", "--resume", run, "--seed", "3").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "--seed has no meaning beside --resume")
	r.Servers[0].Lock = "other"
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
