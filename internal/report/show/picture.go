package show

import (
	"math"
	"strconv"

	"github.com/hellobench/hellobench/internal/report"
)

// How many of each the renderers have to tell arms apart.
const (
	Colors = 7
	Shapes = 7
	Dashes = 5
)

// Look is how an arm appears in every picture, as indices: no two of the first
// 49 styles have the same color and shape, no two of the first 35 the same
// color and dash.
type Look struct{ Color, Shape, Dash int }

// LookOf is the look of a style. After each round of colors they meet the
// shapes two further on, and the dashes one.
func LookOf(style int) Look {
	style = max(style, 0)
	round := style / Colors
	color := (style + 2*round) % Colors
	return Look{Color: color, Shape: style % Shapes, Dash: (color + color/Dashes*2 + round) % Dashes}
}

// Place writes a value of the x axis in full: 4,096 is not 4,100. On an axis
// of percentiles, 100 is p99.
func Place(a report.Axis, v float64) string {
	switch {
	case a.Unit == report.Percentiles && v > 1:
		return "p" + strconv.FormatFloat(math.Round(1e7*(1-1/v))/1e5, 'f', -1, 64)
	case v == math.Trunc(v) && v >= 0 && v < 1e15:
		return Count(uint64(v))
	}
	return Number(v)
}
