package runners_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/host"
)

const (
	plain = "text/plain"
	jsons = "application/json"
)

// pages are the routes that are a GET of their own name.
func (s *subject) pages() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.Routes)), func(name string) bool { return s.Routes[name].Path != name || s.Routes[name].Method != "" })
}

// checkAnswers asks for every route that has one exact answer. The numbers of
// primes are those of any table of the function pi(n-1).
func checkAnswers(t *testing.T, s *subject) {
	if _, ok := s.Routes["echo"]; ok {
		checkEcho(t, s)
	}
	for _, target := range s.pages() {
		want := s.Routes[target]
		require.NotNil(t, want.Body.Exact, "%s: the manifest must hold the exact body", target)
		require.NotEmpty(t, want.Type, "%s: the manifest must hold the type", target)
		checkBody(t, s, target, want.Type, *want.Body.Exact)
		_, err := s.process.Verify(t.Context(), target)
		assert.NoError(t, err)
	}
	checkBody(t, s, "/?q=1", s.Routes["/"].Type, *s.Routes["/"].Body.Exact)
	for n, primes := range map[string]string{"1": "0", "2": "0", "3": "1", "10": "4", "1000": "168", "20000": "2262"} {
		checkBody(t, s, "/cpu?n="+n, plain, primes)
	}
	checkBody(t, s, "/io?ms=0", plain, "waited 0 ms")
	checkBody(t, s, "/stream?chunks=1&bytes=1", plain, "x")
	checkBody(t, s, "/stream?chunks=1&bytes=1048576", plain, strings.Repeat("x", 1<<20))
	checkBody(t, s, "/stream?bytes=1&chunks=10000", plain, strings.Repeat("x", 10000))
}

// checkEcho wants back what was sent, as JSON, and refuses what is none.
func checkEcho(t *testing.T, s *subject) {
	requests, err := s.process.Verify(t.Context(), "echo")
	require.NoError(t, err)
	for body, status := range map[string]int{string(requests[0].Body): http.StatusOK, `{"a":[1,true,null]}`: http.StatusOK, `{"a"`: http.StatusBadRequest} {
		c, err := s.connect()
		require.NoError(t, err)
		r, err := c.ask("POST", "/echo", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)), "", body)
		require.NoError(t, err)
		assert.Equal(t, status, r.StatusCode, body)
		if status == http.StatusOK {
			assert.Equal(t, body, r.body)
		}
		checkFraming(t, "/echo", r)
		require.NoError(t, c.Close())
	}
}

func checkBody(t *testing.T, s *subject, target, contentType, body string) {
	t.Helper()
	r := s.ask(t, "GET", target)
	assert.Equal(t, http.StatusOK, r.StatusCode, target)
	assert.True(t, strings.HasPrefix(r.Header.Get("Content-Type"), contentType), "%s: Content-Type %q, want %q", target, r.Header.Get("Content-Type"), contentType)
	if r.body != body {
		t.Errorf("%s: body of %d bytes %.80q, want %d bytes %.80q", target, len(r.body), r.body, len(body), body)
	}
	checkFraming(t, target, r)
}

// checkFraming wants an end of the body that does not depend on the end of
// the connection.
func checkFraming(t *testing.T, target string, r reply) {
	t.Helper()
	chunked := slices.Equal(r.TransferEncoding, []string{"chunked"})
	assert.True(t, chunked || r.ContentLength == int64(len(r.body)), "%s: %s without a Content-Length and not chunked", target, r.Status)
}

// runtimeReport is what /__runtime says.
func (s *subject) runtimeReport(t *testing.T) map[string]any {
	t.Helper()
	r := s.ask(t, "GET", "/__runtime")
	require.Equal(t, http.StatusOK, r.StatusCode)
	assert.True(t, strings.HasPrefix(r.Header.Get("Content-Type"), jsons), "Content-Type %q", r.Header.Get("Content-Type"))
	checkFraming(t, "/__runtime", r)
	var report map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.body), &report), "%.200q", r.body)
	return report
}

// checkWait sees that /io waits, and that it does so without the CPU.
func checkWait(t *testing.T, s *subject) {
	const wait = 50 * time.Millisecond
	// Node's timers count the whole milliseconds of a clock that is read
	// before the request, so they may end up to one early.
	const early = time.Millisecond
	for range 3 {
		began := time.Now()
		checkBody(t, s, "/io?ms=50", plain, "waited 50 ms")
		assert.GreaterOrEqual(t, time.Since(began), wait-early)
	}
	before, err := s.process.Usage(true)
	if errors.Is(err, host.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	const long = 600 * time.Millisecond
	checkBody(t, s, "/io?ms="+strconv.FormatInt(long.Milliseconds(), 10), plain, "waited 600 ms")
	after, err := s.process.Usage(true)
	require.NoError(t, err)
	// A loop that looks at the clock would burn all of it; a quarter leaves
	// room for two cores that are busy otherwise.
	assert.Less(t, after.CPU.Total()-before.CPU.Total(), long/4, "CPU time of a wait of %v", long)
}

// checkStream reads the frames themselves: every piece must be a chunk of its
// own, else a server would be spared the work that the others do.
func checkStream(t *testing.T, s *subject) {
	c, err := s.connect()
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	r, err := c.ask("GET", "/stream?chunks=5&bytes=1000", "Connection: close")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, r.StatusCode)
	assert.True(t, strings.HasPrefix(r.Header.Get("Content-Type"), plain))
	assert.Equal(t, []string{"chunked"}, r.TransferEncoding)
	assert.Equal(t, strings.Repeat("x", 5000), r.body)
	require.NoError(t, c.ended())
	_, framed, _ := strings.Cut(c.raw.String(), "\r\n\r\n")
	var sizes []int64
	for framed != "" {
		line, rest, _ := strings.Cut(framed, "\r\n")
		size, err := strconv.ParseInt(line, 16, 32)
		require.NoError(t, err)
		sizes = append(sizes, size)
		require.GreaterOrEqual(t, int64(len(rest)), size+2)
		framed = rest[size+2:]
	}
	assert.Equal(t, []int64{1000, 1000, 1000, 1000, 1000, 0}, sizes)
}

// checkHead compares HEAD with GET. On a connection that goes on, a body
// would be taken for the next answer.
func checkHead(t *testing.T, s *subject) {
	targets := append(s.pages(), "/cpu?n=1000", "/io?ms=1", "/stream?chunks=5&bytes=1000", "/__runtime")
	for _, target := range targets {
		get := s.ask(t, "GET", target)
		head := s.ask(t, "HEAD", target) // reads on to the end of the connection
		assert.Equal(t, http.StatusOK, head.StatusCode, target)
		assert.Equal(t, get.Header.Get("Content-Type"), head.Header.Get("Content-Type"), target)
		if get.ContentLength >= 0 && target != "/__runtime" { // which may count a thread more
			assert.Equal(t, get.ContentLength, head.ContentLength, "Content-Length of HEAD %s", target)
		}
		if s.AlwaysCloses() {
			continue
		}
		c, err := s.connect()
		require.NoError(t, err)
		_, err = c.ask("HEAD", target)
		require.NoError(t, err)
		r, err := c.ask("GET", "/")
		require.NoError(t, err, "after HEAD %s on the same connection", target)
		assert.Equal(t, *s.Routes["/"].Body.Exact, r.body)
		require.NoError(t, c.Close())
	}
}

// checkRefusals asks for what is not there and for what is out of range.
func checkRefusals(t *testing.T, s *subject) {
	refused := map[int][]string{
		http.StatusNotFound: {"/nothing", "/jsonx", "/cpu/1", "/favicon.ico", "/__runtime/x"},
		http.StatusBadRequest: {
			"/cpu", "/cpu?m=1", "/cpu?n=", "/cpu?n=0", "/cpu?n=x", "/cpu?n=-1", "/cpu?n=1.5", "/cpu?n=1e3", "/cpu?n=0x10", "/cpu?n=1000x", "/cpu?n=10000001", "/cpu?n=99999999999999999999",
			"/io", "/io?ms=", "/io?ms=-1", "/io?ms=x", "/io?ms=0.5", "/io?ms=60001",
			"/stream", "/stream?chunks=1", "/stream?bytes=1", "/stream?chunks=0&bytes=1", "/stream?chunks=1&bytes=0", "/stream?chunks=10001&bytes=1", "/stream?chunks=1&bytes=1048577", "/stream?chunks=x&bytes=1", "/stream?chunks=1&bytes=-1",
		},
	}
	for status, targets := range refused {
		for _, target := range targets {
			r := s.ask(t, "GET", target)
			assert.Equal(t, status, r.StatusCode, target)
			checkFraming(t, target, r)
		}
	}
	require.NoError(t, s.process.Alive())
}

// checkPost sends a method that no route has, with a body that must not be
// taken for the next request.
func checkPost(t *testing.T, s *subject) {
	for _, target := range []string{"/", "/json", "/cpu?n=10", "/io?ms=1", "/stream?chunks=1&bytes=1", "/__runtime"} {
		c, err := s.connect()
		require.NoError(t, err)
		r, err := c.ask("POST", target, "Content-Type: application/x-www-form-urlencoded", "Content-Length: 3", "", "n=1")
		require.NoError(t, err)
		assert.Equal(t, http.StatusMethodNotAllowed, r.StatusCode, target)
		assert.Contains(t, r.Header.Get("Allow"), "GET", "Allow of POST %s", target)
		checkFraming(t, target, r)
		if !r.Close {
			r, err = c.ask("GET", "/")
			require.NoError(t, err, "after POST %s on the same connection", target)
			assert.Equal(t, http.StatusOK, r.StatusCode)
			assert.Equal(t, *s.Routes["/"].Body.Exact, r.body)
		}
		require.NoError(t, c.Close())
	}
}
