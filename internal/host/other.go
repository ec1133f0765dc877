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

// readSystem leaves what is not known at 0.
func (*Limits) readSystem() {}

// Allowed needs Linux.
func Allowed() ([]int, error) { return nil, ErrUnsupported }

// Siblings are not known.
func Siblings(int) []int { return nil }

func tryPin([]int) error { return ErrUnsupported }

// PinThread does nothing for an empty list and needs Linux for any other.
func PinThread(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	return ErrUnsupported
}

// PinProcess does nothing for an empty list and needs Linux for any other.
func PinProcess(cpus []int) error { return PinThread(cpus) }

// ReadNoise needs Linux.
func ReadNoise([]int) (Noise, error) { return Noise{}, ErrUnsupported }

// ReadNetwork needs Linux.
func ReadNetwork() (record.Network, error) { return record.Network{}, ErrUnsupported }
