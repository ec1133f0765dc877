//go:build !linux

package host

import (
	"os/exec"
	"strconv"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
)

// readSystem reads what macOS tells of this machine.
func readSystem(e *record.Environment) {
	e.CPU = output("sysctl", "-n", "machdep.cpu.brand_string")
	e.Virtual = output("sysctl", "-n", "kern.hv_vmm_present") == "1"
	e.Kernel = output("uname", "-r")
	e.Memory, _ = strconv.ParseUint(output("sysctl", "-n", "hw.memsize"), 10, 64)
}

func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output() //nolint:noctx // answers at once
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// Boot is not told here.
func Boot() string { return "" }
