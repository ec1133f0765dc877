package enginetest_test

import (
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
)

// testUnixSocket loads a server that listens at a Unix socket only: more connections
// than its queue holds, and a connection for each request.
func testUnixSocket(t *testing.T, e load.Engine) {
	file := filepath.Join(t.TempDir(), "s")
	loadUnixSocket(t, e, file)
	if runtime.GOOS == "linux" {
		loadUnixSocket(t, e, "@"+filepath.Base(filepath.Dir(filepath.Dir(file)))) // that is no file
	}
	sp := spec("http://name.example/", 1, short)
	sp.Socket = strings.Repeat("x", 200)
	_, err := e.Run(t.Context(), sp)
	require.ErrorContains(t, err, "has at most 103 bytes")
	sp.Socket = file + "absent"
	m, err := e.Run(t.Context(), sp)
	require.NoError(t, err)
	assert.Equal(t, m.Errors.Total(), m.Errors.Connect, "%s", m.FirstError)
	assert.Positive(t, m.Errors.Connect)
}

func loadUnixSocket(t *testing.T, e load.Engine, file string) {
	t.Helper()
	ln, err := net.Listen("unix", file) //nolint:noctx // it does not wait
	require.NoError(t, err)
	var answered atomic.Uint64
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // it ends with the test
		if r.Host == "name.example" {
			answered.Add(1)
		}
		_, _ = w.Write([]byte("ok"))
	})}
	go func() { _ = s.Serve(ln) }()
	defer func() { _ = s.Close() }()
	for _, closing := range []bool{false, true} {
		before := answered.Load()
		sp := spec("http://name.example/", 200, short)
		sp.Socket, sp.Close, sp.Exchanges = file, closing, http1.Get("http://name.example/")
		m := measure(t, e, sp)
		assert.Zero(t, m.Errors.Total(), m.FirstError)
		assert.Equal(t, answered.Load()-before, m.OK)
		assert.Positive(t, m.OK)
	}
}
