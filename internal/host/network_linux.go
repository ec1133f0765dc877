package host

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
)

// ReadNetwork reads the counters of this process's network namespace: those of all its
// processes, the generator's and the servers' among them. What a kernel does not count is
// 0. It fails where /proc/net/snmp cannot be read.
func ReadNetwork() (record.Network, error) { return System.network() }

func (t Tree) network() (record.Network, error) {
	snmp, err := t.ReadFile("proc/net/snmp")
	if err != nil {
		return record.Network{}, fmt.Errorf("read network counters: %w", err)
	}
	found := parseCounters(string(snmp) + "\n" + t.Text("proc/net/netstat"))
	return record.Network{
		ListenOverflows: found["TcpExt.ListenOverflows"], ListenDrops: found["TcpExt.ListenDrops"],
		SYNRetransmits: found["TcpExt.TCPSynRetrans"], Resets: found["Tcp.EstabResets"],
	}, nil
}

// parseCounters reads /proc/net/snmp and /proc/net/netstat: a line of names
// and a line of values, both with the same first word. Which names there are,
// and their order, differs between kernels. Values below zero (of settings,
// not counters) and whatever else does not fit are left out.
func parseCounters(table string) map[string]uint64 {
	found := map[string]uint64{}
	lines := strings.Split(table, "\n")
	for i := 0; i+1 < len(lines); i++ {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) == 0 || len(values) == 0 || names[0] != values[0] {
			continue
		}
		i++
		for k := 1; k < min(len(names), len(values)); k++ {
			if v, err := strconv.ParseUint(values[k], 10, 64); err == nil {
				found[strings.TrimSuffix(names[0], ":")+"."+names[k]] = v
			}
		}
	}
	return found
}

var inTimeWait = regexp.MustCompile(`(?m)^TCP:.* tw (\d+)`)

// TimeWait is how many sockets are in TIME_WAIT.
func (t Tree) TimeWait() (n uint64, ok bool) {
	n, err := strconv.ParseUint(group(inTimeWait, t.Text("proc/net/sockstat")), 10, 64)
	return n, err == nil
}

// Ports is the range that clients' ports are taken from, both ends included.
func (t Tree) Ports() (low, high uint64, ok bool) {
	return parsePorts(t.Text("proc/sys/net/ipv4/ip_local_port_range"))
}

// parsePorts reads "32768 60999", both ends included.
func parsePorts(value string) (low, high uint64, ok bool) {
	fields := strings.Fields(value)
	if len(fields) != 2 {
		return 0, 0, false
	}
	low, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil {
		return 0, 0, false
	}
	high, err = strconv.ParseUint(fields[1], 10, 16)
	return low, high, err == nil && low <= high
}
