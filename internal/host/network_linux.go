package host

import (
	"fmt"
	"strconv"
	"strings"
)

// ReadNetwork reads the counters of this process's network namespace. It
// fails where /proc/net/snmp cannot be read.
func ReadNetwork() (Network, error) { return System.Network() }

// Network reads the same of any file tree.
func (t Tree) Network() (Network, error) {
	snmp, err := t.ReadFile("proc/net/snmp")
	if err != nil {
		return Network{}, fmt.Errorf("read network counters: %w", err)
	}
	found := parseCounters(string(snmp) + "\n" + t.Text("proc/net/netstat"))
	addSockets(found, t.Text("proc/net/sockstat"))
	addSockets(found, t.Text("proc/net/sockstat6"))
	if low, high, ok := t.Ports(); ok {
		found["ip_local_port_range"] = high - low + 1
	}
	var n Network
	take := func(name string) uint64 {
		v, ok := found[name]
		if !ok {
			n.Missing = union(n.Missing, []string{name})
		}
		return v
	}
	n.ListenOverflows = take("TcpExt.ListenOverflows")
	n.ListenDrops = take("TcpExt.ListenDrops")
	n.RequestQueueDrops = take("TcpExt.TCPReqQFullDrop")
	n.Timeouts = take("TcpExt.TCPTimeouts")
	n.Retransmits = take("Tcp.RetransSegs")
	n.SYNRetransmits = take("TcpExt.TCPSynRetrans")
	n.Resets = take("Tcp.EstabResets")
	n.ResetsSent = take("Tcp.OutRsts")
	n.FailedAttempts = take("Tcp.AttemptFails")
	n.TimeWait = take("TCP.tw")
	n.Sockets = take("TCP.inuse") + found["TCP6.inuse"] // none where IPv6 is off
	n.EphemeralPorts = take("ip_local_port_range")
	return n, nil
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

// addSockets reads /proc/net/sockstat: "TCP: inuse 4 orphan 0 tw 3 alloc 9 mem 1".
func addSockets(found map[string]uint64, sockstat string) {
	for line := range strings.Lines(sockstat) {
		fields := strings.Fields(line)
		for k := 1; k+1 < len(fields); k += 2 {
			if v, err := strconv.ParseUint(fields[k+1], 10, 64); err == nil {
				found[strings.TrimSuffix(fields[0], ":")+"."+fields[k]] = v
			}
		}
	}
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
