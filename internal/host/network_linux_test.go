package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/record"
)

func TestNetworkOfTables(t *testing.T) {
	n, err := Tree{recorded(t, "vm.txtar")}.network()
	require.NoError(t, err)
	assert.Equal(t, record.Network{ListenOverflows: 4918, ListenDrops: 4918, SYNRetransmits: 3571, Resets: 200002}, n)
	n, err = Tree{recorded(t, "laptop.txtar")}.network()
	require.NoError(t, err)
	assert.Equal(t, record.Network{ListenOverflows: 12, ListenDrops: 15, Resets: 4}, n, "what the kernel does not count is 0")
	_, err = Tree{fstest.MapFS{}}.network()
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestTimeWait(t *testing.T) {
	n, ok := Tree{recorded(t, "vm.txtar")}.TimeWait()
	assert.True(t, ok)
	assert.EqualValues(t, 9658, n)
	_, ok = Tree{fstest.MapFS{}}.TimeWait()
	assert.False(t, ok)
}

func TestPorts(t *testing.T) {
	for _, bad := range []string{"", "1", "a b", "5 4", "1 70000", "-1 5", "1 2 3"} {
		_, _, ok := parsePorts(bad)
		assert.False(t, ok, bad)
	}
}

// namespaceVariable holds the name of the test that runs in a network
// namespace of its own.
const namespaceVariable = "HELLOBENCH_TEST_NAMESPACE"

// inNamespace runs the calling test again in a network namespace of its own,
// where nobody else moves a counter and a setting can be changed, and returns
// true there. It skips the test where this user may not make one.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceVariable) == t.Name() {
		sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		defer func() { _ = unix.Close(sock) }()
		lo, err := unix.NewIfreq("lo")
		require.NoError(t, err)
		lo.SetUint16(unix.IFF_UP)
		if err := unix.IoctlIfreq(sock, unix.SIOCSIFFLAGS, lo); err != nil {
			t.Skipf("loopback of a new namespace: %v", err)
		}
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "60s")
	cmd.Env = append(os.Environ(), namespaceVariable+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	var failed *exec.ExitError
	out, err := cmd.CombinedOutput()
	if err != nil && !errors.As(err, &failed) {
		t.Skipf("a new network namespace: %v", err)
	}
	t.Logf("%s", out)
	require.NoError(t, err)
	return false
}

// TestListenOverflows fills the accept queue of a listener that never accepts:
// exactly what was turned away is counted, and nothing else.
func TestListenOverflows(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer func() { _ = unix.Close(listener) }()
	require.NoError(t, unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(listener, 1))
	addr, err := unix.Getsockname(listener)
	require.NoError(t, err)
	before, err := ReadNetwork()
	require.NoError(t, err)
	for range 2 { // a queue of 1 holds 2
		defer func(fd int) { _ = unix.Close(fd) }(connect(t, addr))
	}
	full, err := ReadNetwork()
	require.NoError(t, err)
	assert.Zero(t, full.Sub(before).ListenOverflows, "the queue is full, nothing was turned away yet")
	for range 3 {
		defer func(fd int) { _ = unix.Close(fd) }(connect(t, addr))
	}
	var d record.Network
	require.Eventually(t, func() bool {
		after, err := ReadNetwork()
		d = after.Sub(full)
		return err == nil && d.ListenOverflows >= 3
	}, 5*time.Second, 5*time.Millisecond)
	t.Logf("%+v", d)
	assert.Equal(t, d.ListenOverflows, d.ListenDrops)
	assert.Zero(t, d.Resets)
	// What was turned away is sent again after a second.
	require.Eventually(t, func() bool {
		after, err := ReadNetwork()
		return err == nil && after.Sub(full).SYNRetransmits > 0
	}, 10*time.Second, 20*time.Millisecond)
}

// connect begins a connection and does not wait for it.
func connect(t *testing.T, addr unix.Sockaddr) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	require.NoError(t, err)
	if err := unix.Connect(fd, addr); err != nil {
		require.ErrorIs(t, err, unix.EINPROGRESS)
	}
	return fd
}

func FuzzNetwork(f *testing.F) {
	for _, name := range []string{"vm.txtar", "laptop.txtar"} {
		tree := recorded(f, name)
		f.Add(Tree{tree}.Text("proc/net/snmp"), Tree{tree}.Text("proc/net/netstat"), Tree{tree}.Text("proc/net/sockstat"), Tree{tree}.Text("proc/sys/net/ipv4/ip_local_port_range"), uint64(7))
	}
	f.Fuzz(func(t *testing.T, snmp, netstat, sockstat, ports string, count uint64) {
		tree := fstest.MapFS{
			"proc/net/snmp": {Data: []byte(snmp)}, "proc/net/netstat": {Data: []byte(netstat)},
			"proc/net/sockstat": {Data: []byte(sockstat)}, "proc/sys/net/ipv4/ip_local_port_range": {Data: []byte(ports)},
		}
		n, err := Tree{tree}.network()
		require.NoError(t, err)
		assert.Zero(t, n.Sub(n))
		if low, high, ok := (Tree{tree}).Ports(); ok {
			assert.LessOrEqual(t, low, high)
		}
		// Whatever stands before it, a table of the kernel is read.
		tree["proc/net/netstat"] = &fstest.MapFile{Data: fmt.Appendf(nil, "%s\n\nTcpExt: A ListenDrops\nTcpExt: 1 %d\n", netstat, count)}
		n, err = Tree{tree}.network()
		require.NoError(t, err)
		assert.Equal(t, count, n.ListenDrops)
	})
}
