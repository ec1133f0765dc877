package vegeta

import (
	"encoding/binary"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// alarm lets a goroutine wait without holding a processor of the runtime. Its own
// timers are late by up to a millisecond, since its poller counts those, and a
// thread that sleeps in a system call keeps its processor: where there is only
// one, no response is seen meanwhile. Files that the poller watches do neither.
type alarm struct {
	timer   *os.File // a timerfd: can be read when its time has come
	fd      int      // of timer, which must not lend it: it would block from then on
	buf     [8]byte
	event   *os.File // an eventfd: can be read whenever it was written to
	raw     syscall.RawConn
	written bool
}

func newAlarm() (*alarm, error) {
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	a := &alarm{timer: os.NewFile(uintptr(timer), "timerfd"), fd: timer}
	event, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		a.close()
		return nil, os.NewSyscallError("eventfd", err)
	}
	a.event = os.NewFile(uintptr(event), "eventfd")
	if a.raw, err = a.event.SyscallConn(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// sleep waits for d, or is false if the alarm was stopped.
func (a *alarm) sleep(d time.Duration) bool {
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(max(int64(d), 1))} // 0 would disarm it
	if unix.TimerfdSettime(a.fd, 0, &at, nil) != nil {
		return false // its only errors are of a bad argument
	}
	_, err := a.timer.Read(a.buf[:])
	return err == nil
}

// poll lets all goroutines run that can, and looks once at the network; it is
// false if the alarm was stopped. Who merely yields can run at once, and the
// runtime polls only where nobody can.
func (a *alarm) poll() bool {
	a.written = false
	return a.raw.Read(a.write) == nil
}

// one is what is written to an eventfd, which adds it up.
var one = binary.NativeEndian.AppendUint64(nil, 1)

// write makes the file readable, and is false the first time, so that the
// goroutine waits for the poller to find it so.
func (a *alarm) write(fd uintptr) bool {
	if a.written {
		return true
	}
	a.written = true
	_, _ = unix.Write(int(fd), one) // it is full after 2^64 of them
	return false
}

// stop ends a wait and all later ones. It may be called by any goroutine.
func (a *alarm) stop() {
	past := time.Unix(1, 0)
	_ = a.timer.SetReadDeadline(past)
	_ = a.event.SetReadDeadline(past)
}

func (a *alarm) close() {
	_ = a.timer.Close()
	if a.event != nil {
		_ = a.event.Close()
	}
}
