package plot

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// palette is the one of Okabe and Ito (2008), which color-blind readers can
// tell apart, without its yellow, which is too light for lines on white.
var palette = []color.NRGBA{
	{R: 0x00, G: 0x72, B: 0xB2, A: 0xff}, // blue
	{R: 0xE6, G: 0x9F, B: 0x00, A: 0xff}, // orange
	{R: 0x00, G: 0x9E, B: 0x73, A: 0xff}, // bluish green
	{R: 0xD5, G: 0x5E, B: 0x00, A: 0xff}, // vermilion
	{R: 0xCC, G: 0x79, B: 0xA7, A: 0xff}, // reddish purple
	{R: 0x56, G: 0xB4, B: 0xE9, A: 0xff}, // sky blue
	{R: 0x00, G: 0x00, B: 0x00, A: 0xff}, // black
}

var (
	ink   = color.NRGBA{R: 0x1a, G: 0x1a, B: 0x1a, A: 0xff}
	muted = color.NRGBA{R: 0x55, G: 0x55, B: 0x55, A: 0xff}
	rule  = color.NRGBA{R: 0xdd, G: 0xdd, B: 0xdd, A: 0xff}
	alarm = color.NRGBA{R: 0xB0, G: 0x1E, B: 0x00, A: 0xff}
)

// dashes tell the lines of arms apart in black and white.
var dashes = [][]vg.Length{
	nil,
	{vg.Points(7), vg.Points(3)},
	{vg.Points(2), vg.Points(2)},
	{vg.Points(8), vg.Points(2), vg.Points(2), vg.Points(2)},
	{vg.Points(12), vg.Points(3)},
}

// dashedTail is the line of a p99, beside the solid one of the p50.
var dashedTail = []vg.Length{vg.Points(5), vg.Points(3)}

// look is how one arm appears in every chart.
type look struct {
	color  color.NRGBA
	shape  []vg.Point // on the unit circle; nil for a circle
	dashes []vg.Length
}

// lookOf is the look of a style: no two of the first 49 have the same color and
// shape, no two of the first 35 the same color and dash. After each round of
// colors they meet the shapes two further on, and the dashes one.
func lookOf(style int) look {
	style = max(style, 0)
	round := style / len(palette)
	hue := (style + 2*round) % len(palette)
	dash := (hue + hue/len(dashes)*2 + round) % len(dashes)
	return look{color: palette[hue], shape: shapes[style%len(shapes)], dashes: dashes[dash]}
}

// faint is mixed with white, not transparent, for a PDF knows no transparency.
func (l look) faint() color.NRGBA {
	mix := func(v uint8) uint8 { return 0xff - uint8(int(0xff-v)*0x60/0xff) }
	return color.NRGBA{R: mix(l.color.R), G: mix(l.color.G), B: mix(l.color.B), A: 0xff}
}

// shapes are the marks; they alone tell arms of the same color apart.
var shapes = [][]vg.Point{
	nil, polygon(4, 45), polygon(3, 90), polygon(4, 0), polygon(3, -90), bars(45), bars(0),
}

// polygon is a regular one with a corner at the angle in degrees.
func polygon(corners int, at float64) []vg.Point {
	pts := make([]vg.Point, corners)
	for i := range pts {
		a := (at + 360*float64(i)/float64(corners)) * math.Pi / 180
		pts[i] = vg.Point{X: 1.15 * vg.Length(math.Cos(a)), Y: 1.15 * vg.Length(math.Sin(a))}
	}
	return pts
}

// bars is the outline of a plus sign, turned by an angle in degrees.
func bars(turn float64) []vg.Point {
	const long, thick = 1.15, 0.38
	var pts []vg.Point
	for quarter := range 4 {
		for _, p := range [][2]float64{{long, -thick}, {long, thick}, {thick, thick}} {
			a := (turn+90*float64(quarter))*math.Pi/180 + math.Atan2(p[1], p[0])
			r := math.Hypot(p[0], p[1])
			pts = append(pts, vg.Point{X: vg.Length(r * math.Cos(a)), Y: vg.Length(r * math.Sin(a))})
		}
	}
	return pts
}

// mark draws the shape of an arm, hollow for a p99.
func (l look) mark(c draw.Canvas, at vg.Point, radius vg.Length, hollow bool) {
	var path vg.Path
	if l.shape == nil {
		path.Move(vg.Point{X: at.X + radius, Y: at.Y})
		path.Arc(at, radius, 0, 2*math.Pi)
	}
	for i, p := range l.shape {
		q := at.Add(vg.Point{X: p.X * radius, Y: p.Y * radius})
		if i == 0 {
			path.Move(q)
		} else {
			path.Line(q)
		}
	}
	path.Close()
	c.SetLineDash(nil, 0)
	if hollow {
		c.SetColor(color.White)
		c.Fill(path)
		c.SetColor(l.color)
		c.SetLineWidth(vg.Points(1.3))
		c.Stroke(path)
		return
	}
	c.SetColor(l.color)
	c.Fill(path)
	c.SetColor(color.White) // a rim that parts marks that touch
	c.SetLineWidth(vg.Points(0.6))
	c.Stroke(path)
}

// sample is a piece of line with a mark, to the right of a place.
func (l look) sample(c draw.Canvas, at vg.Point) {
	end := at.X + vg.Points(sampleSize)
	c.StrokeLine2(draw.LineStyle{Color: l.color, Width: vg.Points(1.6), Dashes: l.dashes}, at.X, at.Y, end, at.Y)
	l.mark(c, vg.Point{X: (at.X + end) / 2, Y: at.Y}, vg.Points(4), false)
}

// Swatch is an SVG of a style's line and mark, for the legend of a page.
func Swatch(style int) string {
	const height = 12
	c := newSVG(sampleSize, height, "swatch", "")
	lookOf(style).sample(draw.NewCanvas(c, sampleSize, height), vg.Point{Y: height / 2})
	return c.String()
}

// writing is a text style in the one typeface of all pictures.
func writing(size float64, c color.Color, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color: c, XAlign: x, YAlign: y,
		Font:    font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, vg.Points(size)),
		Handler: text.Plain{Fonts: font.DefaultCache},
	}
}
