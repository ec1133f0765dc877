package null_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load/null"
)

func start(t *testing.T, o null.Options) *null.Server {
	t.Helper()
	s, err := null.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Wait()) }) // the context ends before
	return s
}

// address is host:port of a server.
func address(s *null.Server) string { return strings.Trim(strings.TrimPrefix(s.URL(), "http:"), "/") }

func dial(t *testing.T, s *null.Server) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address(s))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return c
}

func TestAnswersNetHTTP(t *testing.T) {
	for _, addr := range withIPv6(t, "", "[::1]:0", "localhost:0") {
		s := start(t, null.Options{Addr: addr})
		client := &http.Client{Transport: &http.Transport{}}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
			var body io.Reader
			if method == "POST" {
				body = strings.NewReader(strings.Repeat("x", 100_000))
			}
			req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+"any?q=1", body)
			require.NoError(t, err)
			resp, err := client.Do(req)
			require.NoError(t, err, "%s %s", addr, method)
			got, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, 200, resp.StatusCode)
			assert.Equal(t, "text/plain", resp.Header.Get("Content-Type"))
			if method != "HEAD" {
				assert.Equal(t, null.Body, string(got))
			}
		}
		client.CloseIdleConnections()
		assert.Eventually(t, func() bool { return s.Requests() == 4 }, 5*time.Second, time.Millisecond)
	}
}

func TestRequestsInAnyPieces(t *testing.T) {
	s := start(t, null.Options{})
	c := dial(t, s)
	text := "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n"
	br := bufio.NewReader(c)
	for size := 1; size < len(text); size += 7 {
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			_, err := io.WriteString(c, rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
		}
		for range 2 {
			resp, err := http.ReadResponse(br, nil)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, null.Body, string(body))
		}
	}
}

func TestClosesWhenAsked(t *testing.T) {
	s := start(t, null.Options{})
	for text, status := range map[string]string{
		"GET / HTTP/1.1\r\nConnection: close\r\n\r\n":                         "200 OK",
		"GET / HTTP/1.0\r\n\r\n":                                              "200 OK",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n":      "200 OK",
		"nonsense\r\n\r\n":                                                    "400 Bad Request",
		"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n1": "400 Bad Request",
	} {
		c := dial(t, s)
		_, err := io.WriteString(c, text)
		require.NoError(t, err)
		all, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(all), "HTTP/1.1 "+status), "%q: %q", text, all)
		assert.Contains(t, string(all), "Connection: close")
	}
}

func TestKeepsHTTP10WhenAsked(t *testing.T) {
	s := start(t, null.Options{})
	c := dial(t, s)
	br := bufio.NewReader(c)
	for range 3 {
		_, err := io.WriteString(c, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(br, nil)
		require.NoError(t, err)
		assert.Equal(t, "keep-alive", resp.Header.Get("Connection"))
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
}

func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := null.Start(ctx, null.Options{})
	require.NoError(t, err)
	c := dial(t, s)
	cancel()
	require.NoError(t, s.Wait())
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err, "an idle connection is closed")
	var timeout net.Error
	assert.False(t, errors.As(err, &timeout) && timeout.Timeout())
	_, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", address(s))
	require.Error(t, err)
	require.NoError(t, s.Wait(), "a second time")
}

func TestSeveralLoops(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("one server elsewhere")
	}
	s := start(t, null.Options{CPUs: []int{core(t), core(t), core(t)}})
	var wg sync.WaitGroup
	errs := make(chan error, 10)
	for range cap(errs) {
		c := dial(t, s)
		wg.Add(1)
		go func() {
			defer wg.Done()
			br := bufio.NewReader(c)
			for range 50 {
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
					errs <- err
					return
				}
				resp, err := http.ReadResponse(br, nil)
				if err != nil {
					errs <- err
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}()
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	assert.Eventually(t, func() bool { return s.Requests() == 500 }, 5*time.Second, time.Millisecond)
}

func TestStartFails(t *testing.T) {
	s := start(t, null.Options{})
	_, err := null.Start(t.Context(), null.Options{Addr: address(s)})
	require.Error(t, err, "the port is taken")
	if runtime.GOOS == "linux" {
		missing, err := null.Start(t.Context(), null.Options{CPUs: []int{1023}})
		require.NoError(t, err)
		require.Error(t, missing.Wait(), "no such core")
	}
}

func ExampleStart() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := null.Start(ctx, null.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := http.Get(s.URL()) //nolint:noctx // an example
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(string(body))
	// Output: Hello World!
}

// core is a core that this process may be pinned to.
func core(t *testing.T) int {
	t.Helper()
	cpus, err := host.Allowed()
	require.NoError(t, err)
	return cpus[0]
}

// withIPv6 leaves out what needs IPv6 on loopback where there is none.
func withIPv6(t *testing.T, addrs ...string) []string {
	t.Helper()
	ln, err := net.Listen("tcp", "[::1]:0") //nolint:noctx // loopback
	if err != nil {
		t.Logf("without IPv6: %v", err)
		return slices.DeleteFunc(addrs, func(a string) bool { return strings.HasPrefix(a, "[::1]") })
	}
	_ = ln.Close()
	return addrs
}

// ask makes a request on a new connection.
func ask(t *testing.T, s *null.Server, method, path string) (status int, kind, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(s.URL(), "/")+path, nil)
	require.NoError(t, err)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(all)
}

func TestCPU(t *testing.T) {
	s := start(t, null.Options{})
	for query, want := range map[string]string{"n=1": "0", "n=2": "0", "n=3": "1", "n=10": "4", "n=100": "25", "n=1000&x=1": "168", "n=10000": "1229"} {
		status, kind, body := ask(t, s, "GET", "/cpu?"+query)
		assert.Equal(t, 200, status, query)
		assert.Equal(t, "text/plain", kind)
		assert.Equal(t, want, body, query)
	}
	for _, query := range []string{"", "?n=", "?n=0", "?n=-1", "?n=+1", "?n=1e3", "?n=10000001", "?n=000000001", "?m=10"} {
		status, _, body := ask(t, s, "GET", "/cpu"+query)
		assert.Equal(t, 400, status, query)
		assert.Equal(t, "n must be an integer in 1..10000000\n", body)
	}
	for _, path := range []string{"/cpu/", "/cpus?n=10", "/x/cpu?n=10", "/?n=10"} {
		_, _, body := ask(t, s, "GET", path)
		assert.Equal(t, null.Body, body, path)
	}
	status, _, body := ask(t, s, "HEAD", "/cpu?n=100")
	assert.Equal(t, 200, status)
	assert.Empty(t, body)
	_, kind, body := ask(t, s, "GET", "/__runtime")
	assert.Equal(t, "application/json", kind)
	var report map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &report))
	assert.Equal(t, strings.TrimPrefix(runtime.Version(), "go"), report["version"])
	assert.Equal(t, "Go", report["implementation"])
}

// TestRoutesAlternate: a connection keeps its place whatever was asked before,
// and an answer that is remembered is that of its own path.
func TestRoutesAlternate(t *testing.T) {
	s := start(t, null.Options{})
	c := dial(t, s)
	br := bufio.NewReader(c)
	for range 3 {
		for _, of := range []struct{ target, want string }{{"/", null.Body}, {"/cpu?n=100", "25"}, {"/cpu?n=10", "4"}, {"/cpu?n=10", "4"}, {"/", null.Body}, {"/", null.Body}} {
			_, err := io.WriteString(c, "GET "+of.target+" HTTP/1.1\r\nHost: a\r\n\r\n")
			require.NoError(t, err)
			resp, err := http.ReadResponse(br, nil)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, of.want, string(body), of.target)
			assert.Empty(t, resp.Header.Get("Connection"))
		}
	}
}

// TestCPUIsWork: the answer is calculated each time.
func TestCPUIsWork(t *testing.T) {
	s := start(t, null.Options{})
	took := func(n int) time.Duration {
		best := time.Hour
		for range 3 {
			began := time.Now()
			_, _, _ = ask(t, s, "GET", fmt.Sprintf("/cpu?n=%d", n))
			best = min(best, time.Since(began))
		}
		return best
	}
	few, many := took(20_000), took(200_000)
	assert.Greater(t, many, 8*few, "trial division grows faster than n")
}
