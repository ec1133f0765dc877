package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What the checks want of the network.
const (
	wantedConnections = 10_000                // the most that a profile asks for
	wantedOpenFiles   = 2 * wantedConnections // see the gate on limits
	badOpenFiles      = 2_048                 // not even a thousand connections
	wantedQueue       = 4_096
	wantedPorts       = 2 * wantedConnections
	warnTimeWait      = 0.25 // of the ports
	// timeWaitTime is fixed in the kernel (TCP_TIMEWAIT_LEN).
	timeWaitTime = 60 * time.Second
)

func (m *machine) openFiles() Check {
	c := Check{
		Name: "open-files", State: OK, Finding: fmt.Sprintf("%d open files are allowed (soft limit %d)", m.hard, m.soft),
		Why: fmt.Sprintf("a connection is an open file on both sides: %d of them need %d", wantedConnections, wantedOpenFiles),
	}
	if m.hard == 0 {
		c.State, c.Finding = Unknown, "the limit of open files cannot be read"
		return c
	}
	if m.hard >= wantedOpenFiles {
		return c // run raises the soft limit by itself
	}
	c.State = Warn
	if m.hard < badOpenFiles {
		c.State = Bad
	}
	// This process's soft limit is no guide: the Go runtime has raised it.
	soft, hard := m.parentOpenFiles()
	c.Mend = m.sudo(fmt.Sprintf("prlimit --pid $$ --nofile=%d:%d", wantedOpenFiles, wantedOpenFiles))
	c.Restore = m.sudo(fmt.Sprintf("prlimit --pid $$ --nofile=%s:%s", soft, hard))
	return c
}

// parentOpenFiles are the limits of the process that called, a shell as a rule.
func (m *machine) parentOpenFiles() (soft, hard string) {
	for line := range strings.Lines(m.Text(fmt.Sprintf("proc/%d/limits", m.parent))) {
		if f := strings.Fields(strings.TrimPrefix(line, "Max open files")); strings.HasPrefix(line, "Max open files") && len(f) >= 2 {
			return f[0], f[1]
		}
	}
	return strconv.FormatUint(m.soft, 10), strconv.FormatUint(m.hard, 10)
}

// setting is a check of a kernel setting that has to be at least so large.
func (m *machine) setting(c Check, name, unit string, wanted uint64) Check {
	now, ok := m.Number("proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if !ok {
		c.State, c.Finding = Unknown, name+" cannot be read"
		return c
	}
	c.State, c.Finding = OK, fmt.Sprintf("%s is %d", name, now)
	if now < wanted {
		c.State = Warn
		c.Finding = fmt.Sprintf("%s is %d, at least %d %s are wanted", name, now, wanted, unit)
		c.Mend, c.Restore = m.set(name, strconv.FormatUint(wanted, 10)), m.set(name, strconv.FormatUint(now, 10))
	}
	return c
}

// set is the command that sets a kernel setting.
func (m *machine) set(name, value string) string {
	return m.sudo("sysctl -w " + name + "=" + quoted(value))
}

func (m *machine) acceptQueue() Check {
	return m.setting(Check{
		Name: "accept-queue",
		Why:  "when connections open together, those that find the queue full try again after a second",
	}, "net.core.somaxconn", "places", wantedQueue)
}

// synQueue matters only where SYN cookies are off: tcp_conn_request (net/ipv4/
// tcp_input.c) looks at the setting in that case alone.
func (m *machine) synQueue() Check {
	const name = "net.ipv4.tcp_max_syn_backlog"
	c := Check{Name: "syn-queue", Why: "without SYN cookies half-open connections beyond it are dropped, and try again after a second"}
	if cookies, _ := m.Number("proc/sys/net/ipv4/tcp_syncookies"); cookies == 0 {
		return m.setting(c, name, "places", wantedQueue)
	}
	c.State, c.Finding = OK, "SYN cookies are on: no half-open connection is dropped for want of a place"
	return c
}

func (m *machine) ports() Check {
	const name = "net.ipv4.ip_local_port_range"
	c := Check{
		Name: "ports", State: OK,
		Why: "each connection to one address needs a port of its own, and a closed one keeps it for a minute",
	}
	low, high, ok := m.Ports()
	if !ok {
		c.State, c.Finding = Unknown, name+" cannot be read"
		return c
	}
	count := high - low + 1
	c.Finding = fmt.Sprintf("%d ports for clients (%d-%d)", count, low, high)
	if count >= wantedPorts {
		return c
	}
	c.State = Warn
	if count < wantedConnections {
		c.State = Bad
	}
	c.Finding += fmt.Sprintf(", %d are wanted", wantedPorts)
	c.Mend, c.Restore = m.set(name, "10240 65535"), m.set(name, fmt.Sprintf("%d %d", low, high))
	return c
}

// portReuse looks at whether a new connection may take a port in TIME_WAIT:
// 0 never, 1 always, 2 on loopback. It needs TCP time stamps.
func (m *machine) portReuse() Check {
	const name, stamps = "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_timestamps"
	c := Check{
		Name: "port-reuse", State: OK,
		Why: "without reuse a minute's closed connections use the ports up: a server without keep-alive seems to fail",
	}
	now, ok := m.Number("proc/sys/net/ipv4/tcp_tw_reuse")
	stamped, stampsKnown := m.Number("proc/sys/net/ipv4/tcp_timestamps")
	switch {
	case !ok || !stampsKnown:
		c.State, c.Finding = Unknown, name+" or "+stamps+" cannot be read"
		return c
	case now == 0:
		c.State, c.Finding = Warn, name+" is 0: ports in TIME_WAIT are not used again"
		c.Mend, c.Restore = m.set(name, "2"), m.set(name, "0")
	case stamped == 0:
		c.State, c.Finding = Warn, stamps+" is 0: ports in TIME_WAIT are not used again"
		c.Mend, c.Restore = m.set(stamps, "1"), m.set(stamps, "0")
	default:
		c.Finding = fmt.Sprintf("%s is %d: loopback connections take ports in TIME_WAIT again", name, now)
		return c
	}
	if low, high, ok := m.Ports(); ok {
		c.Finding += fmt.Sprintf(" (%.0f connections a second at most)", float64(high-low+1)/timeWaitTime.Seconds())
	}
	return c
}

func (m *machine) timeWait() Check {
	c := Check{
		Name: "time-wait", State: OK,
		Why: "they hold ports that the generator needs, and looking for a free one takes longer the fewer there are",
	}
	waiting, counted := m.TimeWait()
	low, high, known := m.Ports()
	if !counted || !known {
		c.State, c.Finding = Unknown, "the sockets in TIME_WAIT cannot be counted"
		return c
	}
	share := float64(waiting) / float64(high-low+1)
	c.Finding = fmt.Sprintf("%d sockets in TIME_WAIT, %.0f%% of the ports", waiting, 100*share)
	if share < warnTimeWait {
		return c
	}
	c.State, c.Mend = Warn, fmt.Sprintf("sleep %.0f", timeWaitTime.Seconds())
	if m.portReuse().State == OK {
		c.Finding += "; loopback connections take them again, and look for a free one for longer"
	} else if share >= 1 {
		c.State = Bad
	}
	return c
}
