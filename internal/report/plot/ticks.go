package plot

import (
	"math"
	"strings"

	"gonum.org/v1/plot"

	"github.com/hellobench/hellobench/internal/report/show"
)

// linearTicks are about six round values from 0 on; top is the last of them.
func linearTicks(highest float64) (ticks []plot.Tick, top float64) {
	if !(highest > 0) {
		highest = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(highest/5)))
	for _, f := range []float64{1, 2, 5, 10} {
		if highest/(step*f) <= 6 {
			step *= f
			break
		}
	}
	for i := 0; ; i++ {
		v := float64(i) * step
		ticks = append(ticks, plot.Tick{Value: v, Label: short(v)})
		if v >= highest {
			return ticks, v
		}
	}
}

// logTicks label 1, 2 and 5 of each decade over a short range, the decades
// alone over a long one; all other whole multiples are minor ticks.
func logTicks(low, high float64) []plot.Tick {
	decades := math.Log10(high / low)
	var ticks []plot.Tick
	for exp := math.Floor(math.Log10(low)); exp <= math.Ceil(math.Log10(high)); exp++ {
		for m := 1; m <= 9; m++ {
			v := float64(m) * math.Pow(10, exp)
			if v < low*(1-1e-9) || v > high*(1+1e-9) {
				continue
			}
			label := ""
			if m == 1 || decades <= 3 && (m == 2 || m == 5) {
				label = short(v)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}

// levelTicks stand at the measured levels; a label that would touch the one
// before it is left out. room is the share of the axis that a label takes.
func levelTicks(levels []float64, low, high, room float64, label func(float64) string) []plot.Tick {
	var ticks []plot.Tick
	last := math.Inf(-1)
	for _, v := range levels {
		at := math.Log(v/low) / math.Log(high/low)
		t := plot.Tick{Value: v}
		if at-last >= room {
			t.Label = label(v)
			last = at
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// short writes a round value without the zeros behind it: 0.1, 10, 50,000.
func short(v float64) string {
	s := show.Number(v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// logRange widens a range to the 1, 2 or 5 of a decade beyond both its ends,
// and leaves room for a mark.
func logRange(low, high float64) (float64, float64) {
	low, high = low/1.06, high*1.06
	down, up := 0.0, math.Inf(1)
	for exp := math.Floor(math.Log10(low)) - 1; exp <= math.Ceil(math.Log10(high))+1; exp++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, exp)
			if v <= low {
				down = max(down, v)
			}
			if v >= high {
				up = min(up, v)
			}
		}
	}
	if up <= down {
		up = down * 10
	}
	return down, up
}
