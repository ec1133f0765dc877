package plot

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
)

// typeface is the font file that the pictures use.
func typeface(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	face := font.DefaultCache.Lookup(writing(10, ink, 0, 0).Font, 10)
	_, err := face.Face.WriteSourceTo(nil, &b)
	require.NoError(t, err)
	return b.Bytes()
}

// glyph is the outline of a character and how far it moves the pen.
func glyph(t *testing.T, file []byte, r rune) (sfnt.Segments, fixed.Int26_6) {
	t.Helper()
	f, err := sfnt.Parse(file)
	require.NoError(t, err)
	var buf sfnt.Buffer
	g, err := f.GlyphIndex(&buf, r)
	require.NoError(t, err)
	require.NotZero(t, g)
	segments, err := f.LoadGlyph(&buf, g, fixed.I(1000), nil)
	require.NoError(t, err)
	var width sfnt.Buffer
	advance, err := f.GlyphAdvance(&width, g, fixed.I(1000), 0)
	require.NoError(t, err)
	return append(sfnt.Segments(nil), segments...), advance
}

func TestSubsetKeepsWhatIsUsed(t *testing.T) {
	whole := typeface(t)
	cut, err := subset(whole, "node é µs 12")
	require.NoError(t, err)
	assert.Less(t, len(cut), len(whole)/4)
	for _, r := range "odé12µ" { // é is made of two other glyphs
		want, wide := glyph(t, whole, r)
		got, advance := glyph(t, cut, r)
		assert.Equal(t, want, got, "%c", r)
		assert.NotEmpty(t, got, "%c", r)
		assert.Equal(t, wide, advance, "%c", r)
	}
	for _, r := range "QZñ" {
		got, _ := glyph(t, cut, r)
		assert.Empty(t, got, "%c is not used", r)
	}
	// The sum over a whole font file, its own entry included, is a constant of the format.
	assert.Equal(t, uint32(0xB1B0AFBA), checksum(cut))
}

func TestSubsetOfADamagedFont(t *testing.T) {
	whole := typeface(t)
	for n := 0; n < len(whole); n += 1 + n/3 {
		assert.NotPanics(t, func() {
			_, err := subset(whole[:n], "a")
			assert.Error(t, err, "cut off at %d", n)
		})
	}
	for at := 12; at < 300; at += 5 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0xff
		assert.NotPanics(t, func() { _, _ = subset(damaged, "é") })
	}
	svg := []byte("<svg>url(data:font/ttf;charset=utf-8;base64,AAAA)</svg>")
	assert.Equal(t, svg, lighten(svg), "a font that cannot be cut stays")
}
