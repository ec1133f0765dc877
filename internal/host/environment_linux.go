package host

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
)

// sysctls are the kernel settings that decide how many connections a server
// takes and how the generator's ports are reused.
var sysctls = []string{
	"net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.ip_local_port_range",
	"net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_congestion_control", "fs.file-max", "kernel.sched_autogroup_enabled",
}

var pretty = regexp.MustCompile(`(?m)^PRETTY_NAME="?([^"\n]*)"?$`)

// readSystem reads what the kernel tells of this machine.
func readSystem(e *record.Environment) {
	cpuinfo := System.Text("proc/cpuinfo")
	e.Kernel = System.Text("proc/sys/kernel/osrelease")
	e.Distro = group(pretty, System.Text("etc/os-release"))
	e.CPU, e.CPUID = processor(cpuinfo, board(System.Text("proc/device-tree/model")))
	e.Virtual = strings.Contains(cpuinfo, " hypervisor")
	e.Memory, _ = System.MemInfo("MemTotal")
	e.ClockSource = System.Text("sys/devices/system/clocksource/clocksource0/current_clocksource")
	e.Governor = System.Text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
	e.Settings = settings()
	e.Sysctls = map[string]string{}
	for _, name := range sysctls {
		if v := System.Text("proc/sys/" + strings.ReplaceAll(name, ".", "/")); v != "" {
			e.Sysctls[name] = strings.Join(strings.Fields(v), " ")
		}
	}
}

// settings are what the kernel and whoever runs this program decided about the
// processor: each can move a figure by more than what is measured.
func settings() map[string]string {
	on, _, _ := System.Mitigations()
	all := map[string]string{
		"SMT":           System.Text("sys/devices/system/cpu/smt/control"),
		"turbo off":     System.Text("sys/devices/system/cpu/intel_pstate/no_turbo"),
		"boost":         System.Text("sys/devices/system/cpu/cpufreq/boost"),
		"isolated CPUs": System.Text("sys/devices/system/cpu/isolated"),
		"huge pages":    System.Text("sys/kernel/mm/transparent_hugepage/enabled"),
		"mitigations":   strings.Join(on, ", "),
	}
	if q := System.Groups("cpu").Quota(); q.Cores > 0 {
		all["cgroup quota"] = fmt.Sprintf("%.3g cores", q.Cores)
	}
	if left, limited := System.Groups("memory").memoryLeft(); limited {
		all["cgroup memory left"] = fmt.Sprintf("%d MiB", left>>20)
	}
	maps.DeleteFunc(all, func(_, v string) bool { return v == "" })
	return all
}

// Boot is the identity of this system's start, which all its names share; empty: not told.
func Boot() string { return System.Text("proc/sys/kernel/random/boot_id") }
