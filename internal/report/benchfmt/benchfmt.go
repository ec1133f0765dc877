// Package benchfmt renders a Document as the text of Go's benchmarks, one line
// a block and cell, so that benchstat and whatever else reads that format can
// take it. The format: golang.org/design/14313-benchmark-format.
package benchfmt

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/sample"
)

// units are those of the values, with what is better.
var units = []struct {
	name, better string
	of           func(p *report.BlockPoint) float64
}{
	{"req/s", "higher", func(p *report.BlockPoint) float64 { return p.Of(sample.Throughput) }},
	{"mean-sec", "lower", func(p *report.BlockPoint) float64 { return p.Of(sample.Mean) }},
	{"p50-sec", "lower", func(p *report.BlockPoint) float64 { return p.Of(sample.P50) }},
	{"p90-sec", "lower", func(p *report.BlockPoint) float64 { return p.Of(sample.P90) }},
	{"p95-sec", "lower", func(p *report.BlockPoint) float64 { return p.Of(sample.P95) }},
	{"p99-sec", "lower", func(p *report.BlockPoint) float64 { return p.Of(sample.P99) }},
	{"cpu-sec/req", "lower", func(p *report.BlockPoint) float64 { return p.Of(sample.CPUPerRequest) }},
	{"memory-bytes", "lower", func(p *report.BlockPoint) float64 { return p.Of(sample.Memory) }},
}

// Write renders the cells. The number of iterations of a line is 1: its
// values are those of one start of the server.
//
// What benchstat would keep two files apart by is only what should: the machine,
// the profile and the method. A run's name is not among that.
func Write(w io.Writer, d *report.Document) error {
	out := benchfmt.NewWriter(w)
	for _, u := range units {
		if err := out.Write(&benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: u.name, Key: "better"}, OrigUnit: u.name, Value: u.better}); err != nil {
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
			for _, u := range units {
				if u.name == "req/s" && c.OfferedRPS > 0 {
					continue // it varies as the schedules do
				}
				if v := u.of(&c.Points[j]); v > 0 {
					r.Values = append(r.Values, benchfmt.Value{Value: short(v), Unit: u.name})
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
