package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

// oneTrial is a run of one short trial.
const oneTrial = `schema: 1
name: tiny
description: One short trial.
arms: [node-http]
connections: [2]
window: 100ms
passes: 1
warmup: 0s
canary: false
blocks: {min: 1, max: 1}
`

// TestRunsOfOneSecond starts three runs at the beginning of a second: each gets a
// folder of its own, and results/latest is one of them.
func TestRunsOfOneSecond(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tiny.yaml"), []byte(oneTrial), 0o644))
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), binary, "run", "--profile", "tiny.yaml")
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 4) { // they disturb each other
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	runs, err := filepath.Glob(filepath.Join(dir, "results", "*-tiny*"))
	require.NoError(t, err)
	assert.Len(t, runs, 3)
	ids := map[string]bool{}
	for _, run := range runs {
		r, err := record.ReadRun(run)
		require.NoError(t, err)
		assert.Equal(t, record.Complete, r.State)
		assert.Equal(t, filepath.Base(run), r.ID)
		ids[r.ID] = true
	}
	latest, err := os.Readlink(filepath.Join(dir, "results", "latest"))
	require.NoError(t, err)
	assert.Contains(t, ids, latest)
	links, err := filepath.Glob(filepath.Join(dir, "results", "latest.*"))
	require.NoError(t, err)
	assert.Empty(t, links)
}
