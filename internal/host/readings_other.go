//go:build !linux

package host

import "context"

// ReadNoise needs Linux.
func ReadNoise([]int) (Noise, error) { return Noise{}, ErrUnsupported }

// ReadNetwork needs Linux.
func ReadNetwork() (Network, error) { return Network{}, ErrUnsupported }

// Checks tells that only Linux lets them be made.
func Checks(context.Context) []Check {
	return []Check{{
		Name: "system", State: Unknown, Finding: "what disturbs a measurement can be read on Linux only",
		Why: "cores cannot be kept apart here, and noise cannot be seen: figures are not for quoting",
	}}
}
