// Package csv writes the cells of a report for other programs, one row a cell. Figures are in base units (seconds,
// bytes, requests a second, ratios), unrounded and unscaled; an empty field is
// a figure that was not measured. It computes none.
package csv

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/sample"
)

// column is one column of the CSV.
type column struct {
	name  string
	about string
	of    func(r *row) string
}

// row is a cell with what stands outside of it.
type row struct {
	doc  *report.Document
	arm  report.Arm
	lvl  report.Level
	cell *report.Cell
}

// columns are in their stable order; new ones, and new metrics, are added at the end.
var columns = append(known, figures(later(known)...)...)

var known = slices.Concat(
	[]column{
		{"run", "name of the run", func(r *row) string { return text(r.doc.Asked.ID) }},
		{"quotable", "false: a quick look, not for quoting", func(r *row) string { return strconv.FormatBool(r.doc.Quotable) }},
		{"partial", "true: something that was planned is missing", func(r *row) string { return strconv.FormatBool(r.doc.Partial) }},
		{"arm", "name of the arm", func(r *row) string { return name(r.arm.Name) }},
		{"role", "competitor, replicate (A/A) or ceiling (null server)", func(r *row) string { return string(r.arm.Role) }},
		{"server", "name of the server", func(r *row) string { return name(r.arm.Server) }},
		{"route", "path and query", func(r *row) string { return text(r.arm.Route) }},
		{"level", "name of the load level", func(r *row) string { return r.lvl.Name }},
		{"connections", "connections of the level", func(r *row) string { return strconv.Itoa(r.lvl.Connections) }},
		{"rate_rps", "offered rate of the level, 0 in a closed loop", func(r *row) string { return number(r.lvl.Rate) }},
		{"starts", "starts behind the row", func(r *row) string { return strconv.Itoa(r.cell.Trials) }},
		{"failed_starts", "starts of the arm that failed or ended early", func(r *row) string { return strconv.Itoa(r.cell.Failed) }},
		{"lower_bound", "true: the generator was the limit", func(r *row) string { return strconv.FormatBool(r.cell.LowerBound) }},
	},
	figures(sample.Throughput, sample.P50, sample.P90, sample.P99, sample.P999),
	[]column{
		{"max_s", "longest latency", func(r *row) string { return number(r.cell.MaxS) }},
		{"requests", "requests sent", func(r *row) string { return count(r.cell.Requests) }},
		{"errors_connect", "failed: no connection", func(r *row) string { return count(r.cell.Errors.Connect) }},
		{"errors_timeout", "failed: timeout", func(r *row) string { return count(r.cell.Errors.Timeout) }},
		{"errors_reset", "failed: connection ended early", func(r *row) string { return count(r.cell.Errors.Reset) }},
		{"errors_status", "failed: wrong status", func(r *row) string { return count(r.cell.Errors.Status) }},
		{"errors_body", "failed: wrong body", func(r *row) string { return count(r.cell.Errors.Body) }},
		{"error_rate", "failed over sent, 0 to 1", func(r *row) string { return number(r.cell.ErrorRate) }},
		{"offered_rps", "rate that the schedules placed in the windows, 0 in a closed loop", func(r *row) string { return number(r.cell.OfferedRPS) }},
		{"achieved_rps", "rate sent inside the windows", func(r *row) string { return number(r.cell.AchievedRPS) }},
	},
	figures(sample.CPUPerRequest, sample.Memory),
	[]column{
		{"memory_kind", "pss or rss", func(r *row) string { return r.cell.MemoryKind }},
		{"threads", "most threads seen", func(r *row) string { return strconv.Itoa(r.cell.Threads) }},
		{"processes", "most processes seen", func(r *row) string { return strconv.Itoa(r.cell.Processes) }},
		{"generator_cpu", "share of the generator's cores, 0 to 1", func(r *row) string { return number(r.cell.GeneratorCPU) }},
		{"littles_law", "requests in flight over connections; 0 in an open loop", func(r *row) string { return number(r.cell.LittlesLaw) }},
		{"gates", "gates that fired, name:starts, separated by spaces", func(r *row) string { return gates(r.cell.Gates) }},
		{"delivered", "open loop: share of the schedule that was sent inside the windows, 0 to 1; empty in a closed loop", delivered},
	},
	figures(sample.Mean, sample.P95),
	[]column{
		{"odd", "what is odd about the latencies, separated by spaces", odd},
	},
)

func delivered(r *row) string {
	if r.cell.OfferedRPS == 0 {
		return ""
	}
	return number(r.cell.Delivered)
}

func odd(r *row) string {
	var names []string
	for _, o := range r.cell.Odd {
		names = append(names, string(o))
	}
	return strings.Join(names, " ")
}

// figures are the columns of metrics.
func figures(metrics ...*sample.Metric) (out []column) {
	for _, m := range metrics {
		out = append(out, figure(m)...)
	}
	return out
}

// later are the metrics without columns among these.
func later(columns []column) []*sample.Metric {
	return slices.DeleteFunc(sample.OfCells(), func(m *sample.Metric) bool {
		return slices.ContainsFunc(columns, func(c column) bool { return c.name == m.Key })
	})
}

// figure is four columns: the value, its interval, the level of that.
func figure(m *sample.Metric) (out []column) {
	for _, c := range []struct {
		suffix, about string
		part          func(*report.Estimate) float64
	}{
		{"", m.About, func(e *report.Estimate) float64 { return e.Mid }},
		{"_low", "lower end of its interval", func(e *report.Estimate) float64 { return e.Low }},
		{"_high", "upper end of its interval", func(e *report.Estimate) float64 { return e.High }},
		{"_confidence", "level of its interval, 0 for none", func(e *report.Estimate) float64 { return e.Confidence }},
	} {
		out = append(out, column{name: m.Key + c.suffix, about: c.about, of: func(r *row) string {
			if e := r.cell.Of(m); e != nil {
				return number(c.part(e))
			}
			return ""
		}})
	}
	return out
}

// Write writes a header and one row a cell, in the document's order.
func Write(w io.Writer, d *report.Document) error {
	out := csv.NewWriter(w)
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = c.name
	}
	rows := [][]string{header}
	for i := range d.Cells {
		c := &d.Cells[i]
		r := row{d, d.Arm(c.Arm), d.Level(c.Level), c}
		fields := make([]string, len(columns))
		for j, col := range columns {
			fields[j] = col.of(&r)
		}
		rows = append(rows, fields)
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func count(n uint64) string { return strconv.FormatUint(n, 10) }

// text keeps a spreadsheet from taking outside text for a formula.
func text(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// name is that of an arm or a server, with "-server" behind one that pandas and
// R would read as a missing value, such as null.
func name(s string) string {
	base, rest := s, ""
	if i := strings.IndexAny(s, "~:"); i >= 0 {
		base, rest = s[:i], s[i:]
	}
	switch strings.ToLower(base) {
	case "null", "none", "nan", "na", "nil":
		base += "-server"
	}
	return text(base + rest)
}

func gates(all []report.GateCount) string {
	var s []string
	for _, g := range all {
		s = append(s, fmt.Sprintf("%s:%d", g.Name, g.Count))
	}
	return text(strings.Join(s, " "))
}
