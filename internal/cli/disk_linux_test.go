package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/record"
)

// TestFullDisk fills a real file system, small enough: the run ends with
// exit 1, says why, and what was written before stays readable.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(disk, unix.MNT_DETACH)) })
	profile := filepath.Join(t.TempDir(), "tiny.yaml")
	require.NoError(t, os.WriteFile(profile, []byte(`schema: 1
name: tiny
description: Many short trials.
arms: [node-http]
connections: [1]
window: 50ms
warmup: 0s
canary: false
blocks: {min: 200, max: 200}
`), 0o644))
	dir := filepath.Join(disk, "run")
	cmd := exec.CommandContext(t.Context(), binary, "run", "--profile", profile, "--out", dir)
	var said strings.Builder
	cmd.Stderr = &said
	err := cmd.Run()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Contains(t, said.String(), "no space left on device")
	assert.NotContains(t, said.String(), "goroutine")

	run, err := record.ReadRun(dir)
	require.NoError(t, err)
	trials, err := record.ReadTrials(dir)
	require.NoError(t, err)
	assert.NotEmpty(t, trials)
	assert.Less(t, len(trials), 400)
	assert.NotEmpty(t, record.CompleteBlocks(run, trials))
	out, err := exec.CommandContext(t.Context(), binary, "report", dir, "--format", "csv").Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), "node-http")
}
