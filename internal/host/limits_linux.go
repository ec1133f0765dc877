package host

import (
	"os"

	"golang.org/x/sys/unix"
)

// readSystem reads what the kernel tells of its limits.
func (l *Limits) readSystem() {
	m := &machine{files: system}
	l.MostFiles, _ = m.number("proc/sys/fs/nr_open")
	if low, high, ok := parsePorts(m.text("proc/sys/net/ipv4/ip_local_port_range")); ok {
		l.Ports = high - low + 1
	}
	l.Memory, _ = m.memoryLeft()
	var lim unix.Rlimit
	if os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &lim) == nil && lim.Cur != unix.RLIM_INFINITY {
		l.Processes = lim.Cur
	}
}

// memoryLeft is what the machine and the control group still have.
func (m *machine) memoryLeft() (left uint64, group bool) {
	left, known := m.meminfo("MemAvailable")
	if of, limited := readGroups(m.files, "memory").memoryLeft(); limited && (!known || of < left) {
		return of, true
	}
	return left, false
}
