package cli_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLoadFirstByte: a response that comes in pieces has a time to its first byte.
func TestLoadFirstByte(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("o"))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(30 * time.Millisecond)
		_, _ = w.Write([]byte("k"))
	}))
	defer s.Close()
	for _, engine := range []string{"auto", "vegeta"} {
		out, err := exec.CommandContext(t.Context(), binary, "load", "--engine", engine, "--connections", "2", "--duration", "200ms", "--expect-body", "ok", s.URL).CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Regexp(t, `(?m)^latency +mean [3-9]\d[.\d]*ms`, string(out))
		assert.Regexp(t, `(?m)^first byte +mean ([\d.]+µs|[12]?\d(\.\d+)?ms)`, string(out))
	}
}

// TestLoadTLS: https goes to vegeta by itself, is verified unless told
// otherwise, and speaks HTTP/2 only when asked to.
func TestLoadTLS(t *testing.T) {
	var major atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		major.Store(int64(r.ProtoMajor))
		_, _ = w.Write([]byte("ok"))
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of our refusals
	s.StartTLS()
	defer s.Close()
	run := func(args ...string) (string, error) {
		args = append([]string{"load", "--connections", "2", "--duration", "100ms", "--expect-body", "ok", s.URL}, args...)
		out, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
		return string(out), err
	}
	out, err := run("--insecure")
	require.NoError(t, err, out)
	assert.Contains(t, out, "engine       vegeta")
	assert.Contains(t, out, "errors       none")
	assert.Equal(t, int64(1), major.Load())
	out, err = run("--insecure", "--http2")
	require.NoError(t, err, out)
	assert.Equal(t, int64(2), major.Load())
	out, err = run()
	require.Error(t, err)
	assert.Contains(t, out, "certificate")
	out, err = run("--insecure", "--engine", "wire")
	require.Error(t, err)
	assert.Contains(t, out, "need --engine vegeta")
}
