package show_test

import (
	"math"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1.00", 9.996: "10.0", 9.994: "9.99", 42137: "42,100", 999.6: "1,000", 999.4: "999", 0.012345: "0.0123",
		0.00099996: "0.00100", 123456789: "123,000,000", -1234.5: "-1,230", 99950: "100,000", 1e-9: "0.00000000100",
		math.Inf(1): "-", math.NaN(): "-",
	} {
		assert.Equal(t, want, show.Number(v), "%v", v)
	}
}

func TestUnits(t *testing.T) {
	assert.Equal(t, "1.23 ms", show.Seconds(0.001234))
	assert.Equal(t, "12.3 µs", show.Seconds(0.00001234))
	assert.Equal(t, "2.00 s", show.Seconds(2))
	assert.Equal(t, "45.0 ns", show.Seconds(45e-9))
	assert.Equal(t, "0 s", show.Seconds(0))
	assert.Equal(t, "48.0 MiB", show.Bytes(48<<20))
	assert.Equal(t, "8.00 GiB", show.Bytes(8<<30))
	assert.Equal(t, "1.23%", show.Percent(0.0123))
	assert.Equal(t, "1,234,567", show.Count(1234567))
}

func TestEstimates(t *testing.T) {
	e := &report.Estimate{Mid: 0.001234, Low: 0.001189, High: 0.001311, Confidence: 0.95, Blocks: 6}
	assert.Equal(t, "1.23 [1.19, 1.31]", show.Between(e, show.Milliseconds))
	assert.Equal(t, "1.23 ±5.0%", show.PlusMinus(e, show.Milliseconds)) // sqrt(1311/1189) = 1.0500
	e.Confidence = 0.75
	assert.Equal(t, "1.23 [1.19, 1.31]*", show.Between(e, show.Milliseconds))
	one := &report.Estimate{Mid: 42137, Low: 42137, High: 42137, Blocks: 1}
	assert.Equal(t, "42,100", show.PlusMinus(one, show.RequestsPerSecond))
	assert.Equal(t, "42,100", show.Between(one, show.RequestsPerSecond))
	assert.Equal(t, "-", show.PlusMinus(nil, show.Milliseconds))
	assert.Equal(t, "-", show.Between(nil, show.Milliseconds))
	assert.Equal(t, "1.00 ×÷7.5", show.PlusMinus(&report.Estimate{Mid: 1, Low: 1 / 7.5, High: 7.5, Confidence: 0.95, Blocks: 2}, show.Ratio))
	endless := &report.Estimate{Mid: 2740, Low: 1e-9, High: 1e16, Confidence: 0.95, Blocks: 2}
	assert.Equal(t, "2,740 ×÷>100", show.PlusMinus(endless, show.RequestsPerSecond))
	assert.Equal(t, "2,740 [<27.4, >274,000]", show.Between(endless, show.RequestsPerSecond))
	assert.Equal(t, "50.0 ±200%", show.PlusMinus(&report.Estimate{Mid: 50, Low: 0, High: 200, Confidence: 0.95, Blocks: 2}, show.RequestsPerSecond))
}

func TestEffect(t *testing.T) {
	assert.Equal(t, "8.31x [7.90, 8.74]", show.Effect(8.31, 7.9, 8.74))
	assert.Equal(t, "1.02x [0.97, 1.07]", show.Effect(1.02, 0.97, 1.07))
	assert.Equal(t, "2.00x [0.0210, 190]", show.Effect(2, 0.021, 190))
	assert.Equal(t, "200x [2.12, 900]", show.Effect(200, 2.12, 900))
	assert.Equal(t, "1.83x [<0.0183, >183]", show.Effect(1.83, 5e-10, 6e9))
	assert.Equal(t, "2.00x", show.Effect(2, 0, 0))
	assert.Equal(t, "-", show.Effect(0, 0, 0))
}

func TestTextIsPrintable(t *testing.T) {
	assert.Equal(t, `a b \x1b[31m \u202e \xff \x85 é`, show.Text("a\n\t b \x1b[31m \u202e \xff \u0085\té"))
	rapid.Check(t, func(t *rapid.T) {
		for _, r := range show.Text(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q is not printable", r)
			}
		}
	})
}

func TestRankingLine(t *testing.T) {
	d := &report.Document{Rankings: []report.Ranking{{Places: []report.Place{
		{Arm: "a", First: 1, Last: 1}, {Arm: "b", First: 2, Last: 3}, {Arm: "c", First: 2, Last: 3}, {Arm: "d", First: 4, Last: 4},
	}}}}
	assert.Equal(t, "1 a; 2-3 b, c; 4 d", table(t, d, "ranking").Rows[0][3])
}

// table is the one in a report that has an anchor.
func table(t *testing.T, d *report.Document, id string) *show.Grid {
	t.Helper()
	for _, section := range show.Sections(d) {
		for _, item := range section.Items {
			if item.Grid != nil && item.Grid.ID == id {
				return item.Grid
			}
		}
	}
	t.Fatalf("no table %q", id)
	return nil
}
