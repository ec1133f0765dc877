//go:build !linux

package host

// ReadNoise needs Linux.
func ReadNoise([]int) (Noise, error) { return Noise{}, ErrUnsupported }

// ReadNetwork needs Linux.
func ReadNetwork() (Network, error) { return Network{}, ErrUnsupported }
