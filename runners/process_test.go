package runners

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeServer is a server that the test binary plays.
func fakeServer(t *testing.T, kind string) *Installed {
	t.Helper()
	m := &Manifest{
		Name: "fake-" + kind, Command: []string{os.Args[0]}, Ready: Ready{Path: "/"},
		Environment: map[string]string{"HELLOBENCH_FAKE": kind, "PORT": "{port}", "HELLOBENCH_MARK": t.Name()},
		Routes:      map[string]Route{"/": {Body: Exactly("fake")}},
	}
	if kind == "random" || kind == "own" {
		m.Routes["/"] = Route{}
	}
	return &Installed{Manifest: m, Src: t.TempDir()}
}

func start(t *testing.T, kind string, opts Options) (*Process, error) {
	t.Helper()
	opts.Guard = GuardOfTests
	p, err := Start(t.Context(), fakeServer(t, kind), opts)
	if p != nil {
		t.Cleanup(func() { _ = p.Stop() })
	}
	return p, err
}

func TestStartVerifyStop(t *testing.T) {
	log := filepath.Join(t.TempDir(), "server.log")
	p, err := start(t, "slow", Options{LogFile: log})
	require.NoError(t, err)
	assert.GreaterOrEqual(t, p.Startup(), 700*time.Millisecond)
	exchanges, err := p.Verify(t.Context(), "/")
	require.NoError(t, err)
	assert.Equal(t, "fake", string(exchanges[0].Want.Exact))
	require.NoError(t, p.Alive())
	require.NoError(t, p.Stop())
	assert.ErrorContains(t, p.Alive(), "ended by itself")
	_, err = net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(p.Port())) //nolint:noctx // refused at once
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	assert.FileExists(t, log)
}

func TestStartFailures(t *testing.T) {
	for _, tc := range []struct {
		kind string
		want string
	}{
		{"exits", `start server "fake-exits": it ended before it was ready (exit status 7); it printed: Error: cannot [31mload module`},
		{"silent", `start server "fake-silent": not ready after 300ms`},
		{"error", `start server "fake-error": not ready after 3s (/ answers status 500)`},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			deadline := 300 * time.Millisecond
			if tc.kind == "exits" {
				deadline = 20 * time.Second
			}
			if tc.kind == "error" {
				deadline = 3 * time.Second // it has to come as far as its answer
			}
			_, err := start(t, tc.kind, Options{Deadline: deadline})
			require.ErrorContains(t, err, tc.want)
			assert.NotContains(t, err.Error(), "\n")
			assert.NotContains(t, err.Error(), "\x1b")
		})
	}
}

func TestStartCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	_, err := Start(ctx, fakeServer(t, "silent"), Options{Guard: GuardOfTests})
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), 10*time.Second)
}

func TestVerifyRefuses(t *testing.T) {
	for kind, want := range map[string]string{
		"wrong":  `wrong body: "other", want "fake"`,
		"random": "two answers differ",
	} {
		p, err := start(t, kind, Options{})
		require.NoError(t, err, kind)
		_, err = p.Verify(t.Context(), "/")
		assert.ErrorContains(t, err, want)
	}
	p, err := start(t, "plain", Options{})
	require.NoError(t, err)
	require.NoError(t, p.Stop())
	_, err = p.Verify(t.Context(), "/")
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestUsage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	idle, err := start(t, "plain", Options{})
	require.NoError(t, err)
	busy, err := start(t, "busy", Options{})
	require.NoError(t, err)
	used := func(p *Process) time.Duration {
		before, err := p.Usage(true)
		require.NoError(t, err)
		for burned := time.Duration(0); burned < 50*time.Millisecond; { // until the kernel has charged the busy one
			u, err := busy.Usage(true)
			require.NoError(t, err)
			burned = u.CPU.Total() - before.CPU.Total()
			if p == idle {
				time.Sleep(100 * time.Millisecond)
				break
			}
			time.Sleep(time.Millisecond)
		}
		after, err := p.Usage(true)
		require.NoError(t, err)
		assert.Positive(t, after.RSS)
		assert.Positive(t, after.PSS)
		assert.Positive(t, after.Threads)
		assert.Equal(t, 1, after.Processes)
		return after.CPU.Total() - before.CPU.Total()
	}
	assert.GreaterOrEqual(t, used(busy), 50*time.Millisecond)
	assert.Less(t, used(idle), 50*time.Millisecond)
	require.NoError(t, idle.Stop())
	_, err = idle.Usage(true)
	assert.Error(t, err)
}

func TestParameters(t *testing.T) {
	_, err := parameter("workers", nil, 2)
	require.ErrorContains(t, err, "no such parameter")
	_, err = parameter("workers", &Parameter{Default: 1, Max: 4}, 5)
	require.ErrorContains(t, err, "at most 4")
	v, err := parameter("workers", &Parameter{Default: 3, Max: 4}, 0)
	require.NoError(t, err)
	assert.Equal(t, "3", v)
}

func TestOlder(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{{"3.9.1", "3.10", true}, {"3.10", "3.9.9", false}, {"20.0.0", "20", false}, {"20", "20.0", false}, {"18.19", "20.0", true}} {
		assert.Equal(t, tc.want, older(tc.a, tc.b), "%s older than %s", tc.a, tc.b)
	}
}
