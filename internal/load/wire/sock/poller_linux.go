package sock

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Event is one readiness report: Events as epoll gives them, Fd and Pad as
// they were handed to Add.
type Event = unix.EpollEvent

// TickID is the Fd of the event that a tick makes; Ticked takes it.
const TickID = -1

// What a socket is registered for. All are edge-triggered, so that a socket
// is registered once and never again.
const (
	In    = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff
	InOut = In | unix.EPOLLOUT
)

// Poller waits for sockets. It is for one thread, except Add.
type Poller struct {
	fd       int
	tick     int // timerfd, -1 if there is none
	noPwait2 bool
	timeout  unix.Timespec
	expired  uint64
}

// NewPoller returns a Poller whose waits end at least once in every tick.
func NewPoller(tick time.Duration) (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	p := &Poller{fd: fd, tick: -1}
	if err := p.startTick(tick); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// startTick registers a periodic timer. One timer a tick is cheaper than a
// timeout in every wait, for which the kernel would arm a timer each time.
func (p *Poller) startTick(tick time.Duration) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	p.tick = fd
	every := unix.NsecToTimespec(int64(tick))
	if err := unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	if errno := p.Add(fd, TickID, 0, unix.EPOLLIN|unix.EPOLLET&0xffffffff); errno != 0 {
		return fmt.Errorf("register the tick: %w", errno)
	}
	return nil
}

// Close closes the poller, not the sockets.
func (p *Poller) Close() {
	if p.tick >= 0 {
		Close(p.tick)
	}
	Close(p.fd)
}

// Add registers a socket. id and tag come back in its events.
func (p *Poller) Add(fd int, id, tag int32, events uint32) syscall.Errno {
	return p.control(unix.EPOLL_CTL_ADD, fd, id, tag, events)
}

// Modify changes what a socket is registered for.
func (p *Poller) Modify(fd int, id, tag int32, events uint32) syscall.Errno {
	return p.control(unix.EPOLL_CTL_MOD, fd, id, tag, events)
}

func (p *Poller) control(op, fd int, id, tag int32, events uint32) syscall.Errno {
	ev := Event{Events: events, Fd: id, Pad: tag}
	_, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	return errno
}

// Ticked takes the event of a tick. Without it there is no next one: the
// kernel restarts a periodic timer only when it is read.
func (p *Poller) Ticked() {
	_, _, _ = syscall.RawSyscall(unix.SYS_READ, uintptr(p.tick), uintptr(unsafe.Pointer(&p.expired)), unsafe.Sizeof(p.expired))
}

// Poll reports what is ready now.
func (p *Poller) Poll(events []Event) int { return p.wait(events, 0) }

// Wait waits until something is ready, the tick or a signal at the latest.
func (p *Poller) Wait(events []Event) int { return p.wait(events, -1) }

func (p *Poller) wait(events []Event, msec int) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(unsafe.SliceData(events))),
		uintptr(len(events)), uintptr(msec), 0, 0)
	if errno != 0 { // EINTR: as good as nothing ready
		return 0
	}
	return int(n)
}

// ThreadCPU is the processor time of this thread in ns.
func ThreadCPU() int64 {
	var t unix.Timespec
	_, _, _ = syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_THREAD_CPUTIME_ID, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

// Yield lets another thread have the core, if one waits for it.
func Yield() { _, _, _ = syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// WaitFor is Wait for at most d. Kernels before 5.11 round d down to a
// millisecond, so that the caller has to poll for the rest.
func (p *Poller) WaitFor(events []Event, d time.Duration) int {
	if p.noPwait2 {
		return p.wait(events, int(d/time.Millisecond))
	}
	p.timeout = unix.NsecToTimespec(int64(max(d, 0)))
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(unsafe.SliceData(events))),
		uintptr(len(events)), uintptr(unsafe.Pointer(&p.timeout)), 0, 0)
	switch errno {
	case 0:
		return int(n)
	case unix.ENOSYS, unix.EPERM: // EPERM: a container's filter from before the call existed
		p.noPwait2 = true
		return p.wait(events, int(d/time.Millisecond))
	default:
		return 0
	}
}

func interfaceIndex(zone string) uint32 {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if ifi, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifi.Index)
	}
	return 0
}
