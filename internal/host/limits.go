package host

import (
	"fmt"
	"math"
	"syscall"
)

// Limits are what the system lets this process have. 0: no limit, or the
// system does not tell.
type Limits struct {
	OpenFiles    uint64
	MostFiles    uint64 // the largest limit of open files that root can set
	Ports        uint64 // for connections from one address to another
	Memory       uint64 // bytes that are available
	AddressSpace uint64 // bytes
	Processes    uint64 // of this user; root has no limit
}

// Need is what a load takes.
type Need struct {
	OpenFiles   uint64
	Ports       uint64 // connections from one address to another
	Connections uint64
}

const (
	// connectionMemory is what an idle connection takes, both ends together,
	// in the kernel and in the generator.
	connectionMemory = 12 << 10
	// leastAddressSpace and leastProcesses are what this program itself takes:
	// below, the runtime ends it with a stack trace.
	leastAddressSpace = 2 << 30
	leastProcesses    = 64
	mostPorts         = math.MaxUint16 - 1023 // an address has no more for clients
)

// ReadLimits raises the limit of open files as far as it goes, and reads what
// the limits are then.
func ReadLimits() (Limits, error) {
	files, err := RaiseOpenFiles()
	l := Limits{OpenFiles: files}
	l.readSystem()
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &lim) == nil && uint64(lim.Cur) < math.MaxInt64 { //nolint:unconvert // signed on some systems
		l.AddressSpace = uint64(lim.Cur) //nolint:unconvert // signed on some systems
	}
	return l, err
}

// Refuse says what of a need the limits do not allow, and the command that
// raises the limit. Both are empty where everything fits.
func (l Limits) Refuse(n Need) (reason, hint string) {
	over := func(need, limit uint64) bool { return limit > 0 && need > limit }
	memory := n.Connections * connectionMemory
	switch {
	case over(n.OpenFiles, l.OpenFiles):
		hint = fmt.Sprintf("ulimit -Hn %[1]d && ulimit -n %[1]d, as root or in limits.conf, then run again", n.OpenFiles)
		if over(n.OpenFiles, l.MostFiles) {
			hint = fmt.Sprintf("sysctl -w fs.nr_open=%d && %s", n.OpenFiles, hint)
		}
		return fmt.Sprintf("takes %d open files, and %d are allowed", n.OpenFiles, l.OpenFiles), hint
	case over(n.Ports, l.Ports):
		hint = "sysctl -w net.ipv4.ip_local_port_range='1024 65535', as root, then run again"
		if n.Ports > mostPorts {
			hint = fmt.Sprintf("use at most %d connections to one address", mostPorts)
		}
		return fmt.Sprintf("takes %d ports of one address, and there are %d", n.Ports, l.Ports), hint
	case over(memory, l.Memory):
		return fmt.Sprintf("takes about %s of memory, and %s are available", FormatBytes(memory), FormatBytes(l.Memory)),
			fmt.Sprintf("use at most %d connections here", l.Memory/connectionMemory)
	case over(leastAddressSpace, l.AddressSpace):
		return fmt.Sprintf("takes %s of address space, and %s are allowed", FormatBytes(leastAddressSpace), FormatBytes(l.AddressSpace)), "ulimit -v unlimited"
	case over(leastProcesses, l.Processes):
		return fmt.Sprintf("takes up to %d processes and threads, and %d are allowed", leastProcesses, l.Processes), "ulimit -u 4096"
	}
	return "", ""
}

// FormatBytes is a size for people.
func FormatBytes(bytes uint64) string {
	if bytes >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}
