package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/hellobench/hellobench/internal/record"
)

// methodVersion is to be raised with every change of what a window measures
// that the constants below do not show.
const methodVersion = 8

// Method is the fingerprint of how this program measures. Figures of two
// runs may be compared only if it is the same: otherwise a change of method
// would be read as a change of speed.
func Method() string {
	h := sha256.New()
	for _, v := range []any{
		methodVersion, maxCanaryDrift, sloQuantile, sloLatency, sloErrors, sloSent, sloTries, sloBracket, sloReach, warmupConnections, maxGeneratorCPU, minHeadRoom, maxErrorRate, maxLittleError, maxHostNoise, maxLost, strayLosses, dropsPerLoss, minDelivered, maxSlip,
		restSlice, restShare, restMost, record.BinWidth, tickError,
	} {
		h.Write(fmt.Appendf(nil, "%v\n", v))
	}
	for _, g := range windowGates {
		h.Write(fmt.Appendf(nil, "%s\n", g.name))
	}
	return fmt.Sprintf("%d-%s", methodVersion, hex.EncodeToString(h.Sum(nil))[:12])
}
