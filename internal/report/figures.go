package report

import (
	"encoding/json"
	"slices"

	"github.com/hellobench/hellobench/internal/sample"
)

// cellMetrics are the metrics of cells, in the order of Cell.estimates and BlockPoint.values.
var cellMetrics = sample.OfCells()

// Of is the cell's estimate of a metric, nil where nothing could be measured.
func (c *Cell) Of(m *sample.Metric) *Estimate {
	if c.estimates == nil { // a cell that was never measured
		return nil
	}
	return c.estimates[slices.Index(cellMetrics, m)]
}

// Of is the start's value of a metric. 0 says "not reported", except for the
// throughput, where it says that nothing was answered.
func (p *BlockPoint) Of(m *sample.Metric) float64 { return p.values[slices.Index(cellMetrics, m)] }

// MarshalJSON writes the cell with an estimate under the key of each metric.
func (c Cell) MarshalJSON() ([]byte, error) {
	type plain Cell
	return withFigures(plain(c), c.Of)
}

// MarshalJSON writes the point with a value under the key of each metric.
func (p BlockPoint) MarshalJSON() ([]byte, error) {
	type plain BlockPoint
	return withFigures(plain(p), p.Of)
}

// withFigures is an object with one more member for each metric of cells.
func withFigures[T any](object any, of func(*sample.Metric) T) ([]byte, error) {
	members := make(map[string]T, len(cellMetrics))
	for _, m := range cellMetrics {
		members[m.Key] = of(m)
	}
	out, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	more, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	return append(append(out[:len(out)-1], ','), more[1:]...), nil
}
