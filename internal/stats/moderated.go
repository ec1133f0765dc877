package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
)

// Prior is how the variances of a family of comparisons are spread: a scaled
// inverse chi-square with DF degrees of freedom around Variance. DF is 0 where
// nothing is known, and large where all variances are alike.
type Prior struct {
	Variance float64
	DF       float64
}

// mostDF bounds the degrees of freedom of a prior: beyond it the t quantile is that
// of the normal distribution.
const mostDF = 1e4

// FitPrior estimates the prior from the variances of a family, each with its degrees
// of freedom, by the moments of their logarithms. A variance of 0 tells nothing of
// the others' spread and is left out. With fewer than three variances there is no
// prior.
//
// Source: Smyth, Linear models and empirical Bayes methods for assessing differential
// expression in microarray experiments (SAGMB 2004), section 6.2.
func FitPrior(variances, df []float64) Prior {
	var e, spread []float64
	for i, v := range variances {
		if v > 0 && df[i] > 0 {
			half := df[i] / 2
			e = append(e, math.Log(v)-mathext.Digamma(half)+math.Log(half))
			spread = append(spread, trigamma(half))
		}
	}
	if len(e) < 3 {
		return Prior{}
	}
	mean, variance := stat.MeanVariance(e, nil)
	excess := variance - stat.Mean(spread, nil)
	if excess <= 0 {
		return Prior{Variance: math.Exp(mean), DF: mostDF}
	}
	half := min(trigammaInverse(excess), mostDF/2)
	return Prior{Variance: math.Exp(mean + mathext.Digamma(half) - math.Log(half)), DF: 2 * half}
}

// Moderate shrinks a variance with its degrees of freedom towards the prior, and
// returns the degrees of freedom of the result.
func (p Prior) Moderate(variance, df float64) (moderated, total float64) {
	total = p.DF + df
	return (p.DF*p.Variance + df*variance) / total, total
}

// ModeratedRatio is PairedRatio with a variance that is moderated by the prior of the
// family that the comparison is of. A prior without degrees of freedom changes nothing.
func ModeratedRatio(a, b []float64, p Prior, confidence float64) (Interval, error) {
	d, err := LogRatios(a, b)
	if err != nil {
		return Interval{}, err
	}
	if err := checkSample(d, confidence); err != nil {
		return Interval{}, err
	}
	mean, variance := stat.MeanVariance(d, nil)
	variance, df := p.Moderate(variance, float64(len(d)-1))
	half := studentQuantile(df, confidence) * math.Sqrt(variance/float64(len(d)))
	return Interval{Low: mean - half, Mid: mean, High: mean + half}.exp(), nil
}

// Variance is that of a sample of at least two values.
func Variance(x []float64) float64 { return stat.Variance(x, nil) }

// trigamma is the derivative of the digamma function, which is Hurwitz' zeta(2, x).
func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

// trigammaInverse solves trigamma(y) = x for x > 0 by Newton's method, as in Smyth's
// appendix: started below the root it rises to it.
func trigammaInverse(x float64) float64 {
	switch {
	case x > 1e7:
		return 1 / math.Sqrt(x)
	case x < 1e-6:
		return 1 / x
	}
	y := 0.5 + 1/x
	for range 50 {
		t := trigamma(y)
		step := t * (1 - t/x) / (-2 * mathext.Zeta(3, y))
		if y += step; -step/y < 1e-10 {
			break
		}
	}
	return y
}
