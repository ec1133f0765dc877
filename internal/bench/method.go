package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/record"
)

// thresholds are all numbers of the method (docs/method.md): whatever is here
// is part of its fingerprint.
type thresholds struct {
	version int // to be raised with every change of what a window measures that the others do not show

	// Of the gates.
	maxGeneratorCPU float64       // share of the generator's cores
	minHeadRoom     float64       // generator's ceiling over the throughput
	maxErrorRate    float64       // failed requests
	maxLittleError  float64       // of N = X R
	maxHostNoise    float64       // share of the cores' time that went elsewhere
	minHeld         float64       // idle connections that stay open
	maxLost         float64       // lost connections a request
	strayLosses     uint64        // lost connections that may be anybody's: the counters are the machine's
	dropsPerLoss    uint64        // how often the kernel may count one connection that is lost once
	minDelivered    float64       // sent requests of those scheduled
	maxSlip         time.Duration // p99 of actual less intended send time; a tenth of the median latency if that is more

	// maxCanaryDrift is how far the null server may be after a block from what it
	// was before, on both sides of a ratio. The null server and the generator, both
	// busy all the time, have two ways of taking turns that are up to 1.3x apart,
	// while the servers beside them stay the same; half as much again is a machine
	// that was lent, throttled or suspended in the meantime. A machine that is
	// slower than it was for whole blocks spoils nothing: in each of them it is so
	// for all arms.
	maxCanaryDrift float64

	// tickError is how far the kernel's account of two cores, kept in ticks of
	// 10 ms, may be ahead of what their processes are charged.
	tickError time.Duration

	// warmupConnections is the closed-loop level of the warm-up: enough for every
	// code path to be taken often, few enough not to fill queues.
	warmupConnections int

	// How a server is told to be at rest.
	restSlice time.Duration
	restShare float64       // of one core in a slice
	restMost  time.Duration // then it is busy by itself, and is measured as it is

	// How long a window is. From manyConnections on it has to be long: the first
	// and the last requests of so many are a part of a short one that Little's law
	// shows. tailRequests make a p99 that blocks can be compared by, with room for
	// what a Poisson schedule lacks by chance: a hundred beyond it.
	manyConnections int
	tailRequests    float64

	// The service level objective of a search, and how it is searched for.
	sloQuantile float64
	sloLatency  time.Duration
	sloErrors   float64 // share of the requests
	sloSent     float64 // share of the schedule
	sloTries    int     // windows a rate, of which most decide
	sloBracket  float64 // the search ends where the rates to both sides are this near
	sloReach    float64 // it begins at the capacity divided by this

	// What package record fixes, since it is of the stored form too.
	binWidth       time.Duration
	fewConnections int   // levels with more come last in a trial
	p99Samples     int64 // with fewer there is no p99
}

var method = thresholds{
	version: 9,

	maxGeneratorCPU: 0.70,
	minHeadRoom:     2,
	maxErrorRate:    0.001,
	maxLittleError:  0.02,
	maxHostNoise:    host.MaxNoise,
	minHeld:         0.99,
	maxLost:         0.001,
	strayLosses:     3,
	dropsPerLoss:    4,
	minDelivered:    0.99,
	maxSlip:         time.Millisecond,
	maxCanaryDrift:  0.5,
	tickError:       40 * time.Millisecond,

	warmupConnections: 16,
	restSlice:         10 * time.Millisecond,
	restShare:         0.1,
	restMost:          time.Second,
	manyConnections:   4000,
	tailRequests:      10_500,

	sloQuantile: 0.99,
	sloLatency:  50 * time.Millisecond,
	sloErrors:   0.001,
	sloSent:     0.99,
	sloTries:    3,
	sloBracket:  1.05,
	sloReach:    16,

	binWidth:       record.BinWidth,
	fewConnections: record.FewConnections,
	p99Samples:     record.Needed(0.99),
}

// Method is the fingerprint of how this program measures. Figures of two
// runs may be compared only if it is the same: otherwise a change of method
// would be read as a change of speed.
func Method() string {
	h := sha256.New()
	h.Write(fmt.Appendf(nil, "%+v\n", method))
	for _, g := range windowGates {
		h.Write(fmt.Appendf(nil, "%s\n", g.name))
	}
	return fmt.Sprintf("%d-%s", method.version, hex.EncodeToString(h.Sum(nil))[:12])
}
