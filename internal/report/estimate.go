package report

import (
	"math"
	"slices"

	"github.com/hellobench/hellobench/internal/stats"
)

// geoMean is the geometric mean with a t interval on the log scale. Where a
// value is 0 there is no logarithm, and it is the arithmetic mean with a t
// interval cut off at 0. It is nil without values.
func geoMean(values []float64) *Estimate {
	if len(values) == 0 {
		return nil
	}
	interval := stats.GeoMeanInterval
	if slices.Min(values) <= 0 {
		interval = stats.MeanInterval
	}
	i, err := interval(values, Confidence)
	if err != nil || !i.Bounded() { // one value, or such that float64 cannot hold the interval
		return single(stats.SortedMedian(slices.Sorted(slices.Values(values))), len(values))
	}
	return &Estimate{Mid: i.Mid, Low: max(i.Low, 0), High: i.High, Confidence: Confidence, Blocks: len(values)}
}

// single is a value without an interval.
func single(mid float64, n int) *Estimate {
	return &Estimate{Mid: mid, Low: mid, High: mid, Blocks: n}
}

// medianOf is the median with the interval between two order statistics. It
// assumes nothing of the shape, which a tail percentile needs. Fewer than six
// values cannot attain Confidence; their interval is the range, which holds
// the true median with probability 1 - 2^(1-n). It is nil without values.
func medianOf(values []float64) *Estimate {
	if len(values) == 0 {
		return nil
	}
	values, n := slices.Sorted(slices.Values(values)), len(values)
	e := &Estimate{Mid: stats.SortedMedian(values), Low: values[0], High: values[n-1], Confidence: 1 - math.Pow(2, float64(1-n)), Blocks: n}
	low, high, err := stats.QuantileRanks(n, 0.5, Confidence)
	if err == nil && low >= 1 && high <= n {
		e.Low, e.High, e.Confidence = values[low-1], values[high-1], Confidence
	}
	return e
}

// number is v, or 0 if it is none.
func number(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
