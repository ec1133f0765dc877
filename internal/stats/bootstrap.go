package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// USLFit is a fitted law with its intervals.
type USLFit struct {
	USL    USL      `json:"usl"` // least squares over all blocks
	Lambda Interval `json:"lambda"`
	Sigma  Interval `json:"sigma"`
	Kappa  Interval `json:"kappa"`

	// HasPeak says that the peak may be reported: Kappa's interval excludes 0 and
	// the fitted N* lies inside the range of loads tested. Peak is then its
	// interval, finite because so few resamples had a Kappa of 0, and else zero.
	HasPeak bool     `json:"has_peak"`
	Peak    Interval `json:"peak"`

	// Misfit is the root mean square of ln(measured/law) over the levels, each
	// averaged over the blocks: 0.05 means that the law misses the levels by 5%.
	// It is no noise: noise averages out over blocks, a wrong law does not.
	Misfit float64 `json:"misfit"`
}

// Limits of BootstrapUSL. Five blocks can be resampled in only 126 ways and fewer
// say nothing about spread; below 1000 resamples the tail of the interval is a single value.
const (
	minBootstrapBlocks = 5
	minResamples       = 1000
)

// BootstrapUSL fits the law to throughputs by level over blocks and finds
// intervals by resampling whole blocks, the unit that is independent.
// blocks[b][k] > 0 is the throughput of block b at loads[k]; a block that lacks a
// level has to be left out by the caller. It needs five blocks, six loads and
// 1000 resamples (4000 for intervals that do not move with the seed). rng is
// the only randomness: the same data and seed give the same intervals.
//
// The intervals are bootstrap percentiles at the expanded level
// 2 Phi(-t sqrt(B/(B-1))) with t the Student quantile for B-1 degrees of freedom,
// because plain percentiles are too narrow for few blocks: Hesterberg, What
// Teachers Should Know about the Bootstrap (American Statistician 2015).
func BootstrapUSL(loads []float64, blocks [][]float64, resamples int, confidence float64, rng *rand.Rand) (USLFit, error) {
	f, logs, err := prepareBootstrap(loads, blocks, resamples, confidence)
	if err != nil {
		return USLFit{}, fmt.Errorf("bootstrap scalability: %w", err)
	}
	mean := make([]float64, len(loads))
	blockMean(mean, logs, func(b int) int { return b })
	u := f.fit(mean, len(f.starts))
	fit := USLFit{USL: u, Misfit: math.Sqrt(f.at(mean, u.Sigma, u.Kappa/f.scale).sse / float64(len(loads)))}

	lambdas, sigmas := make([]float64, resamples), make([]float64, resamples)
	kappas, peaks := make([]float64, resamples), make([]float64, resamples)
	for r := range resamples {
		blockMean(mean, logs, func(int) int { return rng.IntN(len(logs)) })
		s := f.fit(mean, 1) // the best grid point leads to the least minimum in all but 1 of 10,000 wild samples
		lambdas[r], sigmas[r], kappas[r], peaks[r] = s.Lambda, s.Sigma, s.Kappa, s.Peak()
	}
	tail := expandedTail(len(blocks), confidence)
	fit.Lambda = percentileInterval(lambdas, u.Lambda, tail)
	fit.Sigma = percentileInterval(sigmas, u.Sigma, tail)
	fit.Kappa = percentileInterval(kappas, u.Kappa, tail)
	inside := u.Peak() >= slices.Min(loads) && u.Peak() <= slices.Max(loads)
	if fit.HasPeak = inside && fit.Kappa.Low > 0; fit.HasPeak {
		fit.Peak = percentileInterval(peaks, u.Peak(), tail)
	}
	return fit, nil
}

func prepareBootstrap(loads []float64, blocks [][]float64, resamples int, confidence float64) (*uslFitter, [][]float64, error) {
	if err := checkConfidence(confidence); err != nil {
		return nil, nil, err
	}
	if len(blocks) < minBootstrapBlocks {
		return nil, nil, fmt.Errorf("%d blocks, at least %d are needed", len(blocks), minBootstrapBlocks)
	}
	if resamples < minResamples {
		return nil, nil, fmt.Errorf("%d resamples, at least %d are needed", resamples, minResamples)
	}
	f, err := newUSLFitter(loads)
	if err != nil {
		return nil, nil, err
	}
	logs := make([][]float64, len(blocks))
	for b, x := range blocks {
		if len(x) != len(loads) {
			return nil, nil, fmt.Errorf("block %d has %d throughputs for %d loads", b, len(x), len(loads))
		}
		if logs[b], err = logarithms(x); err != nil {
			return nil, nil, fmt.Errorf("block %d: %w", b, err)
		}
	}
	return f, logs, nil
}

// blockMean averages as many blocks as there are, picked by index, level by
// level. A fit to the mean logarithms has the same minimum as one to all points.
func blockMean(mean []float64, logs [][]float64, pick func(int) int) {
	clear(mean)
	for b := range logs {
		for k, v := range logs[pick(b)] {
			mean[k] += v / float64(len(logs))
		}
	}
}

// expandedTail is the probability cut off at either end.
func expandedTail(blocks int, confidence float64) float64 {
	b := float64(blocks)
	return distuv.UnitNormal.CDF(-studentQuantile(b-1, confidence) * math.Sqrt(b/(b-1)))
}

// percentileInterval takes order statistics, which unlike interpolation works
// with +Inf, and rounds outward. The estimate may lie outside of the
// percentiles if resampling is biased; the interval is stretched to hold it.
func percentileInterval(x []float64, mid, tail float64) Interval {
	slices.Sort(x)
	cut := min(int(tail*float64(len(x))), (len(x)-1)/2)
	return Interval{
		Low:  math.Min(x[cut], mid),
		Mid:  mid,
		High: math.Max(x[len(x)-1-cut], mid),
	}
}
