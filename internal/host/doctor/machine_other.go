//go:build !linux

package doctor

import "context"

// Checks tells that only Linux lets them be made.
func Checks(context.Context) []Check {
	return []Check{{
		Name: "system", State: Unknown, Finding: "what disturbs a measurement can be read on Linux only",
		Why: "cores cannot be kept apart here, and noise cannot be seen: figures are not for quoting",
	}}
}
