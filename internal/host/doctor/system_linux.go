package doctor

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hellobench/hellobench/internal/host"
)

const (
	cpuDir   = "sys/devices/system/cpu"
	clockDir = "sys/devices/system/clocksource/clocksource0"
)

// Clock sources that are read without a system call, and those that take a
// microsecond and more of slow hardware each time.
var (
	fastClocks = []string{"tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page", "riscv_clocksource", "timebase"}
	slowClocks = []string{"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"}
)

func (m *machine) clock() Check {
	now := m.Text(path.Join(clockDir, "current_clocksource"))
	c := Check{
		Name: "clock", State: Warn, Finding: fmt.Sprintf("clock source %s is not known to be fast", now),
		Why: "each latency takes two readings of the clock: a slow source is part of every figure",
	}
	switch {
	case now == "":
		c.State, c.Finding = Unknown, "the clock source is not told"
	case slices.Contains(fastClocks, now):
		c.State, c.Finding = OK, "clock source "+now
	case slices.Contains(slowClocks, now):
		c.State, c.Finding = Bad, fmt.Sprintf("clock source %s is slow", now)
	}
	available := strings.Fields(m.Text(path.Join(clockDir, "available_clocksource")))
	fast := slices.IndexFunc(available, func(s string) bool { return slices.Contains(fastClocks, s) })
	if fast >= 0 && (c.State == Bad || c.State == Warn) {
		file := "/" + path.Join(clockDir, "current_clocksource")
		c.Mend, c.Restore = m.write(available[fast], file), m.write(now, file)
	}
	return c
}

// governor compares the frequency policies of all cores: the kernel may move
// what is not pinned, and one command for all is easier to take back.
func (m *machine) governor() Check {
	c := Check{
		Name: "governor", State: Unknown, Finding: "the processor's frequency policy is not told (usual in a virtual machine)",
		Why: "a core that is clocked down while it waits answers the next request late",
	}
	files, _ := fs.Glob(m.Tree, path.Join(cpuDir, "cpu[0-9]*/cpufreq/scaling_governor"))
	byValue := map[string][]string{}
	var values []string
	for _, file := range files {
		if value := m.Text(file); value != "" {
			if byValue[value] == nil {
				values = append(values, value)
			}
			byValue[value] = append(byValue[value], "/"+file)
		}
	}
	if len(values) == 0 {
		return c
	}
	c.Finding = "frequency policy " + strings.Join(values, ", ")
	if slices.Equal(values, []string{"performance"}) {
		c.State = OK
		return c
	}
	c.State = Warn
	all := "/" + path.Join(cpuDir, "cpu*/cpufreq/scaling_governor")
	c.Mend = m.write("performance", all)
	if len(values) == 1 {
		c.Restore = m.write(values[0], all)
		return c
	}
	var parts []string
	for _, value := range values {
		parts = append(parts, m.write(value, byValue[value]...))
	}
	c.Restore = strings.Join(parts, "; ")
	return c
}

func (m *machine) turbo() Check {
	c := Check{
		Name: "turbo", State: Unknown, Finding: "whether the processor clocks itself up is not told (usual in a virtual machine)",
		Why: "the frequency then depends on heat and on the other cores: later windows are slower than earlier ones",
	}
	for _, s := range []struct{ file, on, off string }{
		{path.Join(cpuDir, "intel_pstate/no_turbo"), "0", "1"},
		{path.Join(cpuDir, "cpufreq/boost"), "1", "0"},
	} {
		switch m.Text(s.file) {
		case s.on:
			c.State, c.Finding = Warn, "the processor clocks itself up (turbo, boost) as heat allows"
			c.Mend, c.Restore = m.write(s.off, "/"+s.file), m.write(s.on, "/"+s.file)
			return c
		case s.off:
			c.State, c.Finding = OK, "turbo is off"
			return c
		}
	}
	return c
}

func (m *machine) memory() Check {
	c := Check{Name: "memory", State: OK, Why: "ten thousand connections need some hundred MiB; a machine without them swaps or kills the server"}
	if _, ok := m.MemInfo("MemAvailable"); !ok {
		c.State, c.Finding = Unknown, "the memory that is available is not told"
		return c
	}
	left, group := m.MemoryLeft()
	c.Finding = fmt.Sprintf("%s of memory are available", host.FormatBytes(left))
	if group {
		c.Finding = fmt.Sprintf("%s of memory are left in the control group", host.FormatBytes(left))
	}
	switch {
	case left < badMemory:
		c.State = Bad
	case left < warnMemory:
		c.State = Warn
	}
	return c
}

// swap is read by area, for an area that is turned off and on again keeps its
// place only if its priority is given.
func (m *machine) swap() Check {
	c := Check{
		Name: "swap", State: OK, Finding: "no swap is in use",
		Why: "memory that comes back from swap during a window is a pause of milliseconds",
	}
	table := m.Text("proc/swaps")
	if table == "" {
		c.Finding = "this kernel does not swap"
		return c
	}
	var used uint64
	var on []string
	var off strings.Builder
	for line := range strings.Lines(table) {
		f := strings.Fields(line) // Filename Type Size Used Priority, KiB
		if len(f) != 5 {
			continue
		}
		kib, err := strconv.ParseUint(f[3], 10, 53)
		if err != nil || kib == 0 {
			continue
		}
		used += kib << 10
		area := quoted(host.Unescape(f[0]))
		off.WriteString(" " + area)
		priority := ""
		if !strings.HasPrefix(f[4], "-") { // below zero the kernel chose it
			priority = "-p " + f[4] + " "
		}
		on = append(on, m.sudo("swapon "+priority+area))
	}
	if used == 0 {
		return c
	}
	c.State, c.Finding = Warn, host.FormatBytes(used)+" of swap are in use"
	if left, ok := m.MemInfo("MemAvailable"); ok && left > used+warnMemory { // what comes back needs room
		c.Mend, c.Restore = m.sudo("swapoff"+off.String()), strings.Join(on, "; ")
	}
	return c
}

// isolation is told and not judged: it helps, and few machines have it.
func (m *machine) isolation() Check {
	c := Check{
		Name: "isolation", State: OK, Finding: "no core is kept free of other processes (isolcpus)",
		Why: "on an isolated core nothing runs but what is pinned to it; else the load check tells who is there",
	}
	if cpus := m.Text(path.Join(cpuDir, "isolated")); cpus != "" {
		c.Finding = "cores that are kept free of other processes (isolcpus): " + cpus
	}
	return c
}

// mitigations are told and not judged: they hold for every arm alike.
func (m *machine) mitigations() Check {
	c := Check{
		Name: "mitigations", State: Unknown, Finding: "the kernel's mitigations of processor flaws are not told",
		Why: "they make system calls dearer: compare figures only with those of machines that have the same",
	}
	on, open, err := m.Mitigations()
	if err != nil {
		return c
	}
	c.State, c.Finding = OK, "mitigations of processor flaws: "+list(on)+"; left open: "+list(open)
	return c
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
