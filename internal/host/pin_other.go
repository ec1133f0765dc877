//go:build !linux

package host

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
