package stats

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Components are the two variances of a log ratio that is measured in rounds inside
// fresh starts.
type Components struct {
	Start float64 // between starts, cut at 0
	Round float64 // between the rounds of a start
}

// VarianceComponents estimates them from the rounds of each start, by the analysis of
// variance: the mean square inside the starts, and what the starts' means vary
// beyond that. It needs two starts, and one of them with two rounds.
//
// Source: Kalibera & Jones, Rigorous benchmarking in reasonable time (ISMM 2013),
// section 6.
func VarianceComponents(starts [][]float64) (c Components, err error) {
	var means []float64
	var within, df, rounds float64
	for _, x := range starts {
		if len(x) == 0 {
			continue
		}
		mean := stat.Mean(x, nil)
		means = append(means, mean)
		rounds += 1 / float64(len(x))
		for _, v := range x {
			within += (v - mean) * (v - mean)
		}
		df += float64(len(x) - 1)
	}
	if len(means) < 2 || df < 1 {
		return c, errors.New("variance components need two starts, and one with two rounds")
	}
	c.Round = within / df
	c.Start = max(0, stat.Variance(means, nil)-c.Round*rounds/float64(len(means)))
	return c, nil
}

// BestRounds is how many rounds a start should have for the narrowest interval in a
// given time, from what a start and a round cost: sqrt(costs' ratio times variances'
// ratio), rounded, from 1 to most. Starts that do not differ call for as many as may be.
func (c Components) BestRounds(start, round float64, most int) int {
	if c.Start <= 0 || round <= 0 {
		return most
	}
	best := math.Round(math.Sqrt(start / round * c.Round / c.Start))
	return int(min(max(best, 1), float64(most)))
}

// MostStarts bounds what is searched for.
const MostStarts = 1000

// StartsNeeded is how many starts of so many rounds give an interval with that
// half-width (0.05 for 5%) at a confidence, MostStarts if it takes more.
func (c Components) StartsNeeded(rounds int, halfWidth, confidence float64) int {
	variance := c.Start + c.Round/float64(max(rounds, 1))
	for n := 2; n < MostStarts; n++ {
		if studentQuantile(float64(n-1), confidence)*math.Sqrt(variance/float64(n)) <= math.Log1p(halfWidth) {
			return n
		}
	}
	return MostStarts
}
