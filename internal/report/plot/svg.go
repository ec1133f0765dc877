package plot

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// families are typefaces as wide as the one that texts are laid out with, so
// that a file needs no font of its own.
const families = "Liberation Sans, Arial, Helvetica, sans-serif"

// svg is a canvas for SVG that stands alone and can be embedded in a page as
// well: it has no identifiers, and no style attribute that a policy of the page
// would have to allow. It draws lines, polygons, circles and text that is not
// turned, which is all that the pictures have, and panics at anything else.
type svg struct {
	out    bytes.Buffer
	height vg.Length
	pen    pen
	saved  []pen
}

type pen struct {
	color  color.Color
	width  vg.Length
	dashes []vg.Length
}

// newSVG begins a picture. The label is what it says to those who do not see
// it; a picture without one is an ornament.
func newSVG(w, h vg.Length, class, label string) *svg {
	c := &svg{height: h}
	role := `aria-hidden="true"`
	if label != "" {
		role = fmt.Sprintf(`role="img" aria-label="%s"`, html.EscapeString(label))
	}
	fmt.Fprintf(&c.out, `<svg xmlns="http://www.w3.org/2000/svg" class="%s" width="%spt" height="%spt" viewBox="0 0 %s %s" font-family="%s" %s>`+"\n",
		class, decimal(w), decimal(h), decimal(w), decimal(h), families, role)
	vg.Initialize(c)
	return c
}

// String ends the picture and returns it.
func (c *svg) String() string { return c.out.String() + "</svg>\n" }

// group marks what is drawn until the end for the script of a page: with a
// class, with the arm that it belongs to, and with a title that says its value.
// Only SVG has groups; on another canvas it does nothing.
func group(c draw.Canvas, class, arm, title string) (end func()) {
	for inner, ok := c.Canvas.(draw.Canvas); ok; inner, ok = c.Canvas.(draw.Canvas) {
		c = inner // a cropped canvas wraps the whole one
	}
	s, ok := c.Canvas.(*svg)
	if !ok {
		return func() {}
	}
	fmt.Fprintf(&s.out, `<g class="%s"`, class)
	if arm != "" {
		fmt.Fprintf(&s.out, ` data-arm="%s"`, html.EscapeString(arm))
	}
	s.out.WriteString(">")
	if title != "" {
		fmt.Fprintf(&s.out, "<title>%s</title>", html.EscapeString(title))
	}
	return func() { s.out.WriteString("</g>\n") }
}

// SetLineWidth implements vg.Canvas.
func (c *svg) SetLineWidth(w vg.Length) { c.pen.width = w }

// SetLineDash implements vg.Canvas; no picture shifts its dashes.
func (c *svg) SetLineDash(pattern []vg.Length, _ vg.Length) { c.pen.dashes = pattern }

// SetColor implements vg.Canvas.
func (c *svg) SetColor(clr color.Color) { c.pen.color = clr }

// Push implements vg.Canvas.
func (c *svg) Push() { c.saved = append(c.saved, c.pen) }

// Pop implements vg.Canvas.
func (c *svg) Pop() {
	last := len(c.saved) - 1
	c.pen, c.saved = c.saved[last], c.saved[:last]
}

// Rotate implements vg.Canvas.
func (c *svg) Rotate(float64) { panic("plot: no picture turns anything") }

// Translate implements vg.Canvas.
func (c *svg) Translate(vg.Point) { panic("plot: no picture moves its origin") }

// Scale implements vg.Canvas.
func (c *svg) Scale(float64, float64) { panic("plot: no picture scales anything") }

// DrawImage implements vg.Canvas.
func (c *svg) DrawImage(vg.Rectangle, image.Image) { panic("plot: no picture holds an image") }

// Stroke implements vg.Canvas.
func (c *svg) Stroke(path vg.Path) {
	if c.pen.width <= 0 {
		return
	}
	dashes := ""
	for i, d := range c.pen.dashes {
		if i > 0 {
			dashes += " "
		}
		dashes += decimal(d)
	}
	if dashes != "" {
		dashes = ` stroke-dasharray="` + dashes + `"`
	}
	c.shape(path, fmt.Sprintf(`fill="none" stroke="%s" stroke-width="%s"%s`, hex(c.pen.color), decimal(c.pen.width), dashes))
}

// Fill implements vg.Canvas.
func (c *svg) Fill(path vg.Path) { c.shape(path, fmt.Sprintf(`fill="%s"`, hex(c.pen.color))) }

func (c *svg) shape(path vg.Path, attributes string) {
	var d strings.Builder
	for _, part := range path {
		x, y := decimal(part.Pos.X), decimal(c.height-part.Pos.Y)
		switch part.Type {
		case vg.MoveComp:
			d.WriteString("M" + x + " " + y)
		case vg.LineComp:
			d.WriteString("L" + x + " " + y)
		case vg.CloseComp:
			d.WriteString("z")
		case vg.ArcComp:
			if math.Abs(part.Angle) < 2*math.Pi {
				panic("plot: no picture has a part of a circle")
			}
			fmt.Fprintf(&c.out, `<circle cx="%s" cy="%s" r="%s" %s/>`, x, y, decimal(part.Radius), attributes)
			return
		default:
			panic("plot: no picture has a curve")
		}
	}
	if d.Len() > 0 {
		fmt.Fprintf(&c.out, `<path d="%s" %s/>`, d.String(), attributes)
	}
}

// FillString implements vg.Canvas. Whatever typeface the reader has, the text
// takes the room that it was given.
func (c *svg) FillString(f font.Face, at vg.Point, text string) {
	fmt.Fprintf(&c.out, `<text x="%s" y="%s" font-size="%s" textLength="%s" lengthAdjust="spacingAndGlyphs" fill="%s">%s</text>`+"\n",
		decimal(at.X), decimal(c.height-at.Y), decimal(f.Font.Size), decimal(f.Width(text)), hex(c.pen.color), html.EscapeString(text))
}

func hex(c color.Color) string {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return fmt.Sprintf("#%02x%02x%02x", n.R, n.G, n.B)
}

// decimal writes a length in points with two decimals at most.
func decimal(l vg.Length) string {
	return strconv.FormatFloat(math.Round(l.Points()*100)/100, 'f', -1, 64)
}
