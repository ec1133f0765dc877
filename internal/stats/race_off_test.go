//go:build !race

package stats

// share is the part of the simulated runs that is made: all of them.
const share = 1
