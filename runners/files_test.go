package runners

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCopy copies a folder with everything in it that is no plain file.
func TestCopy(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "x")
	write(t, filepath.Join(dir, "run.sh"), "#!/bin/sh\n") // 0755
	write(t, filepath.Join(dir, ".next", "server.js"), "built")
	write(t, filepath.Join(dir, "größe und mehr", "a b.txt"), "text")
	require.NoError(t, os.Chmod(filepath.Join(dir, "größe und mehr", "a b.txt"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "uploads"), 0o755))
	require.NoError(t, os.Symlink("run.sh", filepath.Join(dir, "start")))
	require.NoError(t, os.Symlink(".next", filepath.Join(dir, "dist")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	require.NoError(t, os.Symlink("../outside", filepath.Join(dir, "out")))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "away")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	write(t, filepath.Join(dir, "node_modules", "x", "index.js"), "no")
	write(t, filepath.Join(dir, "sub", ".git", "config"), "no")

	files := Files{}
	leftOut, err := files.add(os.DirFS(top), "x")
	require.NoError(t, err)
	assert.Equal(t, []string{
		"away (a link out of the folder)", "node_modules (installed packages or version control)", "out (a link out of the folder)",
		"pipe (no file, folder or link)", "sub/.git (installed packages or version control)",
	}, leftOut)
	to := filepath.Join(top, "copy")
	require.NoError(t, files.write(to))
	for name, mode := range map[string]os.FileMode{
		"run.sh": 0o755, ".next/server.js": 0o755, "größe und mehr/a b.txt": 0o644, "uploads": os.ModeDir | 0o755,
		"start": os.ModeSymlink, "dist": os.ModeSymlink, "dangling": os.ModeSymlink,
	} {
		st, err := os.Lstat(filepath.Join(to, name))
		if assert.NoError(t, err) {
			if got := st.Mode(); mode == os.ModeSymlink { // whose own mode nothing looks at
				assert.Equal(t, mode, got.Type(), name)
			} else {
				assert.Equal(t, mode, got, name)
			}
		}
	}
	link, err := os.Readlink(filepath.Join(to, "dist"))
	require.NoError(t, err)
	assert.Equal(t, ".next", link)

	hash := files.hash()
	for name, change := range map[string]File{"run.sh": {Data: files["run.sh"].Data, Mode: plainMode}, "start": {Link: "dist", Mode: os.ModeSymlink}} {
		before := files[name]
		files[name] = change
		assert.NotEqual(t, hash, files.hash(), name)
		files[name] = before
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "huge"), nil, 0o644))
	require.NoError(t, os.Truncate(filepath.Join(dir, "huge"), 2<<40))
	_, err = Files{}.add(os.DirFS(top), "x")
	assert.ErrorContains(t, err, "huge holds more than 32 MiB")
}
