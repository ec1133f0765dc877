package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// scarcity lets the writes of a run fail from some point on: the greater n,
// the later. lift ends it.
type scarcity struct {
	name, says string
	few, begin []int // where the short form lets a run fail that goes on, and one that begins; the long form takes all places, in growing steps
	impose     func(t *testing.T, disk string, n int) (prefix []string)
	lift       func(t *testing.T, disk string)
}

var scarcities = []scarcity{
	{
		name: "no room", says: "no space left on device", few: []int{0, 3, 60},
		impose: func(t *testing.T, disk string, n int) []string {
			t.Helper()
			st := usage(t, disk)
			remount(t, disk, fmt.Sprintf("size=%d", (int64(st.Blocks-st.Bfree)+max(int64(n), 1))*st.Bsize)) // 0 is no limit
			return nil
		},
		lift: func(t *testing.T, disk string) { t.Helper(); remount(t, disk, "size=64m") },
	},
	{
		name: "no more files", says: "no space left on device", few: []int{1, 4}, begin: []int{7},
		impose: func(t *testing.T, disk string, n int) []string {
			t.Helper()
			st := usage(t, disk)
			remount(t, disk, fmt.Sprintf("nr_inodes=%d", int(st.Files-st.Ffree)+n))
			return nil
		},
		lift: func(t *testing.T, disk string) { t.Helper(); remount(t, disk, "nr_inodes=10000") },
	},
	{
		name: "no larger files", says: "file too large", few: []int{1, 60},
		impose: func(_ *testing.T, _ string, n int) []string {
			return []string{"sh", "-c", fmt.Sprintf(`ulimit -f %d; exec "$@"`, max(n, 1)), "sh"} // of 512 bytes; at 0 nothing prints at all
		},
		lift: func(*testing.T, string) {},
	},
}

func usage(t *testing.T, disk string) (st unix.Statfs_t) {
	t.Helper()
	require.NoError(t, unix.Statfs(disk, &st))
	return st
}

func remount(t *testing.T, disk, options string) {
	t.Helper()
	require.NoError(t, unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, options))
}

// TestFullDisk lets each write of a run fail, the first one, the second one and
// so on, as it begins and as it goes on: one line says why, the exit code is 1, what was
// written before stays readable, and the run goes on once there is room.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		inNamespace(t)
		return
	}
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=64m,nr_inodes=10000"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(disk, unix.MNT_DETACH)) })
	profile := filepath.Join(t.TempDir(), "short.yaml")
	require.NoError(t, os.WriteFile(profile, []byte(shortTrials), 0o644))
	begin := []string{binary, "run", "--profile", profile, "--out", filepath.Join(disk, "run")}
	base := interruptedRun(t, profile)
	for _, s := range scarcities {
		t.Run("going on, "+s.name, func(t *testing.T) {
			s.sweep(t, disk, base, []string{binary, "run", "--resume", filepath.Join(disk, "run")}, s.few)
		})
		t.Run("beginning, "+s.name, func(t *testing.T) { s.sweep(t, disk, "", begin, s.begin) })
	}
}

// inNamespace runs the test again, as root of a namespace of its own.
func inNamespace(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "unshare", "-rm", "true").CombinedOutput()
	if err != nil {
		t.Skipf("no root, and no namespace either: %v: %s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), "unshare", "-rm", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v").CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}

// interruptedRun is a run of which not all blocks are measured.
func interruptedRun(t *testing.T, profile string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	cmd := exec.CommandContext(t.Context(), binary, "run", "--profile", profile, "--out", dir)
	require.NoError(t, cmd.Start())
	eventually(t, "a block", func() bool {
		trials, _ := record.ReadTrials(dir)
		return len(trials) >= 2
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return dir
}

// sweep runs a command with later and later failures until there is none.
func (s *scarcity) sweep(t *testing.T, disk, base string, command []string, points []int) {
	failures, long := 0, number("HELLOBENCH_SURVIVE", 0) > 0
	if !long && len(points) == 0 {
		t.Skip("a part of make survive")
	}
	for i, n := 0, 0; long || i < len(points); i, n = i+1, n+1+n/16 {
		if !long {
			n = points[i]
		}
		dir := filepath.Join(disk, "run")
		require.NoError(t, os.RemoveAll(dir))
		if base != "" {
			require.NoError(t, os.CopyFS(dir, os.DirFS(base)))
		}
		before, _ := os.ReadFile(filepath.Join(dir, record.TrialsFile))
		prefix := s.impose(t, disk, n)
		out, said, code := finished(t, append(prefix, command...))
		done := code == 0 || code == 4
		if !done {
			failures++
			s.explained(t, n, out, said, code)
		}
		measured := s.readable(t, dir, before)
		s.lift(t, disk)
		if done {
			break
		}
		s.goesOn(t, dir, n, command)
		if base == "" && measured { // the rest is as in a run that goes on
			break
		}
	}
	assert.NotZero(t, failures, "nothing failed")
	t.Logf("%d places where it failed", failures)
}

// explained wants an exit code of 1 and a line a failure, each with its reason.
func (s *scarcity) explained(t *testing.T, n int, out, said string, code int) {
	t.Helper()
	assert.Equal(t, 1, code, "%d: %s", n, said)
	assert.NotContains(t, said, "goroutine ")
	assert.NotContains(t, said, "FAILED")
	lines := map[string]int{}
	for line := range strings.Lines(said) {
		if rest, ok := strings.CutPrefix(line, "hellobench: "); ok {
			lines[rest]++
			assert.Contains(t, rest, s.says, "%d", n)
			assert.Equal(t, 1, strings.Count(rest, s.says), "%d: said twice: %s", n, rest)
			assert.Equal(t, 1, lines[rest], "%d: said twice: %s", n, rest)
		}
	}
	assert.NotEmpty(t, lines, "%d: %s", n, said)
	for line := range strings.Lines(out) {
		for _, word := range []string{"report:", "plots:", "data:"} {
			if path, ok := strings.CutPrefix(line, word); ok {
				_, err := os.Stat(strings.TrimSpace(path))
				assert.NoError(t, err, "%d: it names what it could not write", n)
			}
		}
	}
}

// readable wants what was measured, if anything was, to be there and to be shown.
func (s *scarcity) readable(t *testing.T, dir string, before []byte) (measured bool) {
	t.Helper()
	after, _ := os.ReadFile(filepath.Join(dir, record.TrialsFile))
	assert.True(t, bytes.HasPrefix(after, before), "trials.jsonl lost what it held")
	if len(after) == 0 {
		return false
	}
	r, err := record.ReadRun(dir)
	require.NoError(t, err)
	trials, err := record.ReadTrials(dir)
	require.NoError(t, err)
	if len(before) > 0 {
		table, err := sample.New(r, trials)
		require.NoError(t, err)
		assert.Positive(t, len(table.Blocks.Counted))
	}
	out, said, code := finished(t, []string{binary, "report", dir, "--format", "csv"})
	assert.Zero(t, code, said)
	assert.Contains(t, out, "node-http")
	return true
}

// goesOn wants the run to come to its end now that there is room.
func (s *scarcity) goesOn(t *testing.T, dir string, n int, command []string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, record.RunFile)); err == nil {
		command = []string{binary, "run", "--resume", dir}
	}
	_, said, code := finished(t, command)
	assert.Contains(t, []int{0, 4}, code, "%d: %s", n, said)
	r, err := record.ReadRun(dir)
	require.NoError(t, err)
	assert.Equal(t, record.Complete, r.State)
	trials, err := record.ReadTrials(dir)
	require.NoError(t, err)
	assert.Len(t, trials, len(r.Plan)*len(r.Plan[0].Trials), "%d", n)
	for _, tr := range trials {
		assert.Empty(t, tr.Failure, "%d: what the disk lacks is no failure of the server", n)
	}
	litter, err := filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	assert.Empty(t, litter)
}

// finished runs a command, which has to end within a minute.
func finished(t *testing.T, argv []string) (out, said string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
	defer late.Stop()
	_ = cmd.Wait()
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}
