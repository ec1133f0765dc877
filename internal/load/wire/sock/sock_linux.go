package sock

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Address is an IPv4 or IPv6 address with port, or a Unix socket's, as the kernel reads it.
type Address struct {
	family int
	size   uintptr
	raw    unix.RawSockaddrAny // large enough for each family
}

// NewUnixAddress is that of a socket in the file system, or with an @ in front of one that is in none.
func NewUnixAddress(file string) (*Address, error) {
	a := &Address{family: unix.AF_UNIX}
	sa := (*unix.RawSockaddrUnix)(unsafe.Pointer(&a.raw))
	if len(file) >= len(sa.Path) {
		return nil, fmt.Errorf("the name of a Unix socket has at most %d bytes", len(sa.Path)-1)
	}
	sa.Family = unix.AF_UNIX
	for i := range len(file) {
		sa.Path[i] = int8(file[i])
	}
	a.size = unsafe.Offsetof(sa.Path) + uintptr(len(file)) + 1
	if strings.HasPrefix(file, "@") {
		sa.Path[0] = 0
		a.size--
	}
	return a, nil
}

// NewAddress converts an address and port. A zone is a
// number or the name of an interface; one that does not exist is left out.
func NewAddress(ap netip.AddrPort) *Address {
	a := &Address{}
	ip := ap.Addr().Unmap()
	port := [2]byte{byte(ap.Port() >> 8), byte(ap.Port())}
	if ip.Is4() {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&a.raw))
		sa.Family, sa.Addr = unix.AF_INET, ip.As4()
		sa.Port = *(*uint16)(unsafe.Pointer(&port))
		a.family, a.size = unix.AF_INET, unix.SizeofSockaddrInet4
		return a
	}
	sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&a.raw))
	sa.Family, sa.Addr = unix.AF_INET6, ip.As16()
	sa.Port = *(*uint16)(unsafe.Pointer(&port))
	sa.Scope_id = interfaceIndex(ip.Zone())
	a.family, a.size = unix.AF_INET6, unix.SizeofSockaddrInet6
	return a
}

// Stream opens a non-blocking stream socket of the address's family.
func (a *Address) Stream() (int, syscall.Errno) {
	fd, _, errno := syscall.RawSyscall(unix.SYS_SOCKET, uintptr(a.family), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	return int(fd), errno
}

// fullQueue is how long a Unix socket whose queue is full is asked again. TCP does that in the kernel.
const fullQueue = 20 * time.Millisecond

// Connect starts to connect; EINPROGRESS is the usual answer of TCP, and a Unix socket is
// connected at once.
func (a *Address) Connect(fd int) syscall.Errno {
	for until := time.Now().Add(fullQueue); ; time.Sleep(fullQueue / 200) {
		_, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), a.size)
		if errno != unix.EAGAIN || a.family != unix.AF_UNIX || time.Now().After(until) {
			return errno
		}
	}
}

// BindAddress gives the socket a local address and leaves the choice of the
// port to Connect, so that one port serves many destinations.
func (a *Address) BindAddress(fd int) syscall.Errno {
	if errno := SetOption(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); errno != 0 {
		return errno
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), a.size)
	return errno
}

// SetOption sets an integer socket option.
func SetOption(fd, level, name int, value int32) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&value)), 4, 0)
	return errno
}

// SendAtOnce sees to it that what is written leaves at once: without Nagle's
// delay, and without the pacing of a congestion control that is made for
// bulk data (BBR), which also costs a timer a packet.
func SendAtOnce(fd int) {
	_ = SetOption(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1)
	_, _, _ = syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_TCP, unix.TCP_CONGESTION,
		uintptr(unsafe.Pointer(unsafe.StringData(reno))), uintptr(len(reno)), 0)
}

// reno is in every kernel, open to every user, and does next to nothing.
const reno = "reno"

// Pending takes the error that an asynchronous connect ended with, 0 if it succeeded.
func Pending(fd int) syscall.Errno {
	var value, size int32 = 0, 4
	_, _, errno := syscall.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_ERROR,
		uintptr(unsafe.Pointer(&value)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return errno
	}
	return syscall.Errno(value)
}

// Read reads what is there. b must not be empty.
func Read(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	return int(n), errno
}

// Write writes what the socket has room for, and raises no SIGPIPE. b must not be empty.
func Write(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

// Accept takes a connection from a listening socket, non-blocking.
func Accept(fd int) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	return int(n), errno
}

// Close closes a socket. There is nothing to be done about an error.
func Close(fd int) { _, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// LockThread ties the calling goroutine to its thread and pins the thread to
// a core; a negative core pins nothing. The goroutine must call release in the
// end, also after an error. release gives the thread back to the runtime as it
// was; where that fails it stays locked, and ends with the goroutine.
func LockThread(cpu int) (release func(), err error) {
	runtime.LockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return runtime.UnlockOSThread, os.NewSyscallError("sched_getaffinity", err)
	}
	release = func() {
		if unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) == nil && unix.SchedSetaffinity(0, &before) == nil {
			runtime.UnlockOSThread()
		}
	}
	// A wait may then end within a microsecond of its time, not 50 later.
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return release, os.NewSyscallError("prctl PR_SET_TIMERSLACK", err)
	}
	if cpu < 0 {
		return release, nil
	}
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return release, fmt.Errorf("pin to core %d: %w", cpu, os.NewSyscallError("sched_setaffinity", err))
	}
	return release, nil
}

// reserved is what ReserveProcessors has promised. Processors belong to the
// whole program, so this does too.
var reserved struct {
	sync.Mutex
	loops  int
	before int // GOMAXPROCS when there were none
}

// ReserveProcessors makes sure that the Go scheduler has a processor for each
// of n more loops that never yield theirs, and one for everything else. The
// function returned takes that back; it is to be called once.
func ReserveProcessors(n int) (release func()) {
	reserve(n)
	return func() { reserve(-n) }
}

func reserve(n int) {
	reserved.Lock()
	defer reserved.Unlock()
	if reserved.loops == 0 {
		reserved.before = runtime.GOMAXPROCS(0)
	}
	reserved.loops += n
	want := reserved.before
	if reserved.loops > 0 {
		want = max(want, reserved.loops+1)
	}
	if want != runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(want)
	}
}
