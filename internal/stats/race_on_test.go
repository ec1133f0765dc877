//go:build race

package stats

// share is the part of the simulated runs that is made: the race detector costs a factor of ten.
const share = 8
