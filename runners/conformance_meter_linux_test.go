package runners_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/runners"
)

// node starts a Node server.
func node(t *testing.T) *runners.Group {
	t.Helper()
	cache, err := runners.DefaultCache()
	require.NoError(t, err)
	m, err := runners.Load(fixtures.Servers(), "node-http")
	require.NoError(t, err)
	opts := runners.Options{LogFile: filepath.Join(t.TempDir(), "server.log"), Guard: runners.GuardOfTests}
	g, err := runners.StartGroup(t.Context(), prepare(t, cache, m), opts, 0)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, g.Stop()) })
	return g
}

// TestTimeOfThreads loads a Node server, whose JavaScript runs on its main thread.
func TestTimeOfThreads(t *testing.T) {
	g := node(t)
	url := fmt.Sprintf("http://127.0.0.1:%d/", g.Ports()[0])
	ask := func(n int) {
		for range n {
			resp, err := http.Get(url) //nolint:noctx // of this test's own server
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
		}
	}
	ask(5000) // until the compiler's threads have done their work
	before, err := g.Usage(false)
	require.NoError(t, err)
	clock := g.Clock()()
	ask(10000)
	ticked := g.Clock()() - clock
	after, err := g.Usage(false)
	require.NoError(t, err)
	used := after.CPU.Sub(before.CPU).Total()
	assert.GreaterOrEqual(t, (after.MainThread - before.MainThread).Seconds(), 0.85*used.Seconds())
	assert.InEpsilon(t, used.Seconds(), ticked.Seconds(), 0.1, "the clock is that of the whole process")
	var sum time.Duration
	for name, d := range after.ByThread {
		sum += d - before.ByThread[name]
	}
	assert.InEpsilon(t, used.Seconds(), sum.Seconds(), 0.1)
}

// TestMemoryIsTheServersOwn: another server of the same program next to it does not make it smaller.
func TestMemoryIsTheServersOwn(t *testing.T) {
	one := node(t)
	alone, err := one.Usage(true)
	require.NoError(t, err)
	node(t)
	beside, err := one.Usage(true)
	require.NoError(t, err)
	assert.InEpsilon(t, alone.PSS, beside.PSS, 0.03)
	assert.LessOrEqual(t, beside.PSS, beside.RSS+1<<20)
}
