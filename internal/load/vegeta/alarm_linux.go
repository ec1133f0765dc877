package vegeta

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes a goroutine some microseconds after a time. The runtime's own
// timers cannot: its poller waits for whole milliseconds. A timerfd is a file
// that can be read when its time has come, so the goroutine waits in the poller
// as it would for a response, and holds no processor meanwhile. A thread that
// sleeps in a system call holds one: where there is only one, no response is seen.
type alarm struct {
	file *os.File
	fd   int // of file, which must not lend it: it would block from then on
	buf  [8]byte
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &alarm{file: os.NewFile(uintptr(fd), "timerfd"), fd: fd}, nil
}

// sleep waits for d, or is false if the alarm was stopped.
func (a *alarm) sleep(d time.Duration) bool {
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(max(int64(d), 1))} // 0 would disarm it
	if unix.TimerfdSettime(a.fd, 0, &at, nil) != nil {
		return false // its only errors are of a bad argument
	}
	_, err := a.file.Read(a.buf[:])
	return err == nil
}

// stop ends a sleep and all later ones. It may be called by any goroutine.
func (a *alarm) stop() { _ = a.file.SetReadDeadline(time.Unix(1, 0)) }

func (a *alarm) close() { _ = a.file.Close() }
