package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// MeanInterval is the arithmetic mean of x with Student's t interval at the
// given confidence (0.95 for 95%). It needs at least two finite values; values
// that are all equal give an interval of no width.
func MeanInterval(x []float64, confidence float64) (Interval, error) {
	if err := checkSample(x, confidence); err != nil {
		return Interval{}, err
	}
	mean, sd := stat.MeanStdDev(x, nil)
	n := float64(len(x))
	half := studentQuantile(n-1, confidence) * sd / math.Sqrt(n)
	return Interval{Low: mean - half, Mid: mean, High: mean + half}, nil
}

// GeoMeanInterval is the geometric mean of x with the t interval of the
// logarithms, mapped back. It needs at least two positive values.
func GeoMeanInterval(x []float64, confidence float64) (Interval, error) {
	logs, err := logarithms(x)
	if err != nil {
		return Interval{}, err
	}
	i, err := MeanInterval(logs, confidence)
	return i.exp(), err
}

// PairedRatio is the ratio of A to B over blocks: a[k] and b[k] are the two
// values of block k, d = ln(a/b), and the interval is exp of the t interval of
// the mean of d. What a block does to both arms alike cancels. It needs at
// least two blocks and positive values. A ratio of 1 is no difference;
// swapping a and b gives the reciprocal interval.
//
// Source: the paired t interval on logarithms, as in Fleming & Wallace (CACM
// 1986) for why ratios are averaged geometrically and Kalibera & Jones (ISMM
// 2013) for intervals of ratios over process starts.
func PairedRatio(a, b []float64, confidence float64) (Interval, error) {
	d, err := LogRatios(a, b)
	if err != nil {
		return Interval{}, err
	}
	i, err := MeanInterval(d, confidence)
	return i.exp(), err
}

// LogRatios is ln(a[k]/b[k]) for every block k. The slices must be equally
// long and their values positive and finite.
func LogRatios(a, b []float64) ([]float64, error) {
	if len(a) != len(b) {
		return nil, fmt.Errorf("paired samples differ in length: %d and %d blocks", len(a), len(b))
	}
	la, err := logarithms(a)
	if err != nil {
		return nil, fmt.Errorf("first sample: %w", err)
	}
	lb, err := logarithms(b)
	if err != nil {
		return nil, fmt.Errorf("second sample: %w", err)
	}
	for k := range la {
		la[k] -= lb[k]
	}
	return la, nil
}

func logarithms(x []float64) ([]float64, error) {
	out := make([]float64, len(x))
	for k, v := range x {
		if !(v > 0) || math.IsInf(v, 1) {
			return nil, fmt.Errorf("value %v at index %d is not a positive number", v, k)
		}
		out[k] = math.Log(v)
	}
	return out, nil
}

// studentQuantile is the two-sided critical value t with P(|T| <= t) = confidence.
func studentQuantile(df, confidence float64) float64 {
	return -distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile((1 - confidence) / 2)
}

func checkSample(x []float64, confidence float64) error {
	if len(x) < 2 {
		return fmt.Errorf("an interval needs at least 2 values, not %d", len(x))
	}
	if err := checkFinite(x); err != nil {
		return err
	}
	return checkConfidence(confidence)
}

func checkFinite(x []float64) error {
	for k, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("value %v at index %d is not a finite number", v, k)
		}
	}
	return nil
}

func checkConfidence(confidence float64) error {
	if !(confidence > 0 && confidence < 1) {
		return fmt.Errorf("confidence must lie strictly between 0 and 1, not %v", confidence)
	}
	return nil
}
