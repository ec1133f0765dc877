package host

import (
	"fmt"
	"syscall"
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// SelfCPU is the processor time that this process has used so far, all
// threads together. Take the difference of two readings.
func SelfCPU() record.CPU { return usedBy(syscall.RUSAGE_SELF) }

// ChildrenCPU is the same of the processes that this one has started and that
// have ended, with all that they have waited for themselves.
func ChildrenCPU() record.CPU { return usedBy(syscall.RUSAGE_CHILDREN) }

func usedBy(who int) record.CPU {
	var ru syscall.Rusage
	if err := syscall.Getrusage(who, &ru); err != nil {
		return record.CPU{}
	}
	return record.CPU{User: time.Duration(ru.Utime.Nano()), System: time.Duration(ru.Stime.Nano())}
}

// RaiseOpenFiles raises this process's limit of open files to the most that
// it may set without privileges, if the system lets it, for itself and the processes that it starts,
// and returns the limit then in force.
func RaiseOpenFiles() (uint64, error) {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	before := lim
	lim.Cur = lim.Max
	// Set even where nothing changes: the Go runtime raised the soft limit
	// when this process began and would give children the old one, unless
	// the limit was set explicitly.
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		lim = before // macOS may refuse what it says is the most
	}
	return uint64(lim.Cur), nil //nolint:unconvert // signed on some systems
}
