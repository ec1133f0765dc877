package runners_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is how long a server may take for anything on a busy machine.
const patience = 30 * time.Second

// connection is one TCP connection. An http.Client would hide what is tested
// here: it opens new connections and repeats requests by itself.
type connection struct {
	net.Conn
	reader *bufio.Reader
	raw    bytes.Buffer // all that the server has sent
}

// reply is a whole response.
type reply struct {
	*http.Response
	body string
}

func (s *subject) connect() (*connection, error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(context.Background(), "tcp", s.address())
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: conn}
	c.reader = bufio.NewReader(io.TeeReader(conn, &c.raw))
	return c, nil
}

func (s *subject) address() string { return fmt.Sprintf("127.0.0.1:%d", s.process.Port()) }

// ask sends a request and reads its whole answer. Fields are header lines;
// what follows an empty one is the body.
func (c *connection) ask(method, target string, fields ...string) (reply, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return reply{}, err
	}
	head := []string{method + " " + target + " HTTP/1.1", "Host: " + c.RemoteAddr().String()}
	if !slices.Contains(fields, "") {
		fields = append(fields, "", "")
	}
	if _, err := io.WriteString(c, strings.Join(append(head, fields...), "\r\n")); err != nil {
		return reply{}, err
	}
	resp, err := http.ReadResponse(c.reader, &http.Request{Method: method})
	if err != nil {
		return reply{}, fmt.Errorf("read the answer to %s %.60s: %w", method, target, err)
	}
	body, err := io.ReadAll(resp.Body)
	return reply{resp, string(body)}, errors.Join(err, resp.Body.Close())
}

// ended reads on after an answer that announced the end of the connection.
func (c *connection) ended() error {
	rest, err := io.ReadAll(c.reader)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes after the answer: %.40q", len(rest), rest)
	}
	return err
}

// ask makes one request on a connection of its own, which is closed after it.
func (s *subject) ask(t *testing.T, method, target string, fields ...string) reply {
	t.Helper()
	c, err := s.connect()
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	r, err := c.ask(method, target, append([]string{"Connection: close"}, fields...)...)
	require.NoError(t, err)
	assert.True(t, r.Close, "%s %.60s: the connection was to be closed", method, target)
	require.NoError(t, c.ended(), "%s %.60s", method, target)
	return r
}

// checkConnections sees that the server keeps and closes connections as its
// manifest says, since a closed loop with keep-alive counts on it.
func checkConnections(t *testing.T, s *subject) {
	c, err := s.connect()
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	if s.AlwaysCloses() {
		r, err := c.ask("GET", "/")
		require.NoError(t, err)
		assert.True(t, r.Close, "the manifest says that every connection is closed")
		require.NoError(t, c.ended())
		return
	}
	for i, target := range []string{"/", "/json", "/io?ms=1", "/stream?chunks=2&bytes=10", "/nothing", "/cpu?n=x", "/"} {
		r, err := c.ask("GET", target)
		require.NoError(t, err, "request %d", i+1)
		require.False(t, r.Close, "closed after request %d, %s", i+1, target)
	}
	r, err := c.ask("GET", "/", "Connection: close")
	require.NoError(t, err)
	assert.True(t, r.Close)
	require.NoError(t, c.ended())
}

// checkOversized sends queries of 8 KiB. A server may serve or refuse them,
// or hang up, but not fail at them.
func checkOversized(t *testing.T, s *subject) {
	for _, target := range []string{"/?q=" + strings.Repeat("a", 8192), "/cpu?n=" + strings.Repeat("1", 8192), "/" + strings.Repeat("a", 8192)} {
		c, err := s.connect()
		require.NoError(t, err)
		if r, err := c.ask("GET", target); err == nil {
			assert.Contains(t, []int{200, 400, 404, 413, 414, 431}, r.StatusCode)
			assert.False(t, r.StatusCode == 200 && strings.HasPrefix(target, "/cpu"), "a number of 8192 digits is no valid n")
		}
		require.NoError(t, c.Close())
		require.NoError(t, s.process.Alive())
		_, err = s.process.Verify(t.Context(), "/")
		require.NoError(t, err)
	}
}

// checkParallel has 100 connections ask 1,000 times in all. Two routes take
// turns, so that an answer which goes to the wrong connection is noticed.
func checkParallel(t *testing.T, s *subject) {
	const connections, requests = 100, 10
	errs := make([]error, connections)
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() { errs[i] = s.askOften(i, requests) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	require.NoError(t, s.process.Alive())
}

// askOften makes requests one after the other, on one connection as long as
// the server does not close it in the orderly way.
func (s *subject) askOften(first, requests int) error {
	var c *connection
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	for i := first; i < first+requests; i++ {
		if c == nil {
			var err error
			if c, err = s.connect(); err != nil {
				return err
			}
		}
		target := []string{"/", "/json"}[i%2]
		r, err := c.ask("GET", target)
		if err != nil {
			return err
		}
		if r.StatusCode != http.StatusOK || r.body != *s.Routes[target].Body.Exact {
			return fmt.Errorf("GET %s: status %d, body %.60q", target, r.StatusCode, r.body)
		}
		if r.Close {
			if !s.AlwaysCloses() {
				return errors.New("the server closed a connection that was to be kept")
			}
			if err := errors.Join(c.ended(), c.Close()); err != nil {
				return err
			}
			c = nil
		}
	}
	return nil
}
