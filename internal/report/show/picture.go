package show

import (
	"math"
	"strconv"

	"github.com/hellobench/hellobench/internal/report"
)

// OnAxis writes a value of the x axis in full: 4,096 is not 4,100. On an axis
// of percentiles, 100 is p99.
func OnAxis(a report.Axis, v float64) string {
	switch {
	case a.Unit == report.Percentiles && v > 1:
		return "p" + strconv.FormatFloat(math.Round(1e7*(1-1/v))/1e5, 'f', -1, 64)
	case v == math.Trunc(v) && v >= 0 && v < 1e15:
		return Count(uint64(v))
	}
	return Number(v)
}
