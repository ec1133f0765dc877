package benchfmt_test

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/benchfmt"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

// line is what the format's specification calls a benchmark result line.
var line = regexp.MustCompile(`^Benchmark[^a-z\s]\S* [1-9][0-9]*( [0-9.e+-]+ \S+)+$`)

func TestWrite(t *testing.T) {
	doc, err := report.Build(synthetic.Run(4, false))
	require.NoError(t, err)
	doc.Cells[0].Arm = "node-http:route=/io?ms=50 x"
	var b bytes.Buffer
	require.NoError(t, benchfmt.Write(&b, doc))
	head, results, points := 0, 0, 0
	for l := range strings.Lines(b.String()) {
		l = strings.TrimSuffix(l, "\n")
		if !strings.HasPrefix(l, "Benchmark") {
			head++
			assert.Regexp(t, `^[a-z]+: \S`, l)
			continue
		}
		results++
		assert.Regexp(t, line, l)
		for i, f := range strings.Fields(l)[2:] {
			if i%2 == 0 {
				_, err := strconv.ParseFloat(f, 64)
				assert.NoError(t, err, l)
			}
		}
	}
	for _, c := range doc.Cells {
		points += len(c.Points)
	}
	assert.Equal(t, points, results)
	assert.Positive(t, head)
	assert.Contains(t, b.String(), "arm=node-http:route=|io?ms=50_x/level=")
}
