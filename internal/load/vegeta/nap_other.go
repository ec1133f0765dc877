//go:build !linux && !darwin

package vegeta

import "time"

// nap sleeps for d and perhaps a millisecond more.
func nap(d time.Duration) { time.Sleep(d) }
