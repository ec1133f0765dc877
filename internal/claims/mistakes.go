package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
)

// kinds are the kinds of levels that a comparison names.
func (c *Comparison) kinds() (out []record.Kind) {
	for _, l := range c.List() {
		if !slices.Contains(out, l.Kind()) {
			out = append(out, l.Kind())
		}
	}
	return out
}

// open says whether neither a margin nor a ratio of its own says how much the
// comparison asks for.
func (c *Comparison) open() bool { return c.Margin == nil && c.AtLeast == 0 }

// mistake is what keeps a comparison from meaning anything, with the key that
// it is about; "" where it means something. This is the whole of what a
// condition may be, besides the schema and complete.
func (c *Comparison) mistake() (field, why string) {
	for _, find := range []func() (string, string){c.mistakenLevels, c.mistakenSides, c.mistakenBar} {
		if field, why = find(); why != "" {
			return field, why
		}
	}
	return "", ""
}

// mistakenLevels holds the levels against what the metric is taken from.
func (c *Comparison) mistakenLevels() (field, why string) {
	m, kinds := c.metric(), c.kinds()
	for _, k := range kinds {
		switch {
		case m.OfStart:
			return k.String(), fmt.Sprintf("%s is one figure a start, whatever the load; leave the levels out", c.Metric)
		case !slices.Contains(m.Levels, k):
			return k.String(), fmt.Sprintf("%s is not compared there; give %s", c.Metric, keys(m.Levels))
		}
	}
	switch {
	case len(kinds) > 1:
		return kinds[1].String(), fmt.Sprintf("a comparison is made at one kind of level; make two of it, one with %s and one with %s", kinds[0], kinds[1])
	case c.Idle > 0 && !slices.Contains(kinds, record.Open):
		return "idle", "idle connections are held open during an open loop; give rates"
	case c.ErrorsCount && m.OfStart:
		return "errors_count", fmt.Sprintf("%s is taken before any load, so no request can fail", c.Metric)
	case len(kinds) == 0 && !m.OfStart && !slices.Contains(m.Levels, record.Closed):
		return "metric", fmt.Sprintf("%s takes %s", c.Metric, keys(m.Levels))
	}
	if n, twice := repeated(c.Connections); twice {
		return record.Closed.String(), fmt.Sprintf("%d is named twice", n)
	}
	if r, twice := repeated(c.Rates); twice {
		return record.Open.String(), fmt.Sprintf("%g is named twice", r)
	}
	if s, twice := repeated(c.Shares); twice {
		return record.Share.String(), fmt.Sprintf("%g is named twice", s)
	}
	// Whoever waits behind a stall in a closed loop sends nothing (coordinated
	// omission), and a server that starves some connections has the median of the others. One connection has nobody to wait for; against its own baseline
	// an arm has the same omission on both sides.
	alone := len(c.Connections) > 0 && slices.Max(c.Connections) == 1
	if m.Latency && (len(kinds) == 0 || kinds[0] == record.Closed) && !alone && (c.Baseline == 0 || c.A != c.B) {
		return "metric", "the latency of a closed loop hides what waits: requests behind a stall are not sent, and connections that starve send few; give rates or shares, or one connection"
	}
	return "", ""
}

// keys are the kinds as a ledger names them.
func keys(kinds []record.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return strings.Join(names, " or ")
}

func repeated[T int | float64](list []T) (v T, twice bool) {
	for i, v := range list {
		if slices.Contains(list[:i], v) {
			return v, true
		}
	}
	return 0, false
}

// mistakenSides holds the two sides against each other: both absolute or both
// ratios, and never the same.
func (c *Comparison) mistakenSides() (field, why string) {
	kinds := c.kinds()
	closed := len(kinds) == 1 && kinds[0] == record.Closed
	switch {
	case c.BOver != "" && c.B == "":
		return "b_over", "there is no b that it could divide"
	case c.AOver != "" && c.BOver == "":
		return "a_over", "a is a ratio, and what it is compared with is an absolute figure; give b and b_over, or leave a_over out"
	case c.AOver == "" && c.BOver != "":
		return "b_over", "b is a ratio, and a is an absolute figure; give a_over too, or leave b_over out"
	case c.AOver != "" && c.AOver == c.A:
		return "a_over", fmt.Sprintf("%q is divided by itself", c.A)
	case c.BOver != "" && c.BOver == c.B:
		return "b_over", fmt.Sprintf("%q is divided by itself", c.B)
	case c.AOver != "" && c.AOver == c.B && c.BOver == c.A:
		return "b_over", fmt.Sprintf("both sides are the ratio of %q and %q, one of them turned over, so that what is shown is its square", c.A, c.B)
	case c.Baseline > 0 && !closed:
		return "baseline", "is a level of a closed loop; name those that are compared with it, as connections"
	case c.Baseline > 0 && c.A == c.B && slices.Contains(c.Connections, c.Baseline):
		return "baseline", fmt.Sprintf("%q at %d connections is compared with itself", c.A, c.Baseline)
	case c.Delay > 0 && !closed && len(kinds) > 0:
		return "delay", "is how long each request of a closed loop waits; give connections"
	}
	return "", ""
}

// mistakenBar refuses two answers to how much is asked for.
func (c *Comparison) mistakenBar() (field, why string) {
	switch {
	case c.AtLeast > 0 && c.Factor > 0:
		return "factor", "at_least says already what ratio is asked for; leave factor out"
	case c.AtLeast > 0 && c.Margin != nil:
		return "margin", "at_least takes the place of the margin; leave one of them out"
	}
	return "", ""
}
