//go:build !linux

package host

import "github.com/hellobench/hellobench/internal/record"

// ReadNoise needs Linux.
func ReadNoise([]int) (Noise, error) { return Noise{}, ErrUnsupported }

// ReadNetwork needs Linux.
func ReadNetwork() (record.Network, error) { return record.Network{}, ErrUnsupported }
