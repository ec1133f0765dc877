package stats

import (
	"math"
	"slices"
)

// HodgesLehmann is the median of the Walsh averages (d[i]+d[j])/2, i <= j, with
// the interval that inverts the exact Wilcoxon signed-rank test. It assumes
// only that the differences are symmetric about their center, so one wild
// block moves it little: it is the check on PairedRatio. It needs at least two
// finite values, and time and memory of order n^2 for the averages and n^3 for
// the null distribution.
//
// The signed-rank distribution is discrete. The interval is the narrowest pair
// of order statistics whose confidence is at least what was asked, so it
// covers a little more often. Below the n at which SignedRankReach(n) meets
// the confidence (six blocks for 95%) no such pair exists and the ends are
// -Inf and +Inf.
//
// Zeros and ties are kept as they are: the Walsh averages need no ranks, and
// the closed interval then covers at least as often as without ties (Hollander,
// Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., sections 3.2 and 3.3).
func HodgesLehmann(d []float64, confidence float64) (Interval, error) {
	if err := checkSample(d, confidence); err != nil {
		return Interval{}, err
	}
	walsh := walshAverages(d)
	i := Interval{Low: math.Inf(-1), Mid: SortedMedian(walsh), High: math.Inf(1)}
	if cut := signedRankCut(len(d), (1-confidence)/2); cut > 0 {
		i.Low, i.High = walsh[cut-1], walsh[len(walsh)-cut]
	}
	return i, nil
}

// RobustRatio is HodgesLehmann on ln(a/b) mapped back to ratios; it takes what
// PairedRatio takes. Where n is too small for the confidence its ends are 0 and +Inf.
func RobustRatio(a, b []float64, confidence float64) (Interval, error) {
	d, err := LogRatios(a, b)
	if err != nil {
		return Interval{}, err
	}
	i, err := HodgesLehmann(d, confidence)
	return i.exp(), err
}

// SignedRankReach is the highest confidence at which HodgesLehmann is bounded
// for n values: 1 - 2^(1-n), reached by the smallest and the largest value.
// It is 0 for n < 2.
func SignedRankReach(n int) float64 {
	if n < 2 {
		return 0
	}
	return 1 - math.Ldexp(1, 1-n)
}

func walshAverages(d []float64) []float64 {
	walsh := make([]float64, 0, len(d)*(len(d)+1)/2)
	for i, v := range d {
		for _, w := range d[i:] {
			walsh = append(walsh, v/2+w/2)
		}
	}
	slices.Sort(walsh)
	return walsh
}

// signedRankCut is the largest c with P(T <= c-1) <= tail for the signed-rank
// statistic T of n values under the null hypothesis: the c-th smallest and
// c-th largest Walsh average then bound the interval. 0 means that even
// P(T = 0) is too large.
func signedRankCut(n int, tail float64) int {
	sum := 0.0
	for c, p := range signedRankPMF(n) {
		if sum += p; sum > tail {
			return c
		}
	}
	return 0 // not reached: tail < 1/2 and the probabilities add up to 1
}

// signedRankPMF is P(T = s), s = 0 .. n(n+1)/2, where T sums the ranks 1..n
// that a fair coin picks. Adding one rank at a time gives the exact
// distribution; probabilities instead of counts cannot overflow.
func signedRankPMF(n int) []float64 {
	p := make([]float64, n*(n+1)/2+1)
	p[0] = 1
	top := 0
	for rank := 1; rank <= n; rank++ {
		top += rank
		for s := top; s >= 0; s-- {
			p[s] /= 2
			if s >= rank {
				p[s] += p[s-rank] / 2
			}
		}
	}
	return p
}
