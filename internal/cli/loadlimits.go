package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/hellobench/hellobench/internal/record"
)

// limitOptions are what a load has to keep, for scripts.
type limitOptions struct {
	p99    time.Duration
	errors float64
	rate   float64
	given  func(flag string) bool
}

func (o *limitOptions) flags(f *pflag.FlagSet) {
	f.DurationVar(&o.p99, "max-p99", 0, "exit with 3 if the 99th percentile of the latency is above this")
	f.Float64Var(&o.errors, "max-errors", 0, "exit with 3 if a larger share of the requests fails, from 0 to 1")
	f.Float64Var(&o.rate, "min-rate", 0, "exit with 3 if there are fewer correct responses a second")
	o.given = f.Changed
}

func (o *limitOptions) valid() error {
	switch {
	case o.given("max-p99") && o.p99 <= 0:
		return usageError{fmt.Errorf("--max-p99 %v: must be above 0", o.p99)}
	case !(o.errors >= 0 && o.errors <= 1):
		return usageError{fmt.Errorf("--max-errors %g: want a share from 0 to 1", o.errors)}
	case o.given("min-rate") && !(o.rate > 0):
		return usageError{fmt.Errorf("--min-rate %g: must be above 0", o.rate)}
	}
	return nil
}

// check is an error with every limit that was not kept.
func (o *limitOptions) check(url string, m *record.Measurement) error {
	var missed []string
	miss := func(format string, args ...any) { missed = append(missed, fmt.Sprintf(format, args...)) }
	if o.given("max-p99") {
		var p99 *time.Duration
		if m.Latency != nil {
			p99 = m.Latency.P99
		}
		switch {
		case p99 == nil:
			miss("--max-p99 %v: a p99 needs %d correct responses, there were %d", o.p99, record.Needed(0.99), m.OK)
		case *p99 > o.p99:
			miss("--max-p99 %v: p99 is %v", o.p99, round(*p99))
		}
	}
	if share := m.ErrorRate(); o.given("max-errors") && share > o.errors {
		miss("--max-errors %g: %.3g of the requests failed (%d of %d)", o.errors, share, m.Errors.Total(), m.Due())
	}
	if x := m.Throughput(); o.given("min-rate") && x < o.rate {
		miss("--min-rate %g: %.4g correct responses a second", o.rate, x)
	}
	if len(missed) == 0 {
		return nil
	}
	return exitError{exitMissed, fmt.Sprintf("load %s: %s", url, strings.Join(missed, "; "))}
}
