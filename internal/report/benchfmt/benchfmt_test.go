package benchfmt_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	perf "golang.org/x/perf/benchfmt"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/benchfmt"
	"github.com/hellobench/hellobench/internal/report/synthetic"
	"github.com/hellobench/hellobench/internal/sample"
)

// TestWrite reads the text back as benchstat does.
func TestWrite(t *testing.T) {
	doc, err := synthetic.Document(synthetic.Run(4, false))
	require.NoError(t, err)
	doc.Cells[0].Arm = "node-http:route=/io?ms=50 x"
	results, units := read(t, doc)
	points := 0
	for _, c := range doc.Cells {
		points += len(c.Points)
	}
	require.Len(t, results, points)
	assert.Contains(t, string(results[0].Name), "Server/arm=node-http:route=|io?ms=50_x/level=")
	throughput, ok := results[0].Value("req/s")
	require.True(t, ok)
	assert.InEpsilon(t, doc.Cells[0].Points[0].Of(sample.Throughput), throughput, 1e-5)
	assert.Equal(t, map[string]string{"req/s": "higher", "p50-sec": "lower", "p90-sec": "lower", "p99-sec": "lower", "p99.9-sec": "lower", "cpu-sec/req": "lower", "mean-sec": "lower", "p95-sec": "lower", "memory-bytes": "lower"}, units)
}

// TestTwoRunsStandInOneTable: benchstat makes a table of its own for each
// configuration, so two runs that may be compared must have the same one.
func TestTwoRunsStandInOneTable(t *testing.T) {
	doc, err := synthetic.Document(synthetic.Run(4, false))
	require.NoError(t, err)
	base, _ := read(t, doc)
	doc.Asked.ID = "another"
	head, _ := read(t, doc)
	assert.Equal(t, base[0].Config, head[0].Config)
	doc.Asked.Method = "another"
	other, _ := read(t, doc)
	assert.NotEqual(t, base[0].Config, other[0].Config, "runs of two methods are not to be compared")
}

func read(t *testing.T, doc *report.Document) (results []*perf.Result, units map[string]string) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, benchfmt.Write(&b, doc))
	r := perf.NewReader(&b, "report")
	units = map[string]string{}
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *perf.Result:
			results = append(results, rec.Clone())
		case *perf.UnitMetadata:
			units[rec.OrigUnit] = rec.Value
		default:
			t.Fatalf("%v", rec)
		}
	}
	require.NoError(t, r.Err())
	return results, units
}
