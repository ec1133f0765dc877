package host

import (
	"os"

	"golang.org/x/sys/unix"
)

// readSystem reads what the kernel tells of its limits.
func (l *Limits) readSystem() {
	l.MostFiles, _ = System.Number("proc/sys/fs/nr_open")
	if low, high, ok := System.Ports(); ok {
		l.Ports = high - low + 1
	}
	l.Memory, _ = System.MemoryLeft()
	var lim unix.Rlimit
	if os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &lim) == nil && lim.Cur != unix.RLIM_INFINITY {
		l.Processes = lim.Cur
	}
}
