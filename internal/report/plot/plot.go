// Package plot draws the charts of a report as SVG, PNG and PDF, all from one
// description. A picture must stand alone: it names what is measured, on what
// machine, with how many blocks, draws every interval, shows every start, and
// tells arms apart by shape and dash as well as by color. It computes no
// figure and leaves out what is not a finite number.
package plot

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
)

// Formats are the formats that Write knows, as file extensions.
var Formats = []string{"svg", "png", "pdf"}

// dpi of a PNG: two pixels to one of a plain screen.
const dpi = 144

// width of every picture; its height follows from what it holds.
const width = 9 * vg.Inch

// Write draws one chart of the document. The same document gives the same
// bytes. A chart without anything to draw is a picture that says so.
func Write(w io.Writer, d *report.Document, chart *report.Chart, format string) error {
	p := newPicture(d, chart)
	var out bytes.Buffer
	var err error
	switch format {
	case "svg":
		c := newSVG(width, p.height, "chart", show.Text(chart.Title))
		p.draw(draw.NewCanvas(c, width, p.height))
		out.WriteString(c.String())
	case "png":
		c := vgimg.NewWith(vgimg.UseWH(width, p.height), vgimg.UseDPI(dpi))
		p.draw(draw.New(c))
		_, err = vgimg.PngCanvas{Canvas: c}.WriteTo(&out)
	case "pdf":
		c := newPDF(width, p.height, d.Asked.Start)
		p.draw(draw.New(c))
		_, err = c.WriteTo(&out)
	default:
		return fmt.Errorf("plot %s: unknown format %q (known: svg, png, pdf)", chart.Name, format)
	}
	if err == nil {
		_, err = w.Write(out.Bytes())
	}
	if err != nil {
		return fmt.Errorf("plot %s as %s: %w", chart.Name, format, err)
	}
	return nil
}

// pdf is a PDF canvas that takes UTF-8 text. The canvas beneath draws every
// byte of a string as one character of code page 1252.
type pdf struct{ *vgpdf.Canvas }

// pdfDefaults guards the defaults of the PDF library, which are global.
var pdfDefaults sync.Mutex

// newPDF has the time of the run as its date, so that the same run gives the
// same bytes.
func newPDF(w, h vg.Length, at time.Time) pdf {
	pdfDefaults.Lock()
	defer pdfDefaults.Unlock()
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	fpdf.SetDefaultCreationDate(at.UTC())
	fpdf.SetDefaultModificationDate(at.UTC())
	fpdf.SetDefaultCatalogSort(true)
	defer fpdf.SetDefaultCreationDate(time.Time{})
	defer fpdf.SetDefaultModificationDate(time.Time{})
	return pdf{vgpdf.New(w, h)}
}

// FillString draws text; what code page 1252 lacks becomes a question mark.
func (c pdf) FillString(f font.Face, pt vg.Point, text string) {
	var b []byte
	for _, r := range text {
		char, ok := charmap.Windows1252.EncodeRune(r)
		if !ok {
			char = '?'
		}
		b = append(b, char)
	}
	c.Canvas.FillString(f, pt, string(b))
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
