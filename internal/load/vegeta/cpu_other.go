//go:build !unix

package vegeta

import "github.com/hellobench/hellobench/internal/record"

// processCPU is zero: not told on this system.
func processCPU() record.CPU { return record.CPU{} }
