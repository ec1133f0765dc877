package plot_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/plot"
	"github.com/hellobench/hellobench/internal/report/synthetic"
	"github.com/hellobench/hellobench/internal/sample"
)

func document(t *testing.T, change func(*record.Run)) *report.Document {
	t.Helper()
	run, trials, verdicts := synthetic.Run(6, true)
	if change != nil {
		change(run)
	}
	d, err := synthetic.Document(run, trials, verdicts)
	require.NoError(t, err)
	return d
}

// draw returns the bytes, which must be the same twice. With PLOT_DIR set the
// picture is written there too, to be looked at.
func draw(t *testing.T, d *report.Document, c *report.Chart, format string) []byte {
	t.Helper()
	var first, second bytes.Buffer
	require.NoError(t, plot.Write(&first, d, c, format))
	require.NoError(t, plot.Write(&second, d, c, format))
	assert.True(t, bytes.Equal(first.Bytes(), second.Bytes()), "%s.%s differs from itself", c.Name, format)
	if dir := os.Getenv("PLOT_DIR"); dir != "" {
		name := strings.ReplaceAll(t.Name(), "/", "_") + "-" + c.Name + "." + format
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), first.Bytes(), 0o644))
	}
	return first.Bytes()
}

func chart(t *testing.T, d *report.Document, name string) *report.Chart {
	t.Helper()
	for i := range d.Charts {
		if d.Charts[i].Name == name {
			return &d.Charts[i]
		}
	}
	require.Fail(t, "no chart "+name)
	return nil
}

// texts are the text elements of an SVG, which must be well formed.
func texts(t *testing.T, svg []byte) []string {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(svg))
	var out []string
	inside := false
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		switch v := token.(type) {
		case xml.StartElement:
			inside = v.Name.Local == "text"
		case xml.EndElement:
			inside = false
		case xml.CharData:
			if inside {
				out = append(out, string(v))
			}
		}
	}
}

// ink is the share of pixels that are not white; nothing may touch the edge.
func ink(t *testing.T, data []byte) (float64, image.Point) {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	b := img.Bounds()
	dark, edge := 0, 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA()
			if r > 0xf000 && g > 0xf000 && bl > 0xf000 {
				continue
			}
			dark++
			if x < b.Min.X+4 || y < b.Min.Y+4 || x >= b.Max.X-4 || y >= b.Max.Y-4 {
				edge++
			}
		}
	}
	assert.Zero(t, edge, "something is cut off at the edge")
	return float64(dark) / float64(b.Dx()*b.Dy()), b.Size()
}

func TestEveryChartInEveryFormat(t *testing.T) {
	d := document(t, func(r *record.Run) { r.Quotable = false })
	assert.Equal(t, 9, len(d.Charts))
	for i := range d.Charts {
		c := &d.Charts[i]
		t.Run(c.Name, func(t *testing.T) {
			svg := draw(t, d, c, "svg")
			all := strings.Join(texts(t, svg), "\n")
			wanted := []string{c.Title, "QUICK LOOK, NOT FOR QUOTING", "PARTIAL RUN", "AMD EPYC 7B13, 2 cores", "Engine wire. 6 blocks."}
			switch c.Quantity {
			case report.OfAnswers:
				wanted = append(wanted, "node-many-connections: supported", "node-faster: depends", "python-gil: inconclusive", "Red stroke: what the claim asks for")
			case report.OfParts, report.OfWindows:
				wanted = append(wanted, "node-http", "flask-gunicorn-gthread")
			default:
				wanted = append(wanted, "node-http", "flask-gunicorn-gthread", "interval; faint dot: one start")
			}
			for _, want := range wanted {
				assert.Contains(t, strings.ReplaceAll(all, "\n", " "), want)
			}
			assert.NotContains(t, all, "node-http-again")
			for _, bad := range []string{"@font-face", " style=", " id="} {
				assert.NotContains(t, string(svg), bad)
			}
			assert.NotRegexp(t, `\d\.\d{3}[^<]*[" ]`, regexp.MustCompile(`>[^<]*<`).ReplaceAllString(string(svg), "><"), "two decimals say where a point is")
			assert.NotContains(t, string(svg), "NaN")
			assert.Less(t, len(svg), 250<<10, "a picture for a web page")

			share, size := ink(t, draw(t, d, c, "png"))
			assert.Equal(t, 1296, size.X)
			assert.Greater(t, size.Y, 400)
			assert.Greater(t, share, 0.01)
			assert.Less(t, share, 0.2)

			pdf := draw(t, d, c, "pdf")
			assert.True(t, bytes.HasPrefix(pdf, []byte("%PDF-")))
			assert.Contains(t, string(pdf), "/CreationDate (D:20250314092653)", "the date of the run, not of today")
		})
	}
}

func TestScaleFollowsTheSpread(t *testing.T) {
	d := document(t, nil)
	c := chart(t, d, "throughput")
	assert.Contains(t, texts(t, draw(t, d, c, "svg")), "Correct responses (req/s, log scale)")
	assert.NotContains(t, texts(t, draw(t, d, c, "svg")), "0")

	d = document(t, func(r *record.Run) {
		for i := range r.Arms { // leave the three that lie within a factor of eight
			if n := r.Arms[i].Name; n != "node-http" && n != "node-express" && n != "asyncio-uvloop" {
				r.Arms[i].Replicate = "node-http"
			}
		}
	})
	c = chart(t, d, "throughput")
	labels := texts(t, draw(t, d, c, "svg"))
	assert.Contains(t, labels, "Correct responses (req/s)")
	assert.Contains(t, labels, "0")
	assert.Contains(t, labels, "40,000")
	for _, level := range []string{"1", "16", "64", "256", "1,024", "4,096"} {
		assert.Contains(t, labels, level)
	}
	draw(t, d, c, "png")
}

// estimates that a hand-made document may hold.
func oddPoints() []report.Point {
	nan, inf := math.NaN(), math.Inf(1)
	var pts []report.Point
	for i, v := range []float64{nan, inf, -inf, 0, -1, 5} {
		for _, w := range []float64{nan, inf, -inf, 0, 7} {
			pts = append(pts, report.Point{
				X: float64(i), Y: report.Estimate{Mid: v, Low: w, High: w, Confidence: 0.95}, Blocks: []float64{v, w},
			}, report.Point{X: w, Y: report.Estimate{Mid: 5}})
		}
	}
	return pts
}

func TestNothingOddCrashes(t *testing.T) {
	d := document(t, nil)
	for _, kind := range []string{"lines", "dots"} {
		for _, log := range []bool{true, false} {
			for _, unit := range []sample.Unit{sample.Seconds, ""} {
				c := &report.Chart{Name: fmt.Sprintf("odd-%s-%v", kind, log), Kind: kind, Title: "Odd", Y: report.Axis{Unit: unit, Log: log}}
				for i, p := range oddPoints() {
					c.Series = append(c.Series, report.Series{Arm: fmt.Sprint("arm", i%5), Style: i - 3, Points: []report.Point{p}})
				}
				c.Series = append(c.Series, report.Series{Arm: "all", Points: oddPoints()})
				var b bytes.Buffer
				require.NotPanics(t, func() { require.NoError(t, plot.Write(&b, d, c, "svg")) })
				assert.NotContains(t, b.String(), "NaN")
				assert.NotContains(t, b.String(), "Inf")
			}
		}
	}
}

func TestEdges(t *testing.T) {
	d := document(t, nil)
	empty := &report.Chart{Name: "empty", Kind: "lines", Title: "Empty"}
	assert.Contains(t, texts(t, draw(t, d, empty, "svg")), "Nothing was measured that could be drawn here.")

	one := &report.Chart{
		Name: "one", Kind: "lines", Title: "One <point> & a very " + strings.Repeat("long ", 60) + "title", Y: report.Axis{Unit: "req/s"},
		Series: []report.Series{{Arm: strings.Repeat("long-name-", 30), Points: []report.Point{{X: 64, Y: report.Estimate{Mid: 3, Low: 3, High: 3}, Bound: true}}}},
	}
	share, _ := ink(t, draw(t, d, one, "png"))
	assert.Greater(t, share, 0.005)
	texts(t, draw(t, d, one, "svg"))

	require.ErrorContains(t, plot.Write(io.Discard, d, one, "gif"), `unknown format "gif"`)
	require.ErrorContains(t, plot.Write(full{}, d, one, "svg"), "disk full")
}

// TestEndlessInterval is what two blocks that differ give.
func TestEndlessInterval(t *testing.T) {
	d := document(t, nil)
	for _, log := range []bool{true, false} {
		c := &report.Chart{
			Name: fmt.Sprintf("endless-%v", log), Kind: "lines", Title: "Endless", X: report.Axis{Label: "Connections"}, Y: report.Axis{Label: "y", Unit: "req/s", Log: log},
			Series: []report.Series{{Arm: "a", Points: []report.Point{
				{X: 1, Y: report.Estimate{Mid: 100, Low: 1e-9, High: 1e9, Confidence: 0.95}},
				{X: 2, Y: report.Estimate{Mid: 120, Low: 0, High: 200, Confidence: 0.95}},
			}}},
		}
		labels := texts(t, draw(t, d, c, "svg"))
		assert.Contains(t, strings.Join(labels, " "), "A bar without a cap reaches beyond the chart.")
		assert.Contains(t, labels, "100", "the marks decide the range of the axis")
		assert.NotContains(t, labels, "1,000,000,000")
		ink(t, draw(t, d, c, "png"))
	}
}

// TestManyArms has more arms than colors.
func TestManyArms(t *testing.T) {
	d := document(t, nil)
	c := &report.Chart{
		Name: "many", Kind: "lines", Title: "Throughput against connections, 16 arms", X: report.Axis{Label: "Connections", Log: true},
		Y: report.Axis{Label: "Correct responses", Unit: "req/s", Log: true},
	}
	for i := range 16 {
		s := report.Series{Arm: fmt.Sprintf("server-in-production-%d", i), Style: i}
		for j, x := range []float64{1, 16, 64, 256, 1000, 1024, 10000} {
			y := 300 * math.Pow(1.4, float64(i)) * (1 + 0.2*float64(j))
			s.Points = append(s.Points, report.Point{X: x, Y: report.Estimate{Mid: y, Low: y * 0.9, High: y * 1.1, Confidence: 0.95}, Bound: i == 15})
		}
		c.Series = append(c.Series, s)
	}
	labels := texts(t, draw(t, d, c, "svg"))
	for i := range 16 {
		assert.Contains(t, labels, fmt.Sprintf("server-in-production-%d", i))
	}
	assert.Contains(t, strings.Join(labels, " "), "Arrow: a lower bound")
	ink(t, draw(t, d, c, "png"))
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }
