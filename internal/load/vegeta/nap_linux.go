package vegeta

import (
	"time"

	"golang.org/x/sys/unix"
)

// nap sleeps in the kernel for about d; a signal may end it earlier.
//
// The kernel may delay a sleeper by the timer slack of its thread, 50 us by
// default. The goroutine is not locked to a thread, since handing a tick from
// a locked one costs two thread switches, so the slack is set at every nap;
// it makes the sleeps of the runtime's threads exact as well, and nothing else.
func nap(d time.Duration) {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}
