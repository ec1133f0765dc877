package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// mostLines is how many arms one picture of lines shows; more are not followed
// by the eye, whatever their colors.
const mostLines = 8

// split makes of one chart of lines as many as can be read: lines that have
// one point each, all at the same level, become rows, for an axis of one value
// shows nothing; where the arms are too many, those that visit one level stand
// in rows beside all others at that level, and the lines are dealt out.
func split(c Chart, levels []Level) []Chart {
	x, ok := c.onlyLevel()
	if ok {
		return []Chart{c.atLevel(x, levels)}
	}
	if c.arms() <= mostLines {
		return parts(c)
	}
	x, short := c.shortArms()
	if len(short) < 2 {
		return parts(c)
	}
	rows := c.atLevel(x, levels)
	rows.Name += "-at-one-level"
	c.Series = slices.DeleteFunc(slices.Clone(c.Series), func(s Series) bool { return slices.Contains(short, s.Arm) })
	return append(parts(c), rows)
}

// parts deals the arms of a chart of lines out over as few charts as can be
// read, all with the same axes.
func parts(c Chart) []Chart {
	c.frame()
	n := (c.arms() + mostLines - 1) / mostLines
	if n <= 1 {
		return []Chart{c}
	}
	each := (c.arms() + n - 1) / n
	out := make([]Chart, n)
	var seen []string
	for i := range out {
		out[i] = c
		out[i].Series = nil
		out[i].Title += fmt.Sprintf(" (%d of %d)", i+1, n)
	}
	for _, s := range c.Series {
		if !slices.Contains(seen, s.Arm) {
			seen = append(seen, s.Arm)
		}
		part := &out[(len(seen)-1)/each] // the series of an arm follow one another
		part.Series = append(part.Series, s)
	}
	return out
}

func (c *Chart) arms() int {
	arms := map[string]bool{}
	for _, s := range c.Series {
		arms[s.Arm] = true
	}
	return len(arms)
}

// onlyLevel is the place of all points, if they have but one.
func (c *Chart) onlyLevel() (x float64, ok bool) {
	for _, s := range c.Series {
		for _, p := range s.Points {
			if ok && p.X != x {
				return 0, false
			}
			x, ok = p.X, true
		}
	}
	return x, ok
}

// shortArms are the arms with points at one level alone, as far as they share
// the level with the most of them.
func (c *Chart) shortArms() (level float64, arms []string) {
	at := map[float64][]string{}
	for i, s := range c.Series {
		long := slices.ContainsFunc(c.Series, func(t Series) bool { return t.Arm == s.Arm && len(t.Points) != 1 })
		if long || i > 0 && c.Series[i-1].Arm == s.Arm {
			continue
		}
		x := s.Points[0].X
		at[x] = append(at[x], s.Arm)
		if n := len(at[x]); n > len(arms) || n == len(arms) && x < level {
			level, arms = x, at[x]
		}
	}
	return level, arms
}

// atLevel turns lines into rows, one an arm, of what they are at one place. Of
// latency the mean or the median remains.
func (c Chart) atLevel(x float64, levels []Level) Chart {
	series := c.Series
	c.Series = nil
	for _, s := range series {
		i := slices.IndexFunc(s.Points, func(p Point) bool { return p.X == x })
		if i >= 0 && s.Variant != Tail {
			s.Variant, s.Points = "", s.Points[i:i+1]
			c.Series = append(c.Series, s)
		}
	}
	for _, l := range levels {
		if x == float64(l.Connections) && !l.Open || x == l.Rate && l.Open {
			c.Title = c.centerName() + " at " + record.PlainLevel(l.Name) + ", " + c.of
		}
	}
	c.Kind, c.X = "dots", Axis{}
	return c.ofRows()
}

// centerName is what remains of the chart at one level.
func (c *Chart) centerName() string {
	switch {
	case c.Quantity == OfThroughput:
		return "Throughput"
	case c.Center == "mean":
		return "Mean latency"
	default:
		return "Median latency"
	}
}

// ofRows finishes a chart of rows: the best on top, on a scale that shows all.
func (c Chart) ofRows() Chart {
	sign := 1
	if c.Quantity == OfThroughput {
		sign = -1
	}
	slices.SortStableFunc(c.Series, func(a, b Series) int { return sign * cmp.Compare(a.Points[0].Y.Mid, b.Points[0].Y.Mid) })
	c.Y.Log = c.spread() > logSpread
	c.frame()
	return c
}

// Bleed is how many times beyond all marks an interval may widen an axis: that
// of two blocks may reach over any number of decades.
const Bleed = 1.5

// frame sets the range of the axes.
func (c *Chart) frame() {
	xs, low, high := Extent(c.Series)
	if len(xs) == 0 {
		return
	}
	if c.Kind == "lines" {
		c.X.From, c.X.To = xs[0], xs[len(xs)-1]
	}
	c.Y.From, c.Y.To = low, high
}

// Extent lists the x values of series in order and the range of the others: the
// estimates and what single blocks gave are always inside, an interval only as
// far as it leaves them room.
func Extent(series []Series) (xs []float64, low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	var ends []float64
	for _, s := range series {
		for _, p := range s.Points {
			xs = append(xs, p.X)
			ends = append(ends, p.Y.Low, p.Y.High)
			low, high = min(low, p.Y.Mid), max(high, p.Y.Mid)
			for _, v := range p.Blocks {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	for _, s := range series {
		for _, p := range s.Curve {
			low, high = min(low, p.Y), max(high, p.Y)
		}
	}
	slices.Sort(xs)
	least, most := low/Bleed, high*Bleed
	for _, v := range ends {
		low, high = min(low, max(v, least)), max(high, min(v, most))
	}
	return slices.Compact(xs), low, high
}
