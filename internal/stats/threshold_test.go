package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestSimulatedThreshold: a server holds the objective up to 1,000 requests a second;
// windows decide with a spread of 3%, and some of them are spoiled.
func TestSimulatedThreshold(t *testing.T) {
	const runs, truth = 1000 / share, 1000.0
	t.Log("| probes | spoiled | bias | standard deviation |")
	for _, probes := range []int{6, 12, 24} {
		for _, spoiled := range []float64{0, 0.1} {
			rng := seeded(uint64(probes))
			sum, square := 0.0, 0.0
			for range runs {
				low, high := 520+80*rng.Float64(), 1250+100*rng.Float64()
				var tried []Probe
				for range probes {
					rate := Threshold(tried, low, high)
					passed := rate <= truth*math.Exp(0.03*rng.NormFloat64())
					if rng.Float64() < spoiled {
						passed = false
					}
					tried = append(tried, Probe{rate, passed})
				}
				e := math.Log(Threshold(tried, low, high) / truth)
				sum, square = sum+e, square+e*e
			}
			mean := sum / runs
			sd := math.Sqrt(square/runs - mean*mean)
			t.Logf("| %d | %.0f%% | %+.1f%% | %.1f%% |", probes, 100*spoiled, 100*mean, 100*sd)
			assert.Less(t, math.Abs(mean), 0.06)
			assert.Less(t, sd, map[int]float64{6: 0.15, 12: 0.12, 24: 0.08}[probes])
		}
	}
}

func TestThresholdBeyondTheProbes(t *testing.T) {
	var passed, failed []Probe
	for _, rate := range []float64{800, 900, 1000, 1100, 1200} {
		passed, failed = append(passed, Probe{rate, true}), append(failed, Probe{rate, false})
	}
	rate := Threshold(passed, 500, 1300)
	assert.Greater(t, rate, 1200.0)
	rate = Threshold(failed, 500, 1300)
	assert.Less(t, rate, 800.0)
	rate = Threshold(nil, 500, 1300)
	assert.InEpsilon(t, math.Sqrt(500*1300), rate, 0.01, "nothing is known: the middle")
}

// TestOneNoisyWindowIsNeverFinal: a failure far below what passed twice is a lapse.
func TestOneNoisyWindowIsNeverFinal(t *testing.T) {
	rate := Threshold([]Probe{{600, false}, {900, true}, {950, true}, {1050, false}, {1000, true}}, 500, 1300)
	assert.InDelta(t, 1000, rate, 60)
}
