package runners

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/host"
)

func startGroup(t *testing.T, kind string, opts Options, n int) (*Group, error) {
	t.Helper()
	opts.Guard = GuardOfTests
	g, err := StartGroup(t.Context(), fakeServer(t, kind), opts, n)
	if g != nil {
		t.Cleanup(func() { _ = g.Stop() })
	}
	return g, err
}

func TestGroup(t *testing.T) {
	g, err := startGroup(t, "slow", Options{}, 3)
	require.NoError(t, err)
	exchanges, err := g.Verify(t.Context(), "/")
	require.NoError(t, err)
	require.Len(t, exchanges, 3)
	seen := map[int]bool{}
	for i, port := range g.Ports() {
		seen[port] = true
		assert.Equal(t, "http://127.0.0.1:"+strconv.Itoa(port)+"/", exchanges[i].URL)
		assert.Equal(t, "fake", string(exchanges[i].Want.Exact))
	}
	assert.Len(t, seen, 3, "a port each")
	assert.GreaterOrEqual(t, g.Startup(), 700*time.Millisecond)
	assert.Less(t, g.Startup(), 3*700*time.Millisecond, "they start beside one another")
	require.NoError(t, g.Alive())
	if runtime.GOOS == "linux" {
		sum, err := g.Usage(true)
		require.NoError(t, err)
		one, err := g.all[0].Usage(true)
		require.NoError(t, err)
		assert.Equal(t, 3, sum.Processes)
		assert.Greater(t, sum.RSS, 2*one.RSS)
		assert.Greater(t, sum.PSS, one.PSS)
		assert.GreaterOrEqual(t, sum.Threads, one.Threads+2)
		assert.Greater(t, sum.CPU.Total(), one.CPU.Total())
	}

	require.NoError(t, g.all[1].Stop())
	require.ErrorContains(t, g.Alive(), "ended by itself", "one of three is gone")
	_, err = g.Verify(t.Context(), "/")
	require.Error(t, err)
	require.NoError(t, g.Stop())
	for _, p := range g.all {
		assert.Error(t, p.Alive())
		assert.ErrorIs(t, syscall.Kill(-p.leader, 0), syscall.ESRCH)
	}
}

// TestGroupStartsWholeOrNot: an instance that cannot start takes the others with it.
func TestGroupStartsWholeOrNot(t *testing.T) {
	began := time.Now()
	_, err := startGroup(t, "exits", Options{}, 2)
	require.ErrorContains(t, err, "it ended before it was ready (exit status 7)")
	assert.NotContains(t, err.Error(), "canceled", "the cause, not what it led to")
	assert.Less(t, time.Since(began), 20*time.Second)
	_, err = startGroup(t, "plain", Options{CPUs: []int{0}}, 2)
	require.ErrorContains(t, err, "2 instances need a core each, and there are 1")
}

// TestGroupAnswersAlike: the two instances of this server answer the same as
// long as each is asked alone, and not the same as one another.
func TestGroupAnswersAlike(t *testing.T) {
	g, err := startGroup(t, "own", Options{}, 2)
	require.NoError(t, err)
	_, err = g.Verify(t.Context(), "/")
	require.ErrorContains(t, err, "route /: two instances answer differently")
	alone, err := startGroup(t, "own", Options{}, 1)
	require.NoError(t, err)
	_, err = alone.Verify(t.Context(), "/")
	require.NoError(t, err)
}

// TestGroupCores: a server has all cores, instances have one each.
func TestGroupCores(t *testing.T) {
	cores, err := host.Allowed()
	if err != nil || len(cores) < 2 {
		t.Skip("pinning needs Linux and two cores")
	}
	allowed := func(pid int) []int {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		require.NoError(t, err)
		_, list, _ := strings.Cut(string(status), "Cpus_allowed_list:")
		list, _, _ = strings.Cut(list, "\n")
		cpus, err := host.ParseCPUs(strings.TrimSpace(list))
		require.NoError(t, err)
		return cpus
	}
	for n, want := range map[int][][]int{0: {cores[:2]}, 1: {cores[:1]}, 2: {cores[:1], cores[1:2]}} {
		g, err := startGroup(t, "plain", Options{CPUs: cores[:2]}, n)
		require.NoError(t, err)
		for i, p := range g.all {
			assert.Equal(t, want[i], allowed(p.leader), "instance %d of %d", i, n)
		}
	}
}
