// Package doctor judges a machine: what of it would spoil a measurement, why, and
// the shell commands that fix it and put it back. It reads and never changes
// anything; the readings are those of package host.
package doctor

import (
	"cmp"
	"slices"
)

// State says how much a check's finding matters.
type State string

// The states of a check.
const (
	OK      State = "ok"
	Warn    State = "warn"    // may color a figure, or limits what can be measured
	Bad     State = "bad"     // figures measured like this are not for quoting
	Unknown State = "unknown" // the system does not tell
)

// Check is one thing about this machine that could spoil a measurement.
type Check struct {
	Name    string `json:"name"`
	State   State  `json:"state"`
	Finding string `json:"finding"` // with the figure
	Why     string `json:"why"`     // it matters to a measurement
	// Mend is the shell command that mends it, Restore the one that brings
	// back what was there when the check was made. Both are empty where there
	// is nothing to mend or no command does; Restore alone is empty where the
	// cure leaves no trace.
	Mend    string `json:"mend,omitempty"`
	Restore string `json:"restore,omitempty"`
}

// SortChecks puts the worst first and keeps the order among equals.
func SortChecks(all []Check) {
	order := map[State]int{Bad: 1, Warn: 2, Unknown: 3, OK: 4}
	slices.SortStableFunc(all, func(a, b Check) int { return cmp.Compare(order[a.State], order[b.State]) })
}
