package runners

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadOnlyCache needs a user whom permissions bind: for root it takes the rights away.
func TestReadOnlyCache(t *testing.T) {
	m, cache := pipServer(t), t.TempDir()
	_, err := (&Preparer{Cache: cache, Guard: GuardOfTests}).Prepare(t.Context(), m)
	require.NoError(t, err)
	readOnly(t, cache)
	in, err := (&Preparer{Cache: cache, Guard: GuardOfTests}).Prepare(t.Context(), m)
	require.NoError(t, err)
	p, err := Start(t.Context(), in, Options{Guard: GuardOfTests})
	require.NoError(t, err)
	require.NoError(t, p.Stop())

	m.Prepare.Commands = append(m.Prepare.Commands, []string{"true"})
	_, err = (&Preparer{Cache: cache, Guard: GuardOfTests}).Prepare(t.Context(), m)
	assert.Contains(t, refusal(t, err), "the cache folder lacks its installation and cannot be written: ")
	var u *Unavailable
	require.ErrorAs(t, err, &u)
	assert.Contains(t, u.Hint, "set HELLOBENCH_CACHE to a folder that can be written")
}

// readOnly makes a folder one in which this process cannot write, until the test ends.
func readOnly(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		for _, d := range []string{dir, filepath.Join(dir, "servers")} {
			require.NoError(t, os.Chmod(d, 0o555))
			t.Cleanup(func() { _ = os.Chmod(d, 0o755) })
		}
		return
	}
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("root may write anywhere, and may mount nothing here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("root may write anywhere, and may mount nothing here: %v", err)
	}
}
