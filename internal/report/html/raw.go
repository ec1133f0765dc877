package html

import (
	"slices"
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
	latencies, others := byKind()
	t := rawTable{Head: slices.Concat([]string{"Arm", "Level", sample.Throughput.Head, "low", "high", "delivered"}, heads(latencies), []string{"max"}, heads(others), []string{"Threads", "Errors", "Gates"})}
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
		row = append(append(row, estimates(c, latencies)...), number(c.MaxS, show.Seconds))
		row = append(append(row, estimates(c, others)...), number(float64(c.Threads), count), number(float64(c.Errors.Total()), count))
		var gates []string
		for _, g := range c.Gates {
			gates = append(gates, show.Text(g.Name))
		}
		t.Rows = append(t.Rows, append(row, rawCell{Text: strings.Join(gates, ", ")}))
	}
	return t
}

// byKind are the metrics of latency, and all others but the throughput.
func byKind() (latencies, others []*sample.Metric) {
	for _, m := range sample.OfCells() {
		switch {
		case m.Latency:
			latencies = append(latencies, m)
		case m != sample.Throughput:
			others = append(others, m)
		}
	}
	return latencies, others
}

func heads(metrics []*sample.Metric) (out []string) {
	for _, m := range metrics {
		out = append(out, m.Head)
	}
	return out
}

func estimates(c *report.Cell, metrics []*sample.Metric) (out []rawCell) {
	for _, m := range metrics {
		if e := c.Of(m); e != nil {
			out = append(out, number(e.Mid, show.InUnit(m.Unit)))
		} else {
			out = append(out, missing)
		}
	}
	return out
}

func count(v float64) string { return show.Count(uint64(v)) }

// missing has no value: a number in its place would be read as measured once
// it stands in a download.
var missing = rawCell{Text: show.None, Number: true}

func number(v float64, format func(float64) string) rawCell {
	return rawCell{Text: format(v), Number: true, Value: strconv.FormatFloat(v, 'f', -1, 64)}
}
