package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
)

func TestTrigamma(t *testing.T) {
	// Abramowitz & Stegun: trigamma(1) = pi^2/6, trigamma(1/2) = pi^2/2.
	assert.InEpsilon(t, math.Pi*math.Pi/6, trigamma(1), 1e-12)
	assert.InEpsilon(t, math.Pi*math.Pi/2, trigamma(0.5), 1e-12)
	for _, y := range []float64{1e-3, 0.1, 0.5, 1, 2.5, 40, 1e4} {
		assert.InEpsilon(t, y, trigammaInverse(trigamma(y)), 1e-6, "%v", y)
	}
}

// TestModerate: by hand, (8 * 0.04 + 4 * 0.01) / 12.
func TestModerate(t *testing.T) {
	v, df := Prior{Variance: 0.04, DF: 8}.Moderate(0.01, 4)
	assert.InEpsilon(t, 0.03, v, 1e-12)
	assert.InEpsilon(t, 12, df, 1e-12)
	a, b := []float64{1.1, 1.2, 1.3, 1.15}, []float64{1, 1.05, 1.1, 1.02}
	plain, err := PairedRatio(a, b, 0.95)
	require.NoError(t, err)
	none, err := ModeratedRatio(a, b, Prior{}, 0.95)
	require.NoError(t, err)
	assert.InEpsilon(t, plain.Low, none.Low, 1e-12)
	assert.InEpsilon(t, plain.High, none.High, 1e-12)
	// Without a spread of their own the blocks have that of the prior: here
	// sqrt(10 * 0.0004 / (10 + 3)) / 2 with 13 degrees of freedom, t = 2.160369.
	equal, err := ModeratedRatio([]float64{2, 2, 2, 2}, []float64{1, 1, 1, 1}, Prior{Variance: 0.0004, DF: 10}, 0.95)
	require.NoError(t, err)
	assert.InEpsilon(t, 2*math.Exp(2.160369*math.Sqrt(10*0.0004/13)/2), equal.High, 1e-6)
}

// scaledInverseChiSquare draws true variances as the method assumes them.
func scaledInverseChiSquare(rng *rand.Rand, variance, df float64) float64 {
	return df * variance / distuv.ChiSquared{K: df, Src: rng}.Rand()
}

// sampleVariance is one of n values whose true variance is given.
func sampleVariance(rng *rand.Rand, variance float64, n int) float64 {
	return variance * distuv.ChiSquared{K: float64(n - 1), Src: rng}.Rand() / float64(n-1)
}

func TestFitPriorFindsIt(t *testing.T) {
	rng := seeded(1)
	for _, df := range []float64{3, 8, 30} {
		var variances, degrees []float64
		for range 4000 {
			variances = append(variances, sampleVariance(rng, scaledInverseChiSquare(rng, 0.0009, df), 6))
			degrees = append(degrees, 5)
		}
		p := FitPrior(variances, degrees)
		assert.InEpsilon(t, 0.0009, p.Variance, 0.1)
		assert.InEpsilon(t, df, p.DF, 0.3)
	}
	alike := make([]float64, 50)
	for i := range alike {
		alike[i] = 0.5
	}
	p := FitPrior(alike, append([]float64{}, fives(50)...))
	assert.InEpsilon(t, mostDF, p.DF, 1e-9, "less spread than chance makes: all are one variance")
	assert.Zero(t, FitPrior([]float64{1, 2}, []float64{5, 5}), "two say nothing of a spread")
	assert.Zero(t, FitPrior([]float64{1, 2, 0, 0}, fives(4)), "nor do those without one")
}

func fives(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 5
	}
	return out
}

// Coverage and width over conditions of one metric whose true variances differ, as
// measured: a start has a standard deviation of 3%, and variances differ by the factor
// that 8 degrees of freedom give.
func TestSimulatedModeration(t *testing.T) {
	const runs, conditions = 400 / share, 20
	t.Log("| blocks | confidence | plain t covers | moderated t covers | moderated over plain width |")
	for _, blocks := range []int{4, 6, 8} {
		for _, confidence := range []float64{0.95, 1 - 0.05/18} {
			rng := seeded(uint64(blocks))
			plain, moderated, ratio := 0, 0, 0.0
			for range runs {
				variances, logs := make([]float64, conditions), make([][]float64, conditions)
				for c := range logs {
					sd := math.Sqrt(scaledInverseChiSquare(rng, 0.0009, 8))
					for range blocks {
						logs[c] = append(logs[c], math.Exp(sd*rng.NormFloat64()))
					}
					d, _ := logarithms(logs[c])
					variances[c] = Variance(d)
				}
				degrees := make([]float64, conditions)
				for c := range degrees {
					degrees[c] = float64(blocks - 1)
				}
				prior := FitPrior(variances, degrees)
				ones := make([]float64, blocks)
				for i := range ones {
					ones[i] = 1
				}
				for c := range logs {
					i, err := PairedRatio(logs[c], ones, confidence)
					require.NoError(t, err)
					m, err := ModeratedRatio(logs[c], ones, prior, confidence)
					require.NoError(t, err)
					plain += covers(i, 1)
					moderated += covers(m, 1)
					ratio += math.Log(m.High/m.Low) / math.Log(i.High/i.Low) / (runs * conditions)
				}
			}
			t.Logf("| %d | %.2f%% | %.1f%% | %.1f%% | %.2f |", blocks, 100*confidence, percent(plain, runs*conditions), percent(moderated, runs*conditions), ratio)
			assert.InDelta(t, 100*confidence, percent(moderated, runs*conditions), 1.5)
			assert.Less(t, ratio, 1.0, "it is narrower")
		}
	}
}

// A ledger's false answers by value, for claims of several conditions: unanimous
// answers at the claim's alpha, "depends" at that over the number of conditions.
func TestSimulatedAnswers(t *testing.T) {
	const runs, blocks, alpha = 4000 / share, 6, 0.05
	answerOf := func(rng *rand.Rand, truths []float64) string {
		supported, refuted, strictYes, strictNo := 0, 0, false, false
		for _, truth := range truths {
			a, b := drawBlocks(rng, noises[0], truth, blocks)
			i, _ := PairedRatio(a, b, 1-alpha)
			s, _ := PairedRatio(a, b, 1-alpha/float64(len(truths)))
			p, q := Decide(i, 0.1), Decide(s, 0.1)
			if p.Supports() {
				supported++
			} else if p.Refutes() {
				refuted++
			}
			strictYes, strictNo = strictYes || q.Supports(), strictNo || q.Refutes()
		}
		switch {
		case strictYes && strictNo:
			return "depends"
		case supported == len(truths):
			return "supported"
		case refuted == len(truths):
			return "refuted"
		}
		return "inconclusive"
	}
	t.Log("| conditions | truth | supported | refuted | depends | inconclusive |")
	for _, k := range []int{1, 2, 5, 8} {
		for _, c := range []struct {
			name string
			last float64 // of the conditions; the others are at the margin, where errors are most frequent
			rest float64
			is   string
		}{{"all just supported", 1.1001, 1.1001, "supported"}, {"all just refuted", 1.0999, 1.0999, "refuted"}, {"one refuted, the others clearly supported", 1.0999, 1.5, "depends"}} {
			if k == 1 && c.is == "depends" {
				continue
			}
			rng := seeded(uint64(k))
			count := map[string]int{}
			for range runs {
				truths := make([]float64, k)
				for i := range truths {
					truths[i] = c.rest
				}
				truths[0] = c.last
				count[answerOf(rng, truths)]++
			}
			t.Logf("| %d | %s | %.1f%% | %.1f%% | %.1f%% | %.1f%% |", k, c.name, percent(count["supported"], runs), percent(count["refuted"], runs), percent(count["depends"], runs), percent(count["inconclusive"], runs))
			wrong := runs - count[c.is] - count["inconclusive"]
			assert.LessOrEqual(t, percent(wrong, runs), 100*alpha+chance(100*alpha, runs), "%d, %s", k, c.name)
		}
	}
}
