// Package stats is the mathematics of hellobench: samples in, intervals and
// labels out.
//
// It believes four things. The unit is a block: every sample here holds one
// value a block, because values from inside one process start are
// autocorrelated and would make any interval too narrow. Performance is
// multiplicative, so effects are ratios and are computed on the log scale. An
// interval says more than a p-value, so decisions compare an interval with a
// margin that was written down before the run. And a random choice is always
// the caller's: nothing here seeds itself, so the same data give the same
// answer bit for bit.
//
// It refuses to know what a number means: it has no metrics, arms or claims,
// reads no file, prints nothing and rounds nothing. It drops no outlier. Where
// a sample cannot carry the confidence that is asked for, it says so with an
// error or an unbounded interval and never returns a narrower guess.
//
// Intervals may be unbounded (HodgesLehmann, QuantileInterval); test
// with Interval.Bounded before encoding one as JSON, which has no infinities.
package stats
