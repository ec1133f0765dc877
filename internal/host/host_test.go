package host_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/host"
)

func TestCPULists(t *testing.T) {
	for text, want := range map[string][]int{"": nil, "0": {0}, "3,0-1, 1": {0, 1, 3}, "2-2": {2}} {
		got, err := host.ParseCPUs(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got)
	}
	for _, bad := range []string{"x", "-1", "2-1", "1-x", "0-99999"} {
		_, err := host.ParseCPUs(bad)
		assert.Error(t, err, bad)
	}
	assert.Equal(t, "0-2,5", host.FormatCPUs([]int{0, 1, 2, 5}))
	assert.Empty(t, host.FormatCPUs(nil))
}

func TestAssign(t *testing.T) {
	allowed, err := host.Allowed()
	if runtime.GOOS != "linux" {
		require.ErrorIs(t, err, host.ErrUnsupported)
		a, notice, err := host.Assign(nil, nil)
		require.NoError(t, err)
		assert.Empty(t, a)
		assert.Contains(t, notice, "needs Linux")
		return
	}
	require.NoError(t, err)
	require.NotEmpty(t, allowed)
	a, notice, err := host.Assign(nil, nil)
	require.NoError(t, err)
	if len(allowed) == 1 {
		assert.Contains(t, notice, "share one core")
		return
	}
	assert.Equal(t, host.Assignment{Server: allowed[:1], Load: allowed[1:2]}, a)
	a, _, err = host.Assign(nil, allowed[:1])
	require.NoError(t, err)
	assert.Equal(t, host.Assignment{Server: allowed[1:2], Load: allowed[:1]}, a)
	_, _, err = host.Assign(allowed[:1], allowed[:1])
	require.ErrorContains(t, err, "disjoint")
	_, _, err = host.Assign([]int{4095}, nil)
	require.ErrorContains(t, err, "may use only")
}

func TestEnvironment(t *testing.T) {
	e := host.Environment()
	assert.Equal(t, runtime.GOOS, e.OS)
	assert.Positive(t, e.Cores)
	assert.NotEmpty(t, e.Go)
	assert.Positive(t, e.OpenFiles)
	if runtime.GOOS == "linux" {
		assert.NotEmpty(t, e.Kernel)
		assert.Positive(t, e.Memory)
		assert.Contains(t, e.Sysctls, "net.core.somaxconn")
	}
}

func TestSelfCPU(t *testing.T) {
	before := host.SelfCPU()
	for host.SelfCPU().Sub(before).Total() <= 0 { // ends, for it uses what it waits for
	}
	assert.Positive(t, host.SelfCPU().Total())
}

func FuzzCPUs(f *testing.F) {
	f.Add("0,2-3")
	f.Fuzz(func(t *testing.T, text string) {
		if cpus, err := host.ParseCPUs(text); err == nil {
			again, err := host.ParseCPUs(host.FormatCPUs(cpus))
			require.NoError(t, err)
			assert.Equal(t, cpus, again)
		}
	})
}
