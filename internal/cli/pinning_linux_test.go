package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/record"
)

// forbidVariable makes this test binary the command of its arguments, for which
// the kernel refuses the system calls of the kind that it names.
const forbidVariable = "HELLOBENCH_TEST_FORBID"

func init() {
	if os.Getenv(forbidVariable) != "" {
		fmt.Fprintln(os.Stderr, forbidPinning(os.Args[1:]))
		os.Exit(99)
	}
}

// forbidPinning installs a filter as a container's seccomp profile does, and
// becomes a command.
func forbidPinning(args []string) error {
	runtime.LockOSThread() // the filter is the thread's, and execve keeps it
	refuse := uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.EPERM)
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_SCHED_SETAFFINITY, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: refuse},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return err
	}
	if err := os.Unsetenv(forbidVariable); err != nil {
		return err
	}
	return syscall.Exec(args[0], args, os.Environ())
}

// TestPinningForbidden measures where the kernel refuses to pin, as in many
// containers: unpinned, with a word, and not for quoting.
func TestPinningForbidden(t *testing.T) {
	forbidden := func(args ...string) (string, int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{binary}, args...)...)
		cmd.Env = append(os.Environ(), forbidVariable+"=sched_setaffinity")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	dir := t.TempDir()
	profile, run := filepath.Join(dir, "tiny.yaml"), filepath.Join(dir, "run")
	require.NoError(t, os.WriteFile(profile, []byte(oneTrial), 0o644))
	const notice = "Servers and generator share all cores, because they cannot be pinned: pin to cores 0"
	for _, args := range [][]string{{}, {"--server-cpus", "0"}} {
		run := run + fmt.Sprint(len(args))
		out, code := forbidden(append([]string{"run", "--profile", profile, "--out", run}, args...)...)
		assert.Contains(t, []int{0, 4}, code, out) // other tests may disturb it
		assert.Contains(t, out, "note: "+notice)
		assert.Contains(t, out, "operation not permitted. Figures from this machine are not for quoting.")
		r, err := record.ReadRun(run)
		require.NoError(t, err)
		assert.Equal(t, record.Complete, r.State)
		assert.False(t, r.Quotable)
		assert.Empty(t, r.ServerCPUs)
		assert.Empty(t, r.LoadCPUs)
		trials, err := record.ReadTrials(run)
		require.NoError(t, err)
		require.NotEmpty(t, trials)
		assert.Empty(t, trials[0].Failure)
	}
	out, code := forbidden("calibrate", "--engine", "wire", "--duration", "20ms", "--format", "json")
	assert.Zero(t, code, out)
	assert.Contains(t, out, notice)

	addr := fmt.Sprint("127.0.0.1:", freePort(t))
	null := exec.CommandContext(t.Context(), binary, "null", "--addr", addr)
	require.NoError(t, null.Start())
	t.Cleanup(func() { _ = null.Process.Kill(); _ = null.Wait() })
	eventually(t, "the null server listens", func() bool {
		return exec.CommandContext(t.Context(), binary, "load", "--duration", "10ms", "--connections", "1", "http://"+addr+"/").Run() == nil
	})
	out, code = forbidden("load", "--load-cpus", "0", "--duration", "100ms", "http://"+addr+"/")
	assert.Zero(t, code, out)
	assert.Contains(t, out, "note: The generator is not pinned: pin to cores 0")
	assert.Regexp(t, `errors +none`, out)

	// A run that was pinned does not go on unpinned.
	r, err := record.ReadRun(run + "0")
	require.NoError(t, err)
	r.State, r.ServerCPUs, r.LoadCPUs = record.Running, []int{0}, []int{1}
	require.NoError(t, record.WriteRun(run+"0", r))
	out, code = forbidden("run", "--resume", run+"0")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "what may be pinned to cores changed since the run began")
}
