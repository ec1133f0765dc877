package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Probe is one try of an objective at a rate.
type Probe struct {
	Rate   float64
	Passed bool
}

const (
	// slope is how far, on the log scale, the chance to pass falls from 84% to 16%, halved.
	slope = 0.04
	// The shares of windows whose result says nothing of the rate: a noisy machine
	// fails what would pass more often than luck lets pass what would fail.
	spoiled, lucky = 0.05, 0.01
	// gridSize is the number of log rates at which the threshold is looked for.
	gridSize = 201
)

// Threshold is the rate at which an objective is held in half of the windows, between
// low and high, from all probes: the posterior median over a grid of log rates, where a
// probe passes with a chance that falls with its rate by a probit, and any window may
// lapse. So no single window is final. Where all probes
// passed, or none did, the threshold is beyond them, and what is returned says little
// more than the range.
//
// Source: Watson & Pelli, QUEST: a Bayesian adaptive psychometric method (Perception &
// Psychophysics 1983).
func Threshold(probes []Probe, low, high float64) float64 {
	grid, weight := make([]float64, gridSize), make([]float64, gridSize)
	for i := range grid {
		grid[i] = math.Log(low) + (math.Log(high)-math.Log(low))*float64(i)/(gridSize-1)
		weight[i] = 1
		for _, p := range probes {
			pass := lucky + (1-lucky-spoiled)*distuv.UnitNormal.CDF((grid[i]-math.Log(p.Rate))/slope)
			if !p.Passed {
				pass = 1 - pass
			}
			weight[i] *= pass
		}
	}
	return math.Exp(stat.Quantile(0.5, stat.Empirical, grid, weight))
}
