package agent_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/agent"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/machine"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// TestMain lets the test binary be the agent, the guard and the null server, which the
// program is in earnest.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "guard":
			os.Exit(runners.GuardMain(os.Args[2:]))
		case "null":
			s, err := null.Start(context.Background(), null.Options{Addr: os.Args[3]})
			if err == nil {
				fmt.Println("null server at", s.URL())
				err = s.Wait()
			}
			fail(err)
		case "agent":
			fail(agent.Serve(context.Background(), standard{os.Stdin, os.Stdout}, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }))
		}
	}
	os.Exit(m.Run())
}

type standard struct {
	*os.File
	out *os.File
}

func (s standard) Write(p []byte) (int, error) { return s.out.Write(p) }

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// reach lets this machine play the remote one: a script takes the place of ssh. It runs
// the given lines first, and then the command, here.
func reach(t *testing.T, script string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ssh")
	text := "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\ntarget=$2; shift 2\n" + script + "\nexec sh -c \"$*\"\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o755)) //nolint:gosec // it is to be executed
	t.Setenv("HELLOBENCH_SSH", file)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("SSH_CONNECTION", "192.0.2.1 50000 127.0.0.1 22")
}

func dial(t *testing.T, target string) *agent.Host {
	t.Helper()
	h, err := agent.Dial(t.Context(), target, func(reason error) { t.Errorf("lost: %v", reason) }, t.Logf)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h
}

func TestServerOverThere(t *testing.T) {
	reach(t, "echo Welcome to $target!")
	h := dial(t, "user@there")
	assert.Equal(t, "127.0.0.1", h.Facts.Address)
	assert.Equal(t, "192.0.2.1", h.Facts.Peer)
	assert.Positive(t, h.Facts.Environment.Cores)
	assert.Positive(t, h.Facts.Limits.OpenFiles)

	log := filepath.Join(t.TempDir(), "null.log")
	s, err := h.Start(t.Context(), machine.Start{Server: record.NullServer, LogFile: log})
	require.NoError(t, err)
	require.Len(t, s.Ports(), 1)
	assert.Positive(t, s.Startup())
	require.NoError(t, s.Alive())
	exchanges, err := s.Verify(t.Context(), "/")
	require.NoError(t, err)
	require.Len(t, exchanges, 1)
	assert.Equal(t, null.Body, string(exchanges[0].Want.Exact))

	before, err := s.Usage(true)
	require.NoError(t, err)
	clock := s.Clock()()
	e := agent.NewEngine("wire", []agent.Generator{{Host: h}}, 0)
	m, err := e.Run(t.Context(), load.Spec{Exchanges: exchanges, Connections: 4, Duration: 200 * time.Millisecond})
	require.NoError(t, err)
	assert.Positive(t, m.OK)
	assert.Zero(t, m.Errors.Total(), m.FirstError)
	after, err := s.Usage(false)
	require.NoError(t, err)
	used := after.CPU.Sub(before.CPU).Total()
	assert.Positive(t, used)
	assert.InDelta(t, used.Seconds(), (s.Clock()() - clock).Seconds(), 0.05, "clock and account")
	assert.Positive(t, before.RSS)

	var fault record.Fault
	require.NoError(t, s.Stop())
	assert.FileExists(t, log)
	_, err = s.Usage(true)
	assert.ErrorContains(t, err, "no server")

	_, err = h.Start(t.Context(), machine.Start{Server: "absent"})
	require.ErrorContains(t, err, "not installed")
	assert.NotErrorAs(t, err, &fault)
}

// TestTogether has two machines load one server that counts, and takes a known time.
func TestTogether(t *testing.T) {
	const takes = 20 * time.Millisecond
	var answered atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(takes)
		answered.Add(1)
		_, _ = w.Write([]byte("ok"))
	}))
	defer server.Close()
	reach(t, "")
	e := agent.NewEngine("wire", []agent.Generator{{Host: dial(t, "a")}, {Host: dial(t, "b")}}, 0)
	for name, spec := range map[string]load.Spec{
		"closed": {Connections: 5},
		"open":   {Schedule: &load.Schedule{Rate: 200, Poisson: true, Seed: 1}},
		"one":    {Connections: 1},
	} {
		t.Run(name, func(t *testing.T) {
			before := answered.Load()
			var told []string
			spec.Exchanges, spec.Duration = http1.Get(server.URL), time.Second
			spec.Opened = func() { told = append(told, "opened") }
			spec.Began = func() { told = append(told, "began") }
			spec.Ended = func() { told = append(told, "ended") }
			m, err := e.Run(t.Context(), spec)
			require.NoError(t, err)
			assert.Equal(t, []string{"opened", "began", "ended"}, told)
			assert.EqualValues(t, answered.Load()-before, m.OK, "each response counted once")
			assert.Equal(t, m.Requests, m.OK)
			assert.Equal(t, spec.Connections, m.Connections)
			h, err := m.Latency.Histogram()
			require.NoError(t, err)
			assert.EqualValues(t, m.OK, h.Count())
			assert.InEpsilon(t, takes.Seconds(), h.Quantile(0.5).Seconds(), 0.2)
			if spec.Schedule != nil {
				assert.InDelta(t, 200, m.Offered, 1e-9)
				assert.InDelta(t, 200, float64(m.Scheduled), 5*14.2) // five standard deviations
			} else {
				assert.LessOrEqual(t, m.Throughput(), float64(spec.Connections)/takes.Seconds())
			}
		})
	}
	_, err := e.Run(t.Context(), load.Spec{Exchanges: http1.Get(server.URL), Duration: time.Second})
	assert.ErrorContains(t, err, "connections 0")

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = e.Run(ctx, load.Spec{Exchanges: http1.Get(server.URL), Connections: 2, Duration: time.Minute})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestBesideAndHeld(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
	defer server.Close()
	reach(t, "")
	h := dial(t, "a")
	x := http1.Get(server.URL)[0]
	x.Want.Status = http.StatusOK
	held, err := h.Hold(t.Context(), &x, 7, time.Second)
	require.NoError(t, err)
	beside := h.Beside(t.Context(), &x)
	require.NoError(t, err)
	time.Sleep(50 * time.Millisecond)
	assert.Positive(t, beside())
	assert.Equal(t, 7, held())
	assert.Zero(t, held(), "it has ended")
}

// TestLost kills the agent: its servers end with it, and whoever waits for it is told.
func TestLost(t *testing.T) {
	reach(t, "")
	var reason atomic.Pointer[error]
	h, err := agent.Dial(t.Context(), "a", func(err error) { reason.Store(&err) }, t.Logf)
	require.NoError(t, err)
	s, err := h.Start(t.Context(), machine.Start{Server: record.NullServer})
	require.NoError(t, err)
	exchanges, err := s.Verify(t.Context(), "/")
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(h.PID(), syscall.SIGKILL))
	_, err = s.Usage(true)
	require.Error(t, err)
	require.NotNil(t, reason.Load(), "told before the call returns")
	assert.ErrorContains(t, *reason.Load(), "the connection to a was lost")
	_ = h.Close()
	assert.Eventually(t, func() bool {
		_, err := http.Get(exchanges[0].URL) //nolint:bodyclose,noctx // it is to fail
		return err != nil
	}, 5*time.Second, 20*time.Millisecond, "the server has ended")
}

func TestUnreachable(t *testing.T) {
	for name, c := range map[string]struct{ script, says string }{
		"password":        {"echo 'u@a: Permission denied (publickey,password).' >&2; exit 255", "hint: ssh has to log in without a password: ssh-copy-id a"},
		"unknown key":     {"echo 'Host key verification failed.' >&2; exit 255", "hint: connect once by hand"},
		"no host":         {"echo 'ssh: Could not resolve hostname a: Name or service not known' >&2; exit 255", "reach a: ssh: Could not resolve hostname"},
		"another machine": {"printf 'Linux\\nriscv64\\nabsent\\n'; exit", "a is Linux on riscv64"},
		"no space":        {"case \"$*\" in *cat*) echo 'cat: write error: No space left on device' >&2; exit 1;; esac", "No space left on device"},
		"not executable":  {"case \"$*\" in *agent\\'*) echo 'sh: agent: Permission denied' >&2; exit 126;; esac", "Permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			reach(t, c.script)
			_, err := agent.Dial(t.Context(), "a", func(error) {}, t.Logf)
			require.ErrorContains(t, err, c.says)
			assert.LessOrEqual(t, strings.Count(err.Error(), "\n"), 1, "a line and a hint")
		})
	}
	for _, wrong := range []string{"", "-oProxyCommand=x", "a b", "a'b"} {
		assert.ErrorContains(t, agent.Check(wrong), "want [USER@]HOST")
	}
	t.Setenv("HELLOBENCH_SSH", "no-such-ssh")
	_, err := agent.Dial(t.Context(), "a", func(error) {}, t.Logf)
	assert.ErrorContains(t, err, "install an ssh client")
}
