package vegeta

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
)

// opening is how many connections are being opened at once: few enough for
// the shortest listen queues (128), since an overflow costs a second.
const opening = 64

// pool opens the connections of a window. Those that it opened beforehand it
// hands to the transport when that asks to dial, so that net/http needs no
// request to get its connections.
type pool struct {
	ctx        context.Context // ends with the window: net/http lets a dial outlive its request
	cancel     context.CancelFunc
	addrs      []string // of the servers, in turn
	dialer     net.Dialer
	socket     string      // a Unix socket in the place of every address; empty: none
	tls        *tls.Config // nil for http; without the name of the server
	reconnects atomic.Uint64
	bytesIn    atomic.Uint64 // everything read, with heads and, if any, TLS

	mu     sync.Mutex
	ready  map[string][]net.Conn // by address
	all    map[io.Closer]struct{}
	closed bool
}

// dialError marks an error as one of establishing the connection.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

func newPool(ctx context.Context, spec *load.Spec, requests []*http1.Request, o Options) *pool {
	ctx, cancel := context.WithCancel(ctx)
	p := &pool{
		ctx:    ctx,
		cancel: cancel,
		dialer: net.Dialer{Timeout: spec.Timeout, KeepAlive: -1},
		socket: spec.Socket,
		ready:  map[string][]net.Conn{},
		all:    map[io.Closer]struct{}{},
	}
	for _, r := range requests {
		if !slices.Contains(p.addrs, r.HostPort()) {
			p.addrs = append(p.addrs, r.HostPort())
		}
		if r.Scheme() == "https" {
			p.tls = tlsConfig(o)
		}
	}
	return p
}

func tlsConfig(o Options) *tls.Config {
	c := &tls.Config{
		InsecureSkipVerify: o.InsecureSkipVerify, // asked for by the caller
		NextProtos:         []string{"http/1.1"},
	}
	if o.HTTP2 {
		c.NextProtos = []string{"h2", "http/1.1"}
	}
	return c
}

// preopened is how many connections are opened before the window.
func (p *pool) preopened(spec *load.Spec) int {
	if p.http2() && !spec.Close {
		return len(p.addrs)
	}
	return spec.Preopened()
}

// open opens up to n connections, to the servers in turn, within one timeout,
// and says how many it got. A connection that fails is not an error: the requests will find out.
func (p *pool) open(n int) int {
	ctx, cancel := context.WithTimeout(p.ctx, p.dialer.Timeout)
	defer cancel()
	var wg sync.WaitGroup
	var begun, opened atomic.Int64
	for range min(n, opening) {
		wg.Go(func() {
			for i := begun.Add(1); i <= int64(n) && ctx.Err() == nil; i = begun.Add(1) {
				addr := p.addrs[(i-1)%int64(len(p.addrs))]
				if c, err := p.dial(ctx, addr); err == nil {
					p.mu.Lock()
					p.ready[addr] = append(p.ready[addr], c)
					p.mu.Unlock()
					opened.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(opened.Load())
}

// take gives the transport a connection: an opened one that is still of use,
// else a new one.
func (p *pool) take(ctx context.Context, _, addr string) (net.Conn, error) {
	for c := p.pop(addr); c != nil; c = p.pop(addr) {
		if own, ok := c.(*conn); !ok || !own.spoiled() {
			return c, nil
		}
		_ = c.Close()
		p.reconnects.Add(1)
	}
	return p.dial(ctx, addr)
}

func (p *pool) pop(addr string) net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.ready[addr])
	if n == 0 {
		return nil
	}
	c := p.ready[addr][n-1]
	p.ready[addr] = p.ready[addr][:n-1]
	return c
}

// http2 says whether HTTP/2 is offered.
func (p *pool) http2() bool { return p.tls != nil && p.tls.NextProtos[0] == "h2" }

func (p *pool) dial(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	begun := time.Now()
	network, to := "tcp", addr
	if p.socket != "" {
		network, to = "unix", p.socket
	}
	raw, err := p.dialer.DialContext(ctx, network, to)
	if err != nil {
		return nil, &dialError{err}
	}
	counted := &counted{Conn: raw, pool: p}
	if !p.add(counted) {
		_ = raw.Close()
		return nil, &dialError{net.ErrClosed}
	}
	if p.tls == nil {
		return &conn{Conn: counted, pool: p, raw: raw, begun: begun}, nil
	}
	named := p.tls.Clone()
	named.ServerName, _, _ = net.SplitHostPort(addr) // it was joined by us
	secure := tls.Client(counted, named)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = counted.Close()
		return nil, &dialError{err}
	}
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		return secure, nil // net/http looks for HTTP/2 in this type only
	}
	return &conn{Conn: secure, pool: p, begun: begun}, nil
}

func (p *pool) add(c io.Closer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.all[c] = struct{}{}
	}
	return !p.closed
}

// close ends all connections, and those that are still being dialed.
func (p *pool) close() {
	p.cancel()
	p.mu.Lock()
	p.closed = true
	all := p.all
	p.all = nil
	p.mu.Unlock()
	for c := range all {
		_ = c.Close()
	}
}

// counted is a connection as the system has it, below TLS.
type counted struct {
	net.Conn
	pool *pool
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.pool.bytesIn.Add(uint64(n))
	return n, err
}

func (c *counted) Close() error {
	c.pool.mu.Lock()
	delete(c.pool.all, c)
	c.pool.mu.Unlock()
	return c.Conn.Close()
}

// newTransport returns a transport that takes its connections from the pool
// and leaves the response as it came.
func newTransport(spec *load.Spec, p *pool) *http.Transport {
	t := &http.Transport{
		DialContext:         p.take,
		DialTLSContext:      p.take,
		TLSClientConfig:     p.tls,
		DisableKeepAlives:   spec.Close,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 1 << 20, // every connection is kept
		MaxConnsPerHost:     spec.Connections,
		Protocols:           new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	if p.http2() {
		t.Protocols.SetHTTP2(true)
		t.MaxConnsPerHost = 0 // the requests share connections
	}
	return t
}
