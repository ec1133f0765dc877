package vegeta

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
)

// errAgain ends a write of a request that net/http would send a second time.
var errAgain = errors.New("a request is not sent twice")

// conn is an HTTP/1.1 connection that reads along. net/http is lenient where
// the answers of a server do not match its requests: it drops what comes
// unsolicited with a line on stderr, or takes it for the answer to the next
// request. Here the parser of the other engine decides, so that both have one
// rule (docs/generator.md).
type conn struct {
	net.Conn
	pool  *pool
	raw   net.Conn // as the system has it; nil with TLS, which may have something to say by itself
	begun time.Time

	response http1.Response     // of the goroutine that reads
	want     *http1.Expectation // of the request that was written, for where its response ends
	waiting  atomic.Bool        // a request was written, and its response is not complete
	sent     atomic.Bool        // something of the request that holds it has left
	refuse   atomic.Bool        // the next write is of a request that was sent before

	users  atomic.Int32 // requests that hold it
	served atomic.Bool  // it has carried a whole response
	closed atomic.Bool  // by this side
	gone   atomic.Bool  // counted as ended by the server
}

func (c *conn) Write(p []byte) (int, error) {
	if c.refuse.Load() {
		return 0, errAgain
	}
	c.waiting.Store(true)
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.sent.Store(true)
	}
	return n, err
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		if odd := c.follow(p[:n]); odd != nil {
			n, err = 0, odd
		}
	}
	if err != nil && c.served.Load() && c.users.Load() == 0 && !c.closed.Load() {
		c.ended()
	}
	return n, err
}

// follow reads along, and says what is wrong.
func (c *conn) follow(data []byte) error {
	if !c.waiting.Load() {
		return http1.ErrUnsolicited
	}
	n, done, err := c.response.Feed(data, c.want)
	switch {
	case err != nil:
		return err
	case done && n < len(data) && !c.response.Switches():
		return http1.ErrExtra
	case done:
		c.response.Reset()
		c.waiting.Store(false)
	}
	return nil
}

// spoiled says whether the server ended a connection that has not been used
// yet, or sent something on it. With TLS that is not known: a server sends
// session tickets of its own accord.
func (c *conn) spoiled() bool {
	var n int
	var err error
	system, ok := c.raw.(syscall.Conn)
	if !ok {
		return false
	}
	raw, rerr := system.SyscallConn()
	if rerr != nil {
		return true
	}
	rerr = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	})
	return rerr != nil || n > 0 || err == nil || !errors.Is(err, syscall.EAGAIN)
}

func (c *conn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

// ended counts the connection as ended by the server, once.
func (c *conn) ended() {
	if !c.gone.Swap(true) {
		c.pool.reconnects.Add(1)
	}
}
