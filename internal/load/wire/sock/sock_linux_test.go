package sock_test

import (
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/load/wire/sock"
)

// connectTo opens a connection by raw calls and returns both its ends.
func connectTo(t *testing.T, listen string) (fd int, peer net.Conn) {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", listen)
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	to := sock.NewAddress(netip.MustParseAddrPort(ln.Addr().String()))
	fd, errno := to.Stream()
	require.Zero(t, errno)
	t.Cleanup(func() { sock.Close(fd) })
	sock.SendAtOnce(fd)
	if to := netip.MustParseAddrPort(ln.Addr().String()).Addr(); to.Is4() {
		require.Zero(t, sock.NewAddress(netip.MustParseAddrPort("127.9.8.7:0")).BindAddress(fd))
	}
	if errno := to.Connect(fd); errno != 0 {
		require.Equal(t, unix.EINPROGRESS, errno)
	}
	peer, err = ln.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = peer.Close() })
	return fd, peer
}

func TestEdges(t *testing.T) {
	for _, listen := range withIPv6(t, "127.0.0.1:0", "[::1]:0") {
		fd, peer := connectTo(t, listen)
		if listen == "127.0.0.1:0" {
			assert.Contains(t, peer.RemoteAddr().String(), "127.9.8.7:")
		}
		p, err := sock.NewPoller(time.Hour)
		require.NoError(t, err)
		defer p.Close()
		require.Zero(t, p.Add(fd, 7, 9, sock.In))
		events := make([]sock.Event, 4)
		require.Zero(t, p.Poll(events))

		_, err = peer.Write([]byte("hello"))
		require.NoError(t, err)
		require.Equal(t, 1, p.WaitFor(events, time.Second))
		assert.Equal(t, int32(7), events[0].Fd)
		assert.Equal(t, int32(9), events[0].Pad)
		assert.Zero(t, p.Poll(events), "an edge is told once")
		buf := make([]byte, 8)
		n, errno := sock.Read(fd, buf)
		require.Zero(t, errno)
		assert.Equal(t, "hello", string(buf[:n]))
		_, errno = sock.Read(fd, buf)
		assert.Equal(t, unix.EAGAIN, errno)

		n, errno = sock.Write(fd, []byte("back"))
		require.Zero(t, errno)
		assert.Equal(t, 4, n)
		n, err = peer.Read(buf)
		require.NoError(t, err)
		assert.Equal(t, "back", string(buf[:n]))
	}
}

func TestRefusedIsPending(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	to := sock.NewAddress(netip.MustParseAddrPort(ln.Addr().String()))
	require.NoError(t, ln.Close())
	fd, errno := to.Stream()
	require.Zero(t, errno)
	defer sock.Close(fd)
	if errno = to.Connect(fd); errno == unix.EINPROGRESS {
		errno = sock.Pending(fd)
	}
	assert.Equal(t, unix.ECONNREFUSED, errno)
}

// A tick ends a wait that nothing else would end, again and again.
func TestTick(t *testing.T) {
	p, err := sock.NewPoller(5 * time.Millisecond)
	require.NoError(t, err)
	defer p.Close()
	events := make([]sock.Event, 4)
	began := time.Now()
	for ticks := 0; ticks < 5; {
		if p.Wait(events) > 0 {
			require.Equal(t, int32(sock.TickID), events[0].Fd)
			p.Ticked()
			ticks++
		}
	}
	assert.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
}

func TestWaitForLastsAsLong(t *testing.T) {
	p, err := sock.NewPoller(time.Hour)
	require.NoError(t, err)
	defer p.Close()
	began := time.Now()
	for time.Since(began) < 3*time.Millisecond { // a signal may end a wait before
		require.Zero(t, p.WaitFor(make([]sock.Event, 1), 3*time.Millisecond-time.Since(began)))
	}
	assert.GreaterOrEqual(t, time.Since(began), 3*time.Millisecond)
}

func TestLockThreadGivesTheThreadBack(t *testing.T) {
	runtime.LockOSThread() // so that it is the same one below
	defer runtime.UnlockOSThread()
	var before, pinned, after unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &before))
	release, err := sock.LockThread(0)
	require.NoError(t, err)
	require.NoError(t, unix.SchedGetaffinity(0, &pinned))
	assert.Equal(t, 1, pinned.Count())
	release()
	require.NoError(t, unix.SchedGetaffinity(0, &after))
	assert.Equal(t, before, after)
}

func TestReserveProcessors(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	one := sock.ReserveProcessors(before + 2)
	assert.Equal(t, before+3, runtime.GOMAXPROCS(0))
	two := sock.ReserveProcessors(1)
	assert.Equal(t, before+4, runtime.GOMAXPROCS(0))
	one()
	two()
	assert.Equal(t, before, runtime.GOMAXPROCS(0))
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
