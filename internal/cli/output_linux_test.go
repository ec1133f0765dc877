package cli_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestOutputWritesThrough gives --out what is no plain file: it is written to,
// and stays what it is.
func TestOutputWritesThrough(t *testing.T) {
	reference, err := filepath.Abs("../../results/reference")
	require.NoError(t, err)
	dir := t.TempDir()
	shell := func(script string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "REPORT="+binary+" report "+reference+" --format csv --out")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", script, out)
		return string(out)
	}
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(data)
	}
	mode := func(name string) os.FileMode {
		t.Helper()
		info, err := os.Lstat(filepath.Join(dir, name))
		require.NoError(t, err)
		return info.Mode()
	}
	shell("$REPORT plain")
	want := read("plain")
	require.Contains(t, want, "node-http")

	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	assert.Equal(t, want, shell("$REPORT fifo & cat fifo; wait $!"))
	assert.Equal(t, os.ModeNamedPipe|0o600, mode("fifo"))

	shell("echo old >target; chmod 600 target; mkdir sub; ln -s ../target sub/link; ln -s sub/link chain; $REPORT chain")
	assert.Equal(t, want, read("target"))
	assert.Equal(t, os.FileMode(0o600), mode("target"))
	assert.NotZero(t, mode("chain")&os.ModeSymlink)
	assert.NotZero(t, mode("sub/link")&os.ModeSymlink)
	shell("ln -s later nowhere; $REPORT nowhere")
	assert.Equal(t, want, read("later"))
	assert.NotZero(t, mode("nowhere")&os.ModeSymlink)

	before, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	shell("$REPORT /dev/null")
	after, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	assert.Equal(t, before.Mode(), after.Mode())
	assert.Equal(t, want, shell("$REPORT /dev/stdout | cat"))
	assert.Equal(t, want, shell("$REPORT >(cat >piped; echo >done) && until [ -e done ]; do sleep 0.01; done; cat piped"))
	shell("echo first >log; $REPORT /dev/stdout >>log; echo last >>log")
	assert.Equal(t, "first\n"+want+"last\n", read("log"))

	for out, says := range map[string]string{
		"sub":        "exit 2: hellobench: write sub: it is a folder; name a file in it",
		"plain/file": "exit 1: hellobench: write plain/file: not a directory",
		"none/file":  "exit 1: hellobench: write none/file: no such file or directory",
		"/dev/full":  "exit 1: hellobench: write /dev/full: no space left on device",
	} {
		line, _, _ := strings.Cut(shell("said=$($REPORT "+out+" 2>&1) || echo \"exit $?: $said\""), "\n")
		assert.Equal(t, says, line)
	}
}

// TestReadOnlyFolder shows a run that must not be written to.
func TestReadOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../results/reference")))
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	require.NoError(t, unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	cmd := exec.CommandContext(t.Context(), binary, "report", dir)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, said.String())
	assert.Equal(t, "note: "+dir+" cannot be written to, so it holds no new plots, report.html, report.md, verdicts.json\n", said.String())
	assert.Contains(t, string(out), "node-http")
	assert.NotContains(t, string(out), "report.html")
	assert.Contains(t, string(out), "data:   "+dir)
}

// TestReportOnFullDisk prints the tables, a line for what could not be
// written, and names no file that is not there.
func TestReportOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	for _, name := range []string{"run.json", "trials.jsonl"} {
		data, err := os.ReadFile(filepath.Join("../../results/reference", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	fill, err := os.Create(filepath.Join(dir, "fill"))
	require.NoError(t, err)
	_, err = io.CopyN(fill, zeros{}, 64<<20)
	require.ErrorIs(t, err, unix.ENOSPC)
	require.NoError(t, fill.Close())
	cmd := exec.CommandContext(t.Context(), binary, "report", dir)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.ExitCode())
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	assert.Len(t, lines, 4)
	for _, name := range []string{"report.html", "report.md", "verdicts.json", "plots/"} {
		assert.Contains(t, said.String(), "write "+filepath.Join(dir, name))
	}
	assert.Contains(t, string(out), "node-http")
	assert.NotContains(t, string(out), "report.html")
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	assert.Empty(t, left, "temporary files")
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
