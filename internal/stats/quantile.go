package stats

import (
	"fmt"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// QuantileRanks are the ranks, counted from 1, of the order statistics of n
// values that bound the q-quantile (0 < q < 1) with at least the given
// confidence. The number of values below the quantile is binomial(n, q), so
// low is the largest rank with P(Bin < low) <= alpha/2 and high the
// smallest with P(Bin >= high) <= alpha/2: equal tails, each kept by itself. Rank 0
// means no lower bound, rank n+1 no upper bound.
//
// Source: David & Nagaraja, Order Statistics, 3rd ed., section 7.1.
func QuantileRanks(n int, q, confidence float64) (low, high int, err error) {
	if n < 1 || !(q > 0 && q < 1) {
		return 0, 0, fmt.Errorf("no %v-quantile of %d values", q, n)
	}
	if err := checkConfidence(confidence); err != nil {
		return 0, 0, err
	}
	tail := (1 - confidence) / 2
	return lowestRank(n, q, tail), n + 1 - lowestRank(n, 1-q, tail), nil
}

// lowestRank is the largest rank with P(binomial(n, q) < rank) <= tail. A
// probability that equals the tail but for rounding counts as equal, so that
// both ends of a median stay symmetric.
func lowestRank(n int, q, tail float64) int {
	below := distuv.Binomial{N: float64(n), P: q}
	return sort.Search(n, func(rank int) bool { return below.CDF(float64(rank)) > tail*(1+1e-9) })
}

// SortedMedian is the median of one or more values in ascending order. It halves
// before it adds, so that large values do not overflow.
func SortedMedian(x []float64) float64 {
	n := len(x)
	return x[(n-1)/2]/2 + x[n/2]/2
}
