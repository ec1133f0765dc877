// Package hold keeps idle connections open, as browsers do between two clicks:
// each has asked once and been answered, and then says nothing more.
package hold

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/http1"
)

// perAddress is how many connections leave from one loopback address before
// the next is taken: fewer than there are ports for it.
const perAddress = 20_000

// opening is how many connections are opened at once: fewer than the shortest
// listen queue among the servers.
const opening = 32

// Connections are idle and open.
type Connections struct {
	conns []net.Conn
}

// Open opens n connections and sends one request on each. A connection that cannot be
// had, or is not answered with the right status within timeout, counts as one that is
// not open; the error is ctx's or the request's.
func Open(ctx context.Context, x *http1.Exchange, n int, timeout time.Duration) (*Connections, error) {
	r, err := http1.NewRequest(x, false)
	if err != nil {
		return nil, fmt.Errorf("hold connections: %w", err)
	}
	host, _ := r.Address()
	begin := regexp.MustCompile(fmt.Sprintf(`^HTTP/1\.[01] %d[ \r]`, r.Want.Status))
	c := &Connections{conns: make([]net.Conn, n)}
	var wg sync.WaitGroup
	next := make(chan int)
	for range opening {
		wg.Go(func() {
			for i := range next {
				c.conns[i] = open(ctx, r.HostPort(), source(host, i), r.Bytes(), begin, timeout)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// source is the address that the i-th connection leaves from, nil for the
// system's choice.
func source(host string, i int) net.Addr {
	ip := net.ParseIP(host).To4()
	if ip == nil || !ip.IsLoopback() || i < perAddress {
		return nil
	}
	return &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i/perAddress))}
}

func open(ctx context.Context, host string, from net.Addr, request []byte, begin *regexp.Regexp, timeout time.Duration) net.Conn {
	d := net.Dialer{Timeout: timeout, LocalAddr: from, KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil
	}
	// The whole answer of a small page comes at once; where it does not, the rest
	// waits in the socket's buffer, and the connection is idle all the same.
	answer := make([]byte, 4096)
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if _, err := conn.Write(request); err != nil {
		_ = conn.Close()
		return nil
	}
	n, err := conn.Read(answer)
	if err != nil || !begin.Match(answer[:n]) {
		_ = conn.Close()
		return nil
	}
	return conn
}

// End closes all, and says how many the server had not ended.
func (c *Connections) End() int {
	defer c.Close()
	return c.Open()
}

// Open counts the connections that the server has not ended.
func (c *Connections) Open() (n int) {
	buf := make([]byte, 4096)
	for _, conn := range c.conns {
		if conn, ok := conn.(*net.TCPConn); ok && alive(conn, buf) {
			n++
		}
	}
	return n
}

// alive reads what is there without waiting: at the end of a connection that
// is its end, else that nothing is there.
func alive(conn *net.TCPConn, buf []byte) (open bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	_ = conn.SetReadDeadline(time.Time{}) // one that has passed would refuse to read
	err = raw.Read(func(fd uintptr) bool {
		for {
			n, err := unix.Read(int(fd), buf)
			if n > 0 || errors.Is(err, unix.EINTR) {
				continue
			}
			open = errors.Is(err, unix.EAGAIN)
			return true
		}
	})
	return open && err == nil
}

// Close ends them all.
func (c *Connections) Close() {
	for _, conn := range c.conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
}
