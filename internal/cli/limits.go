package cli

import (
	"cmp"
	"fmt"
	"time"
)

const (
	// What the numbers of the command line may be at most, and a rate at least:
	// what is beyond is a slip of the keyboard.
	mostConnections = 10_000_000
	mostDuration    = 24 * time.Hour
	leastDuration   = time.Millisecond
	leastRate       = 0.001
	mostMargin      = 10
)

// within checks the number of a flag; NaN is within nothing.
func within[T cmp.Ordered](flag string, value, least, most T) error {
	if value >= least && value <= most {
		return nil
	}
	return usageError{fmt.Errorf("--%s %v: want a value from %v to %v", flag, value, least, most)}
}
