package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestVersion builds in every way that there is and finds the commit in the binary.
func TestVersion(t *testing.T) {
	clone := checkout(t)
	git := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", clone}, args...)...).Output()
		require.NoError(t, err)
		return strings.TrimSpace(string(out))
	}
	commit := git("rev-parse", "HEAD")[:12]
	archive, worktree := filepath.Join(t.TempDir(), "archive"), filepath.Join(t.TempDir(), "worktree")
	require.NoError(t, os.Mkdir(archive, 0o755))
	sh(t, clone, "git archive HEAD | tar -x -C "+archive)
	git("worktree", "add", "--detach", worktree)
	t.Setenv("GOFLAGS", "-mod=readonly") // nothing switches off what go does by itself
	version := func(dir, build string) string {
		sh(t, dir, build)
		out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "bin", "hellobench"), "--version").Output()
		require.NoError(t, err)
		return string(out)
	}
	for name, c := range map[string]struct{ dir, build string }{
		"go build":   {clone, "go build -C . -o bin/hellobench ./cmd/hellobench"},
		"make":       {clone, "make -s build"},
		"a worktree": {worktree, "make -s build"},
		"an archive": {archive, "go build -o bin/hellobench ./cmd/hellobench"},
	} {
		v := version(c.dir, c.build)
		assert.Contains(t, v, commit, name)
		assert.NotContains(t, v, "dirty", name)
	}
	git("-c", "user.name=test", "-c", "user.email=test@example.org", "tag", "-m", "a release", "v1.2.3")
	assert.Contains(t, version(clone, "make -s build"), "v1.2.3")
	require.NoError(t, os.WriteFile(filepath.Join(clone, "README.md"), []byte("changed\n"), 0o644))
	assert.Contains(t, version(clone, "make -s build"), "dirty", "sources that are in no commit")
}

// checkout is a fresh clone of these sources, what is not committed included.
func checkout(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	clone := filepath.Join(t.TempDir(), "clone")
	sh(t, root, "mkdir "+clone+` && git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'cp --parents -P "$@" `+clone+` 2>/dev/null || :' sh`)
	sh(t, clone, "git init -q . && git add -A && git -c user.name=test -c user.email=test@example.org commit -q -m sources")
	return clone
}

// sh runs a script that has to work.
func sh(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", script, out)
}
