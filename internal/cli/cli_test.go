package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/runners"
)

// binary is the program as it is shipped; guard and null server are the same
// program again, so a test binary could not stand in for it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hellobench-test-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "hellobench")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", binary, "../../cmd/hellobench")
	build.Stderr = os.Stderr
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGHUP} {
		if signal.Ignored(s) { // in a shell's background, under nohup: what the tests start would inherit that
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
	code := 1
	if build.Run() == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func TestScripts(t *testing.T) {
	cache, err := runners.DefaultCache()
	require.NoError(t, err)
	reference, err := filepath.Abs("../../results/reference")
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Condition: func(name string) (bool, error) {
			switch name {
			case "traces":
				return mayTrace(), nil
			case "perf":
				return exec.CommandContext(t.Context(), "perf", "record", "--quiet", "--output", os.DevNull, "--", "true").Run() == nil, nil
			}
			return false, fmt.Errorf("no condition %q", name)
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("HELLOBENCH_CACHE", cache)
			node, err := exec.LookPath("node")
			if err != nil {
				return err
			}
			env.Setenv("NODE", node)
			env.Setenv("HELLOBENCH", binary)
			env.Setenv("REFERENCE", reference)
			port := freePort(t)
			env.Setenv("PORT", strconv.Itoa(port))
			env.Setenv("PORT1", strconv.Itoa(port+2000))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"runs":    runs,
			"waitfor": waitFor,
		},
	})
}

// exits runs a command and checks its exit code: exits CODE[|CODE] COMMAND...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want := strings.Split(args[0], "|"); !slices.Contains(want, strconv.Itoa(code)) {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// runs makes a run: runs COMMAND... Other tests work on the same cores, so that
// the run may rightly call itself invalid (exit code 4).
func runs(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 4) {
		ts.Fatalf("%v", err)
	}
}

// waitFor waits until something listens: waitfor PORT.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	for range 500 {
		if exec.CommandContext(context.Background(), binary, "load", "--duration", "10ms", "--connections", "1", "http://127.0.0.1:"+args[0]+"/").Run() == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("nothing listens on port %s", args[0])
}

func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 24000 + int(time.Now().UnixNano()/1000%2000)                 // and the one 2,000 above
		a, err1 := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))      //nolint:noctx // loopback
		b, err2 := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+2000)) //nolint:noctx // loopback
		for _, ln := range []net.Listener{a, b} {
			if ln != nil {
				_ = ln.Close()
			}
		}
		if err1 == nil && err2 == nil {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// harness is a run in the background, in a folder of its own.
type harness struct {
	*exec.Cmd
	dir    string
	stderr bytes.Buffer
}

func startRun(t *testing.T, args ...string) *harness {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	h := &harness{dir: filepath.Join(t.TempDir(), "run")}
	h.Cmd = exec.CommandContext(t.Context(), binary, append([]string{"run", "--profile", "quick", "--out", h.dir}, args...)...)
	h.Stderr = &h.stderr
	h.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, h.Start())
	eventually(t, "the guard runs", func() bool { return hasChild(h.Process.Pid) })
	return h
}

// hasChild says whether a process has started another one: a run's first is
// its guard, and by then it takes signals.
func hasChild(pid int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		stat, _ := os.ReadFile(file)
		_, rest, _ := strings.Cut(string(stat), ") ") // state, parent
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			return true
		}
	}
	return false
}

// servers are the processes whose environment says that this run started them.
func (h *harness) servers(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	var pids []string
	for _, file := range dirs {
		env, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(env), "HELLOBENCH_RUN="+h.dir+"\x00") {
			pids = append(pids, strings.Split(file, "/")[2])
		}
	}
	return pids
}

func (h *harness) trials() int {
	data, _ := os.ReadFile(filepath.Join(h.dir, "trials.jsonl"))
	return bytes.Count(data, []byte("\n"))
}

// eventually waits for something that a run does, and says what the run printed if it does not.
func (h *harness) eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			_ = h.Process.Kill()
			_ = h.Wait()
			t.Fatalf("no %s after 60 s; the run printed: %s", what, h.stderr.String())
		}
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 60*time.Second, 20*time.Millisecond, what)
}

// TestInterrupt ends a run at moments of all kinds, in both polite ways.
func TestInterrupt(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	for _, tc := range []struct {
		signal syscall.Signal
		trials int
		wait   time.Duration
	}{
		{syscall.SIGINT, 0, 0},
		{syscall.SIGINT, 0, 1500 * time.Millisecond},
		{syscall.SIGTERM, 1, 700 * time.Millisecond},
		{syscall.SIGINT, 2, 100 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%v after %d trials", tc.signal, tc.trials), func(t *testing.T) {
			h := startRun(t, "--arm", "node-http", "--engine", "wire")
			h.eventually(t, "trials", func() bool { return h.trials() >= tc.trials })
			time.Sleep(tc.wait)
			require.NoError(t, h.Process.Signal(tc.signal))
			var exit *exec.ExitError
			require.ErrorAs(t, h.Wait(), &exit)
			assert.Equal(t, 128+int(tc.signal), exit.ExitCode(), h.stderr.String())
			assert.Empty(t, h.servers(t), "servers left behind")
			assert.GreaterOrEqual(t, h.trials(), tc.trials)
			if tc.trials > 0 {
				assert.FileExists(t, filepath.Join(h.dir, "report.md"))
				out, err := exec.CommandContext(t.Context(), binary, "report", h.dir).CombinedOutput()
				require.NoError(t, err)
				assert.Contains(t, string(out), "node-http")
			}
		})
	}
}

// TestKill kills the harness in a way that it cannot answer: its guard ends the server.
func TestKill(t *testing.T) {
	h := startRun(t, "--arm", "node-http", "--engine", "wire")
	h.eventually(t, "a server", func() bool { return len(h.servers(t)) > 0 })
	require.NoError(t, h.Process.Kill())
	_ = h.Wait()
	eventually(t, "no server left", func() bool { return len(h.servers(t)) == 0 })
}

// TestNohup hangs up on a program that was started with hang-ups ignored.
func TestNohup(t *testing.T) {
	address := "127.0.0.1:" + strconv.Itoa(freePort(t))
	null := exec.CommandContext(t.Context(), binary, "null", "--addr", address)
	require.NoError(t, null.Start())
	t.Cleanup(func() { _ = null.Process.Kill(); _ = null.Wait() })
	load := exec.CommandContext(t.Context(), "sh", "-c", `trap '' HUP; exec "$0" "$@"`, binary, "load", "--duration", "1s", "--connections", "1", "http://"+address+"/")
	eventually(t, "the server", func() bool {
		c, err := net.Dial("tcp", address) //nolint:noctx // loopback
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	require.NoError(t, load.Start())
	time.Sleep(500 * time.Millisecond)
	require.NoError(t, load.Process.Signal(syscall.SIGHUP))
	require.NoError(t, load.Wait())
}

// TestSecondInterrupt does not wait for the first one's manners.
func TestSecondInterrupt(t *testing.T) {
	h := startRun(t, "--arm", "node-http", "--engine", "wire")
	h.eventually(t, "a server", func() bool { return len(h.servers(t)) > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			_ = h.Process.Signal(syscall.SIGINT)
			time.Sleep(time.Millisecond)
		}
	}()
	require.Error(t, h.Wait())
	eventually(t, "no server left", func() bool { return len(h.servers(t)) == 0 })
}

// mayTrace says whether a process may look into another one of the same user, which
// py-spy has to: as root with its capabilities, or where Yama does not forbid it.
func mayTrace() bool {
	if scope, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope"); err == nil && strings.TrimSpace(string(scope)) == "0" {
		return true
	}
	status, _ := os.ReadFile("/proc/self/status")
	_, effective, _ := strings.Cut(string(status), "CapEff:")
	text, _, _ := strings.Cut(strings.TrimSpace(effective), "\n")
	capabilities, err := strconv.ParseUint(text, 16, 64)
	const sysPtrace = 19
	return err == nil && capabilities&(1<<sysPtrace) != 0
}
