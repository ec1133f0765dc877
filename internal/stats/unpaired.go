package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// UnpairedRatio is the ratio of A to B where their values come from different
// sittings and no value of one belongs to one of the other: the geometric
// means' ratio, with the interval of Welch's t test on the logarithms, mapped
// back. It needs at least two positive values of each; they may be of
// different number and spread. Two samples without any spread give an
// interval of no width.
//
// Source: Welch, The generalization of Student's problem (Biometrika 1947),
// with Satterthwaite's degrees of freedom.
func UnpairedRatio(a, b []float64, confidence float64) (Interval, error) {
	var mean, square [2]float64 // of the mean
	var df float64
	for i, x := range [][]float64{a, b} {
		logs, err := logarithms(x)
		if err != nil {
			return Interval{}, err
		}
		if err := checkSample(logs, confidence); err != nil {
			return Interval{}, err
		}
		n := float64(len(x))
		m, variance := stat.MeanVariance(logs, nil)
		mean[i], square[i] = m, variance/n
		df += square[i] * square[i] / (n - 1)
	}
	d, s2 := mean[0]-mean[1], square[0]+square[1]
	half := 0.0
	if s2 > 0 {
		half = studentQuantile(s2*s2/df, confidence) * math.Sqrt(s2)
	}
	return Interval{Low: d - half, Mid: d, High: d + half}.exp(), nil
}
