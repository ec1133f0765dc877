package html

import (
	"strconv"
	"strings"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/sample"
)

// rawTable is every cell in one table that can be sorted.
type rawTable struct {
	Head []string
	Rows [][]rawCell
}

// rawCell is a value as text and, for numbers, as what it sorts by.
type rawCell struct {
	Text   string
	Number bool
	Value  string // empty where nothing was measured
}

func raw(d *report.Document) rawTable {
	t := rawTable{Head: []string{"Arm", "Level", "req/s", "low", "high", "delivered", "mean", "p50", "p90", "p95", "p99", "p99.9", "max", "CPU/request", "Memory", "Threads", "Errors", "Gates"}}
	for i := range d.Cells {
		c := &d.Cells[i]
		row := []rawCell{{Text: show.Text(c.Arm)}, {Text: c.Level}}
		if x := c.Of(sample.Throughput); x == nil {
			row = append(row, missing, missing, missing)
		} else {
			row = append(row, number(x.Mid, show.Number), number(x.Low, show.Number), number(x.High, show.Number))
		}
		if c.OfferedRPS > 0 {
			row = append(row, number(c.Delivered, show.Percent))
		} else {
			row = append(row, missing)
		}
		for _, e := range []*report.Estimate{c.Of(sample.Mean), c.Of(sample.P50), c.Of(sample.P90), c.Of(sample.P95), c.Of(sample.P99), c.Of(sample.P999)} {
			row = append(row, estimate(e, show.Seconds))
		}
		row = append(row, number(c.MaxS, show.Seconds), estimate(c.Of(sample.CPUPerRequest), show.Seconds), estimate(c.Of(sample.Memory), show.Bytes), number(float64(c.Threads), count),
			number(float64(c.Errors.Total()), count))
		var gates []string
		for _, g := range c.Gates {
			gates = append(gates, show.Text(g.Name))
		}
		t.Rows = append(t.Rows, append(row, rawCell{Text: strings.Join(gates, ", ")}))
	}
	return t
}

func count(v float64) string { return show.Count(uint64(v)) }

// missing has no value: a number in its place would be read as measured once
// it stands in a download.
var missing = rawCell{Text: show.None, Number: true}

func estimate(e *report.Estimate, format func(float64) string) rawCell {
	if e == nil {
		return missing
	}
	return number(e.Mid, format)
}

func number(v float64, format func(float64) string) rawCell {
	return rawCell{Text: format(v), Number: true, Value: strconv.FormatFloat(v, 'f', -1, 64)}
}
