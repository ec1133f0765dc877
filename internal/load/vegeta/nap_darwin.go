package vegeta

import (
	"time"

	"golang.org/x/sys/unix"
)

// nap sleeps in the kernel for about d; a signal may end it earlier.
func nap(d time.Duration) {
	tv := unix.NsecToTimeval(int64(d))
	_, _ = unix.Select(0, nil, nil, nil, &tv)
}
