package host

import (
	"cmp"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/hellobench/hellobench/internal/record"
)

// sysctls are the kernel settings that decide how many connections a server
// takes and how the generator's ports are reused.
var sysctls = []string{
	"net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.ip_local_port_range",
	"net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_congestion_control", "fs.file-max", "kernel.sched_autogroup_enabled",
}

// Environment describes this machine. What the system does not tell is empty.
func Environment() record.Environment {
	e := record.Environment{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(),
		Go: runtime.Version(), Argv: os.Args, Revision: revision(),
	}
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil {
		e.OpenFiles = uint64(lim.Cur) //nolint:unconvert // signed on some systems
	}
	switch runtime.GOOS {
	case "linux":
		linuxEnvironment(&e)
	case "darwin":
		e.CPU = output("sysctl", "-n", "machdep.cpu.brand_string")
		e.Virtual = output("sysctl", "-n", "kern.hv_vmm_present") == "1"
		e.Kernel = output("uname", "-r")
		e.Memory, _ = strconv.ParseUint(output("sysctl", "-n", "hw.memsize"), 10, 64)
	}
	return e
}

var (
	memTotal = regexp.MustCompile(`(?m)^MemTotal:\s+(\d+) kB$`)
	pretty   = regexp.MustCompile(`(?m)^PRETTY_NAME="?([^"\n]*)"?$`)
)

// board is the model that a device tree gives, without the zero that ends it. That
// of a virtual machine says nothing of the machine.
func board(model string) string {
	model = strings.TrimRight(model, "\x00")
	if strings.Contains(model, "dummy-virt") {
		return ""
	}
	return model
}

func linuxEnvironment(e *record.Environment) {
	cpuinfo := file("/proc/cpuinfo")
	e.Kernel = file("/proc/sys/kernel/osrelease")
	e.Distro = group(pretty, file("/etc/os-release"))
	e.CPU, e.CPUID = processor(cpuinfo, board(file("/proc/device-tree/model")))
	e.Virtual = strings.Contains(cpuinfo, " hypervisor")
	if kb, err := strconv.ParseUint(group(memTotal, file("/proc/meminfo")), 10, 64); err == nil {
		e.Memory = kb << 10
	}
	e.ClockSource = file("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	e.Governor = file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
	e.Settings = settings()
	e.Sysctls = map[string]string{}
	for _, name := range sysctls {
		if v := file("/proc/sys/" + strings.ReplaceAll(name, ".", "/")); v != "" {
			e.Sysctls[name] = strings.Join(strings.Fields(v), " ")
		}
	}
}

// settings are what the kernel and whoever runs this program decided about the
// processor: each can move a figure by more than what is measured.
func settings() map[string]string {
	all := map[string]string{
		"SMT":           file("/sys/devices/system/cpu/smt/control"),
		"turbo off":     file("/sys/devices/system/cpu/intel_pstate/no_turbo"),
		"boost":         file("/sys/devices/system/cpu/cpufreq/boost"),
		"isolated CPUs": file("/sys/devices/system/cpu/isolated"),
		"huge pages":    file("/sys/kernel/mm/transparent_hugepage/enabled"),
		"mitigations":   mitigations(),
	}
	// A container sees its own group as the root of all.
	group := strings.TrimPrefix(file("/proc/self/cgroup"), "0::")
	for _, name := range []string{"cpu.max", "memory.max", "pids.max"} {
		all["cgroup "+name] = cmp.Or(file("/sys/fs/cgroup"+group+"/"+name), file("/sys/fs/cgroup/"+name))
	}
	maps.DeleteFunc(all, func(_, v string) bool { return v == "" })
	return all
}

// mitigations lists the processor's weaknesses for which the kernel pays.
func mitigations() string {
	var on []string
	files, _ := filepath.Glob("/sys/devices/system/cpu/vulnerabilities/*")
	for _, f := range files {
		if strings.HasPrefix(file(f), "Mitigation") {
			on = append(on, filepath.Base(f))
		}
	}
	return strings.Join(on, ", ")
}

func file(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func group(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output() //nolint:noctx // answers at once
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// revision is the commit that this binary was built from, if it is known.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var rev, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if rev == "" {
		return "" // the version says what is known
	}
	return rev[:min(len(rev), 12)] + dirty
}
