// Package null is the null server: it answers HTTP/1.x requests with the same
// small response and does nothing else, so that what a load generator reaches
// against it is the generator's own ceiling. It is never a competitor.
//
// Two paths are answered otherwise. /cpu?n=N counts the primes under N in the
// loop that serves the connection, which answers nobody else meanwhile, and says
// how many there are: the work of the measured servers' /cpu as native code. One
// process of one loop keeps one core busy with it, two processes keep two, so that
// their ratio is the speed-up that the machine itself has to give. /__runtime says
// what runs, as theirs does.
//
// It refuses to be a web server: there are no other routes, no methods but HEAD is
// told apart, no TLS, and a client that sends without reading its responses
// is disconnected. On Linux it is an event loop a core; elsewhere net/http.
package null

import (
	"context"
	"fmt"
	"net"
)

// Body is the body of the response to all paths but /cpu and /__runtime.
const Body = "Hello World!"

// Options say where the server listens and on which cores it runs.
type Options struct {
	Addr string // host:port; empty: 127.0.0.1 and a free port
	CPUs []int  // one event loop each; empty: one, not pinned
}

// Server is a running null server.
type Server struct {
	addr     net.Addr
	requests func() uint64
	stop     func()
	done     chan struct{}
	err      error // why serving ended, set before done is closed
}

// Start listens and serves until ctx ends. It returns once
// connections are accepted.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("null server: %w", err)
	}
	s := &Server{addr: ln.Addr(), done: make(chan struct{})}
	if err := s.serve(ln.(*net.TCPListener), o.CPUs); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("null server: %w", err)
	}
	unwatch := context.AfterFunc(ctx, s.stop)
	go func() { <-s.done; unwatch() }()
	return s, nil
}

// URL is the address as a target for a load generator.
func (s *Server) URL() string { return "http://" + s.addr.String() + "/" }

// Requests is how many requests were answered. A running server's count may
// be behind by what its loops have in hand.
func (s *Server) Requests() uint64 { return s.requests() }

// Wait waits until the server has ended, and says why if nobody asked it to.
func (s *Server) Wait() error {
	<-s.done
	return s.err
}
