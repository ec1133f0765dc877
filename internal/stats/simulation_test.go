package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The simulated figures of docs/statistics.md. All of them are printed by
//
//	go test -count=1 -run TestSimulated -v ./internal/stats
//
// from fixed seeds. Under the race detector a smaller share of the runs is made.

const confidence95 = 0.95

// noise draws the log of one arm's value in one block, less its truth.
type noise struct {
	name string
	draw func(rng *rand.Rand) float64
}

// Two kinds of trial noise: lognormal at 3%, and the same where one start in
// twenty is hit by something that costs 15%.
var noises = []noise{
	{"lognormal 3%", func(rng *rand.Rand) float64 { return 0.03 * rng.NormFloat64() }},
	{"with outliers", func(rng *rand.Rand) float64 {
		v := 0.03 * rng.NormFloat64()
		if rng.Float64() < 0.05 {
			v -= 0.15
		}
		return v
	}},
}

// drawBlocks is a pair of arms whose true ratio is given; both share a block effect of 8%.
func drawBlocks(rng *rand.Rand, n noise, ratio float64, blocks int) (a, b []float64) {
	a, b = make([]float64, blocks), make([]float64, blocks)
	for k := range a {
		shared := 0.08 * rng.NormFloat64()
		a[k] = 20000 * ratio * math.Exp(shared+n.draw(rng))
		b[k] = 20000 * math.Exp(shared+n.draw(rng))
	}
	return a, b
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)) }

func percent(part, whole int) float64 { return 100 * float64(part) / float64(whole) }

// chance is how far, in points of a percentage, a share of runs with the given
// expectation in percent may lie off by chance: 4 standard errors, since some sixty shares are checked.
func chance(expected float64, runs int) float64 {
	return 4 * math.Sqrt(expected*(100-expected)/float64(runs))
}

// covers counts whether an interval holds the truth.
func covers(i Interval, truth float64) int {
	if i.Low <= truth && truth <= i.High {
		return 1
	}
	return 0
}

func TestSimulatedCoverage(t *testing.T) {
	const runs, truth = 16000 / share, 1.2
	t.Log("| noise | blocks | t interval | signed rank |")
	for _, n := range noises {
		for _, blocks := range []int{5, 10, 20} {
			rng := seeded(uint64(blocks))
			student, rank := 0, 0
			robustConfidence := math.Min(confidence95, SignedRankReach(blocks))
			for range runs {
				a, b := drawBlocks(rng, n, truth, blocks)
				i, err := PairedRatio(a, b, confidence95)
				require.NoError(t, err)
				student += covers(i, truth)
				i, err = RobustRatio(a, b, robustConfidence)
				require.NoError(t, err)
				rank += covers(i, truth)
			}
			t.Logf("| %s | %d | %.1f%% | %.1f%% |", n.name, blocks, percent(student, runs), percent(rank, runs))
			for _, got := range []int{student, rank} {
				assert.InDelta(t, 95, percent(got, runs), 2, "%s, %d blocks", n.name, blocks)
			}
		}
	}
}

// One-sample intervals and the median's, over blocks that are lognormal at 8%.
func TestSimulatedOneSampleCoverage(t *testing.T) {
	const runs = 16000 / share
	t.Log("| blocks | geometric mean | mean | median |")
	for _, blocks := range []int{6, 10, 20} {
		rng := seeded(uint64(100 + blocks))
		var geo, mean, median int
		for range runs {
			a, _ := drawBlocks(rng, noises[0], 1, blocks)
			g, err := GeoMeanInterval(a, confidence95)
			require.NoError(t, err)
			m, err := MeanInterval(a, confidence95)
			require.NoError(t, err)
			q, err := quantileInterval(a, 0.5, confidence95)
			require.NoError(t, err)
			geo += covers(g, 20000)
			mean += covers(m, 20000*math.Exp((0.08*0.08+0.03*0.03)/2))
			median += covers(q, 20000)
		}
		t.Logf("| %d | %.1f%% | %.1f%% | %.1f%% |", blocks, percent(geo, runs), percent(mean, runs), percent(median, runs))
		assert.InDelta(t, 95, percent(geo, runs), 2)
		assert.InDelta(t, 95, percent(mean, runs), 2)
		assert.GreaterOrEqual(t, percent(median, runs), 95-chance(95, runs), "exact, so never less")
	}
}

// Power: how often a true slowdown is seen. At a margin of 10% a slowdown of
// exactly 10% lies on the border and has to be called beyond it in at most 2.5%.
func TestSimulatedPower(t *testing.T) {
	const runs = 8000 / share
	t.Log("| slowdown | blocks | bias of the estimate | interval excludes 1 | beyond 10% | refuted at 10% |")
	for _, slowdown := range []float64{0, 0.05, 0.10, 0.50} {
		seen := 0.0
		for _, blocks := range []int{5, 10, 20} {
			rng := seeded(uint64(1000*slowdown) + uint64(blocks))
			bias := 0.0
			var different, beyond, refuted int
			for range runs {
				a, b := drawBlocks(rng, noises[0], 1+slowdown, blocks)
				i, err := PairedRatio(a, b, confidence95)
				require.NoError(t, err)
				bias += math.Log(i.Mid/(1+slowdown)) / runs
				if p := Decide(i, 0); p == Beyond || p == Reversed {
					different++
				}
				if p := Decide(i, 0.10); p.Supports() {
					beyond++
				} else if p.Refutes() {
					refuted++
				}
			}
			t.Logf("| %.0f%% | %d | %+.2f%% | %.1f%% | %.1f%% | %.1f%% |", 100*slowdown, blocks, 100*bias,
				percent(different, runs), percent(beyond, runs), percent(refuted, runs))
			assert.InDelta(t, 0, bias, 0.005, "no bias")
			switch slowdown {
			case 0:
				assert.InDelta(t, 5, percent(different, runs), chance(5, runs), "A/A")
				assert.Zero(t, beyond)
			case 0.05:
				assert.Greater(t, percent(different, runs), seen, "more blocks see more")
				seen = percent(different, runs)
				assert.LessOrEqual(t, percent(beyond, runs), 1.0)
			case 0.10:
				assert.InDelta(t, 2.5, percent(beyond, runs), chance(2.5, runs))
				assert.InDelta(t, 2.5, percent(refuted, runs), chance(2.5, runs))
			default:
				assert.GreaterOrEqual(t, percent(beyond, runs), 99.0)
			}
		}
	}
}

// sequential runs the loop of a run: at each look the interval at that look's
// part of alpha, until its half-width is at most the goal. decided is false at the cap.
func sequential(a, b []float64, looks []int, parts []float64, goal float64) (i Interval, blocks int, decided bool, err error) {
	for k, look := range looks {
		i, err = PairedRatio(a[:look], b[:look], 1-parts[k])
		if err != nil || i.HalfWidth() <= goal {
			return i, look, true, err
		}
	}
	return i, looks[len(looks)-1], false, nil
}

// The stopping rule as a whole: false verdicts of A/A pairs and coverage at the
// look where the run stopped, with alpha spent and with 5% at every look.
func TestSimulatedStopping(t *testing.T) {
	const runs, goal = 4000 / share, 0.03
	looks := PlannedLooks()
	pocock := SpendAlpha(Pocock, 0.05, looks)
	obf := SpendAlpha(oBrienFleming, 0.05, looks)
	plans := []struct {
		name  string
		parts []float64
	}{
		{"5% at every look", []float64{0.05, 0.05, 0.05, 0.05, 0.05}},
		{"Pocock", pocock},
		{"O'Brien-Fleming", obf},
	}
	t.Log("| noise of a trial | spending | A/A coverage at the stop | A/A called different | A/A beyond 10% | mean blocks | narrow by 30 |")
	for _, sd := range []float64{0.01, 0.02, 0.03, 0.05} {
		for _, plan := range plans {
			rng := seeded(uint64(1000 * sd))
			n := noise{draw: func(rng *rand.Rand) float64 { return sd * rng.NormFloat64() }}
			var covered, different, beyond, blocks, narrow int
			for range runs {
				a, b := drawBlocks(rng, n, 1, looks[len(looks)-1])
				i, used, decided, err := sequential(a, b, looks, plan.parts, goal)
				require.NoError(t, err)
				covered += covers(i, 1)
				blocks += used
				if decided {
					narrow++
				}
				if p := Decide(i, 0); p == Beyond || p == Reversed {
					different++
				}
				if p := Decide(i, 0.1); p == Beyond || p == Reversed {
					beyond++
				}
			}
			t.Logf("| %.0f%% | %s | %.1f%% | %.1f%% | %.2f%% | %.1f | %.0f%% |", 100*sd, plan.name, percent(covered, runs),
				percent(different, runs), percent(beyond, runs), float64(blocks)/runs, percent(narrow, runs))
			assert.LessOrEqual(t, percent(beyond, runs), 1.0)
			if plan.name != plans[0].name {
				assert.LessOrEqual(t, percent(different, runs), 5.0, "%s at %v", plan.name, sd)
			}
		}
	}
}

func TestSimulatedUSL(t *testing.T) {
	const runs = 80 / share
	loads := []float64{1, 2, 4, 8, 16, 32, 64, 128}
	sizes := []int{5, 10, 20}
	if share > 1 {
		sizes = sizes[:1] // a thousand fits a run are the slowest part
	}
	t.Log("| law | blocks | median error of sigma | of kappa | sigma covered | kappa covered | peak reported | peak covered |")
	for _, c := range []struct {
		name  string
		truth USL
	}{
		{"peak at 69", USL{1000, 0.05, 2e-4}},
		{"no peak (kappa 0)", USL{1000, 0.05, 0}},
	} {
		for _, blocks := range sizes {
			rng := seeded(uint64(blocks))
			var sigma, kappa, reported, peak int
			var sigmaErr, kappaErr []float64
			for range runs {
				fit, err := BootstrapUSL(loads, uslBlocks(rng, c.truth, loads, blocks), minResamples, confidence95, rng)
				require.NoError(t, err)
				sigma += covers(fit.Sigma, c.truth.Sigma)
				kappa += covers(fit.Kappa, c.truth.Kappa)
				sigmaErr = append(sigmaErr, math.Abs(fit.USL.Sigma/c.truth.Sigma-1))
				kappaErr = append(kappaErr, math.Abs(fit.USL.Kappa-c.truth.Kappa)/2e-4)
				if fit.HasPeak {
					reported++
					peak += covers(fit.Peak, c.truth.Peak())
				}
			}
			t.Logf("| %s | %d | %.1f%% | %.1f%% | %.1f%% | %.1f%% | %.1f%% | %s |", c.name, blocks, 100*median(sigmaErr), 100*median(kappaErr),
				percent(sigma, runs), percent(kappa, runs), percent(reported, runs), ofReported(peak, reported))
			assert.GreaterOrEqual(t, percent(sigma, runs), 92-chance(92, runs), "few blocks cover a little less than 95%%")
			assert.GreaterOrEqual(t, percent(kappa, runs), 92-chance(92, runs))
			assert.Less(t, median(sigmaErr), 0.15)
			assert.Less(t, median(kappaErr), 0.15)
			if c.truth.Kappa == 0 {
				assert.LessOrEqual(t, percent(reported, runs), 2.5+chance(2.5, runs), "a peak that is not there")
			} else {
				assert.GreaterOrEqual(t, percent(reported, runs), 95.0)
				assert.GreaterOrEqual(t, percent(peak, reported), 92-chance(92, runs))
			}
		}
	}
}

func ofReported(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", percent(part, whole))
}

func median(x []float64) float64 {
	i, err := quantileInterval(x, 0.5, 0.5)
	if err != nil {
		return math.NaN()
	}
	return i.Mid
}

// bins is a start's throughput in 120 bins (30 s) that changes by a factor at
// bin 24, with 5% noise whose lag-one correlation is rho.
func bins(rng *rand.Rand, before, rho float64) []float64 {
	x := make([]float64, 120)
	e := rng.NormFloat64()
	for k := range x {
		e = rho*e + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		level := 5000.0
		if k < 24 {
			level *= before
		}
		x[k] = level * (1 + 0.05*e)
	}
	return x
}

func TestSimulatedStarts(t *testing.T) {
	const runs = 800 / share
	t.Log("| first 6 s at | correlation | flat | warm-up | slowdown | no steady state | start found within 1 s |")
	for _, rho := range []float64{0, 0.5} {
		for _, before := range []float64{1, 0.9, 0.7, 1.4} {
			rng := seeded(uint64(10*before) + uint64(100*rho))
			count := map[Label]int{}
			near := 0
			for range runs {
				label, from := classify(segmentsOf(t, bins(rng, before, rho)))
				count[label]++
				if from >= 20 && from <= 28 {
					near++
				}
			}
			part := func(l Label) float64 { return percent(count[l], runs) }
			t.Logf("| %.0f%% | %.1f | %.1f%% | %.1f%% | %.1f%% | %.1f%% | %.1f%% |", 100*before, rho,
				part(Flat), part(WarmUp), part(Slowdown), part(NoSteadyState), percent(near, runs))
			switch before {
			case 1:
				assert.GreaterOrEqual(t, part(Flat), 97.0)
			case 0.7:
				assert.GreaterOrEqual(t, part(WarmUp), 97.0)
				assert.GreaterOrEqual(t, percent(near, runs), 97.0)
			case 1.4:
				assert.GreaterOrEqual(t, part(Slowdown), 97.0)
				assert.GreaterOrEqual(t, percent(near, runs), 97.0)
			}
		}
	}
}
