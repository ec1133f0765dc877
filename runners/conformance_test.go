package runners_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/runners"
)

// shortServers are those that -short leaves: the article's two servers and
// the Python one as production runs it.
var shortServers = []string{"flask-dev", "flask-gunicorn-gthread", "node-http"}

// running is how many servers are tested at a time, whatever the number of cores.
const running = 3

// TestConformance holds every embedded server to the one contract that makes
// their arms comparable: the same routes, refusals, framing and connections.
// Each runs as a real process from the user's cache, so that only the first
// run installs anything.
func TestConformance(t *testing.T) {
	cache, err := runners.DefaultCache()
	require.NoError(t, err)
	names := fixtures.ServerNames()
	require.Subset(t, names, shortServers)
	if testing.Short() {
		names = shortServers
	}
	slots := make(chan struct{}, running)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			m, err := runners.Load(fixtures.Servers(), name)
			require.NoError(t, err)
			in := prepare(t, cache, m)
			t.Run("default", func(t *testing.T) { conformsByDefault(t, in) })
			if in.Workers != nil {
				t.Run("two workers", func(t *testing.T) { conformsWithTwoWorkers(t, in) })
			}
		})
	}
}

// prepare installs a server. The one reason for a skip is a runtime that the
// machine does not have; an installation that fails fails the test.
func prepare(t *testing.T, cache string, m *runners.Manifest) *runners.Installed {
	t.Helper()
	p := &runners.Preparer{Cache: cache, Guard: runners.GuardOfTests}
	in, err := p.Prepare(t.Context(), m)
	var u *runners.Unavailable
	if errors.As(err, &u) && slices.ContainsFunc(m.Needs, func(n runners.Need) bool { return n.Install == u.Hint }) {
		t.Skipf("%v; hint: %s", u, u.Hint)
	}
	require.NoError(t, err)
	return in
}

func conformsByDefault(t *testing.T, in *runners.Installed) {
	s := startSubject(t, in, runners.Options{})
	for _, check := range []struct {
		name string
		run  func(*testing.T, *subject)
	}{
		{"answers", checkAnswers},
		{"runtime", checkRuntime},
		{"io", checkWait},
		{"stream", checkStream},
		{"head", checkHead},
		{"refusals", checkRefusals},
		{"post", checkPost},
		{"connections", checkConnections},
		{"oversized", checkOversized},
		{"parallel", checkParallel},
		{"sigterm", checkTermination},
	} {
		t.Run(check.name, func(t *testing.T) { check.run(t, s) })
	}
}

func conformsWithTwoWorkers(t *testing.T, in *runners.Installed) {
	s := startSubject(t, in, runners.Options{Workers: 2})
	report := s.runtimeReport(t)
	assert.EqualValues(t, 2, report["workers"])
	if runtime.GOOS != "linux" {
		t.Skip("which process works is known on Linux only")
	}
	checkTwoWork(t, s)
	checkParallel(t, s)
	require.NoError(t, s.process.Stop())
	assert.Empty(t, s.processes(t), "processes that outlive Stop")
}

// subject is a server under test.
type subject struct {
	*runners.Installed
	process *runners.Process
	tag     string // of its processes: the value of tagVariable in their environment
}

func startSubject(t *testing.T, in *runners.Installed, opts runners.Options) *subject {
	t.Helper()
	// The folder is the test's own, which makes its name a tag that no other process has.
	dir := t.TempDir()
	opts.Env = map[string]string{tagVariable: dir}
	opts.LogFile, opts.Guard = filepath.Join(dir, "server.log"), runners.GuardOfTests
	p, err := runners.Start(t.Context(), in, opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, p.Stop())
		if t.Failed() {
			printed, err := os.ReadFile(opts.LogFile)
			t.Logf("the server printed (%v): %s", err, printed[max(0, len(printed)-4096):])
		}
	})
	return &subject{in, p, dir}
}

// executable is what the server's own implementation is called among its needs.
func (s *subject) executable(t *testing.T) string {
	t.Helper()
	name := map[string]string{"node": "node", "cpython": "python3", "pypy": "pypy3"}[s.Runtime]
	require.Contains(t, s.Versions, name, "runtime %s", s.Runtime)
	return name
}

// checkRuntime compares what the server says of itself with what the harness
// started: the fact checks of the report rest on it.
func checkRuntime(t *testing.T, s *subject) {
	report := s.runtimeReport(t)
	for _, key := range []string{"implementation", "version", "threads", "workers", "jit", "gil"} {
		assert.Contains(t, report, key)
	}
	want := map[string]struct {
		implementation string
		jit, gil       []any
	}{
		"node":    {"Node.js", []any{true}, []any{nil}},
		"cpython": {"CPython", []any{true, false, nil}, []any{true, false}},
		"pypy":    {"PyPy", []any{true}, []any{true}},
	}[s.Runtime]
	assert.Equal(t, want.implementation, report["implementation"])
	assert.Contains(t, want.jit, report["jit"], "jit")
	assert.Contains(t, want.gil, report["gil"], "gil")
	version, _ := report["version"].(string)
	assert.True(t, strings.HasPrefix(version, s.Versions[s.executable(t)]), "version %q, but %q was found on the machine", version, s.Versions)
	workers := 1
	if s.Workers != nil {
		workers = s.Workers.Default
	}
	assert.EqualValues(t, workers, report["workers"])
	if runtime.GOOS == "linux" {
		threads, _ := report["threads"].(float64)
		assert.GreaterOrEqual(t, threads, 1.0)
	}
}
