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
	maxResidents    float64       // of the cores that the server may use, by the servers that get no load
	maxTaken        float64       // of the cores that a server shares with the generator, by others than it
	maxIdle         float64       // of those cores, by nobody

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

	// From how many connections on a window has to be long: the first and the last
	// requests of so many are a part of a short one that Little's law shows.
	manyConnections int

	// The service level objective of a search, and how it is searched for.
	sloQuantile float64
	sloLatency  time.Duration
	sloErrors   float64       // share of the requests
	sloSent     float64       // share of the schedule
	sloWindow   time.Duration // at least
	sloLow      float64       // of the capacity in a closed loop, where the search begins
	sloHigh     float64       // and ends

	// What package record fixes, since it is of the stored form too.
	binWidth       time.Duration
	fewConnections int   // levels with more come last in a trial
	p99Samples     int64 // with fewer there is no p99
}

var method = thresholds{
	version: 13,

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
	maxResidents:    0.05,
	maxTaken:        0.05,
	maxIdle:         0.05,
	tickError:       40 * time.Millisecond,

	warmupConnections: 16,
	restSlice:         5 * time.Millisecond,
	restShare:         0.1,
	restMost:          time.Second,
	manyConnections:   4000,

	sloQuantile: 0.99,
	sloLatency:  50 * time.Millisecond,
	sloErrors:   0.001,
	sloSent:     0.99,
	sloWindow:   time.Second, // 20 times the latency
	sloLow:      0.5,
	sloHigh:     1.3,

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
