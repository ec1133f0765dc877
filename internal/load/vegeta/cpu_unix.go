//go:build unix

package vegeta

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/record"
)

// processCPU is the processor time that this process has used.
func processCPU() record.CPU {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return record.CPU{}
	}
	return record.CPU{User: time.Duration(u.Utime.Nano()), System: time.Duration(u.Stime.Nano())}
}
