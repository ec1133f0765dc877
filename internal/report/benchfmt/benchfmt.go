// Package benchfmt renders a Document as the text of Go's benchmarks, one line
// a block and cell, so that benchstat and whatever else reads that format can
// take it. The format: golang.org/design/14313-benchmark-format.
package benchfmt

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/sample"
)

// better says which direction of a metric is better.
func better(m *sample.Metric) string {
	if m.HigherIsBetter {
		return "higher"
	}
	return "lower"
}

// Write renders the cells. The number of iterations of a line is 1: its
// values are those of one start of the server.
//
// What benchstat would keep two files apart by is only what should: the machine,
// the profile and the method. A run's name is not among that.
func Write(w io.Writer, d *report.Document) error {
	out := benchfmt.NewWriter(w)
	metrics := slices.DeleteFunc(sample.OfCells(), func(m *sample.Metric) bool { return m.Bench == "" })
	for _, m := range metrics {
		if err := out.Write(&benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: m.Bench, Key: "better"}, OrigUnit: m.Bench, Value: better(m)}); err != nil {
			return fmt.Errorf("write benchmark format: %w", err)
		}
	}
	var config []benchfmt.Config
	for _, line := range [][2]string{
		{"goos", d.Environment.OS},
		{"goarch", d.Environment.Arch},
		{"cpu", d.Environment.CPU},
		{"method", d.Asked.Method},
		{"profile", d.Asked.Profile},
	} {
		if line[1] != "" {
			config = append(config, benchfmt.Config{Key: line[0], Value: []byte(show.Text(line[1])), File: true})
		}
	}
	for i := range d.Cells {
		c := &d.Cells[i]
		name := fmt.Sprintf("Server/arm=%s/level=%s", word(c.Arm), word(c.Level))
		for j := range c.Points {
			r := benchfmt.Result{Config: config, Name: benchfmt.Name(name), Iters: 1}
			for _, m := range metrics {
				if m == sample.Throughput && c.OfferedRPS > 0 {
					continue // it varies as the schedules do
				}
				if v := c.Points[j].Of(m); v > 0 {
					r.Values = append(r.Values, benchfmt.Value{Value: short(v), Unit: m.Bench})
				}
			}
			if err := out.Write(&r); err != nil {
				return fmt.Errorf("write benchmark format: %w", err)
			}
		}
	}
	return nil
}

// short keeps six digits: more are noise.
func short(v float64) float64 {
	s, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64) // it was just written
	return s
}

// word makes one word of a name: the format separates by spaces, and its keys
// by slashes.
func word(s string) string {
	return strings.NewReplacer(" ", "_", "/", "|").Replace(show.Text(s))
}
