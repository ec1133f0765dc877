// Package benchfmt renders a Document as the text of Go's benchmarks, one line
// a block and cell, so that benchstat and whatever else reads that format can
// take it. The format: golang.org/design/14313-benchmark-format.
package benchfmt

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

// Write renders the cells. The number of iterations of a line is 1: its
// values are those of one start of the server.
func Write(w io.Writer, d *report.Document) error {
	b := bufio.NewWriter(w)
	for _, line := range [][2]string{
		{"goos", d.Environment.OS},
		{"goarch", d.Environment.Arch},
		{"cpu", d.Environment.CPU},
		{"run", d.Asked.ID},
		{"method", d.Asked.Method},
		{"profile", d.Asked.Profile},
	} {
		if line[1] != "" {
			_, _ = fmt.Fprintf(b, "%s: %s\n", line[0], show.Text(line[1])) // the error stays until Flush
		}
	}
	for i := range d.Cells {
		c := &d.Cells[i]
		name := fmt.Sprintf("BenchmarkServer/arm=%s/level=%s", word(c.Arm), word(c.Level))
		for _, p := range c.Points {
			_, _ = fmt.Fprintf(b, "%s 1", name)
			for _, v := range []struct {
				value float64
				unit  string
			}{
				{p.Throughput, "req/s"},
				{p.P50 * 1e9, "p50-ns"},
				{p.P90 * 1e9, "p90-ns"},
				{p.P99 * 1e9, "p99-ns"},
				{p.CPUPerRequest * 1e9, "cpu-ns/req"},
				{p.Memory, "memory-bytes"},
			} {
				if v.value > 0 {
					_, _ = fmt.Fprintf(b, " %.6g %s", v.value, v.unit)
				}
			}
			_ = b.WriteByte('\n')
		}
	}
	return b.Flush()
}

// word makes one word of a name: the format separates by spaces, and its keys
// by slashes.
func word(s string) string {
	return strings.NewReplacer(" ", "_", "/", "|").Replace(show.Text(s))
}
