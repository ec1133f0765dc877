package wire

import (
	"bufio"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/record"
)

// rawServer gives every connection to a handler, with nothing of HTTP in
// between, so that a test says what is on the wire.
type rawServer struct {
	ln       net.Listener
	accepted atomic.Int64
	requests atomic.Int64
	mu       sync.Mutex
	open     map[net.Conn]bool
	wg       sync.WaitGroup
	done     chan struct{} // closed when the test is over
}

// peer is a connection as a handler sees it.
type peer struct {
	net.Conn
	server *rawServer
	br     *bufio.Reader
}

// next reads a request, and is false at the end of the connection.
func (p *peer) next() bool {
	for lines := 0; ; lines++ {
		line, err := p.br.ReadSlice('\n')
		if err != nil {
			return false
		}
		if len(line) == 2 && lines > 0 {
			p.server.requests.Add(1)
			return true
		}
	}
}

// send writes text, and is false if the client is gone.
func (p *peer) send(text string) bool {
	_, err := p.Write([]byte(text))
	return err == nil
}

// always answers every request with text.
func always(text string) func(*peer) {
	return func(p *peer) {
		for p.next() && p.send(text) {
		}
	}
}

const okResponse = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHello World!"

func serveRaw(t *testing.T, addr string, handler func(*peer)) *rawServer {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr)
	require.NoError(t, err)
	s := &rawServer{ln: ln, open: make(map[net.Conn]bool), done: make(chan struct{})}
	s.wg.Add(1)
	go s.accept(handler)
	t.Cleanup(s.close)
	return s
}

func (s *rawServer) accept(handler func(*peer)) {
	defer s.wg.Done()
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.accepted.Add(1)
		s.mu.Lock()
		s.open[c] = true
		s.mu.Unlock()
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			handler(&peer{Conn: c, server: s, br: bufio.NewReader(c)})
			s.mu.Lock()
			delete(s.open, c)
			s.mu.Unlock()
			_ = c.Close()
		}()
	}
}

func (s *rawServer) close() {
	if s.ln.Close() != nil {
		return // a second time
	}
	close(s.done)
	s.mu.Lock()
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *rawServer) url() string { return "http://" + s.ln.Addr().String() + "/" }

func startNull(t *testing.T, addr string) *null.Server {
	t.Helper()
	s, err := null.Start(t.Context(), null.Options{Addr: addr})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Wait()) }) // the context ends before
	return s
}

// measure runs one window, and holds what is true of every complete one.
func measure(t *testing.T, spec load.Spec) *record.Measurement {
	t.Helper()
	m, err := New().Run(context.Background(), spec)
	require.NoError(t, err)
	requireConsistent(t, spec, m)
	return m
}

func requireConsistent(t *testing.T, spec load.Spec, m *record.Measurement) {
	t.Helper()
	require.Equal(t, "wire", m.Engine)
	require.Equal(t, spec.Duration, m.Duration)
	require.Equal(t, int64(m.OK), m.Latency.Count)
	require.LessOrEqual(t, m.Completed, m.OK)
	var binned uint64
	for _, b := range m.Bins {
		binned += b.OK
	}
	require.Len(t, m.Bins, int((spec.Duration+record.BinWidth-1)/record.BinWidth))
	require.Equal(t, m.Completed, binned)
	require.Equal(t, m.Errors.Total() > 0, m.FirstError != "", m.FirstError)
	if spec.Schedule == nil {
		require.Equal(t, m.Requests, m.OK+m.Errors.Total())
		require.Nil(t, m.Service)
		require.Nil(t, m.Slip)
		return
	}
	require.Equal(t, m.Scheduled, m.OK+m.Errors.Total())
	require.Equal(t, int64(m.Requests), m.Slip.Count)
	require.Equal(t, int64(m.OK), m.Service.Count)
}
