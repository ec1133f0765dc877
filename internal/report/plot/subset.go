package plot

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"math/bits"
	"slices"

	"golang.org/x/image/font/sfnt"
)

// fontData stands in front of the fonts that gonum puts into an SVG, and
// fontEnd behind them.
var (
	fontData = []byte("data:font/ttf;charset=utf-8;base64,")
	fontEnd  = []byte(")")
)

// lighten replaces the fonts in an SVG by the part of them that its text needs;
// a whole one takes half a megabyte. Where a font cannot be cut it stays whole.
func lighten(svg []byte) []byte {
	var between, fonts [][]byte
	for rest := svg; ; {
		before, behind, found := bytes.Cut(rest, fontData)
		between = append(between, before)
		if !found {
			break
		}
		data, _, _ := bytes.Cut(behind, fontEnd)
		fonts = append(fonts, data)
		rest = behind[len(data):]
	}
	used := html.UnescapeString(string(bytes.Join(between, nil))) // text and markup, which is ASCII
	out := slices.Clone(between[0])
	for i, data := range fonts {
		out = append(out, fontData...)
		whole, err := base64.StdEncoding.DecodeString(string(data))
		if err == nil {
			whole, err = subset(whole, used)
		}
		if err == nil {
			data = base64.StdEncoding.AppendEncode(nil, whole)
		}
		out = append(append(out, data...), between[i+1]...)
	}
	return out
}

// kept are the tables of a TrueType font that a browser draws with. Kerning
// and substitution are not among them, for gonum measures text without them.
var kept = []string{"OS/2", "cmap", "cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "name", "post", "prep"}

var errFont = errors.New("not a TrueType font that can be cut")

// subset empties the outlines of all glyphs that text does not use. Glyphs
// keep their numbers, so that no other table has to change.
func subset(font []byte, text string) ([]byte, error) {
	tables, err := tablesOf(font)
	if err != nil {
		return nil, err
	}
	head, loca, glyf := tables["head"], tables["loca"], tables["glyf"]
	if len(head) < 52 || len(loca) < 4 || len(glyf) == 0 {
		return nil, errFont
	}
	offsets := offsetsOf(loca, binary.BigEndian.Uint16(head[50:]) == 1)
	for i := 1; i < len(offsets); i++ {
		if offsets[i] < offsets[i-1] || int(offsets[i]) > len(glyf) {
			return nil, errFont
		}
	}
	want, err := glyphsOf(font, text)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(want); i++ { // grows: glyphs made of others need those too
		if g := int(want[i]); g+1 < len(offsets) {
			for _, part := range components(glyf[offsets[g]:offsets[g+1]]) {
				if !slices.Contains(want, part) {
					want = append(want, part)
				}
			}
		}
	}
	var outlines, long []byte
	for g := range offsets {
		long = binary.BigEndian.AppendUint32(long, uint32(len(outlines)))
		if g+1 < len(offsets) && slices.Contains(want, uint16(g)) {
			outlines = append(outlines, glyf[offsets[g]:offsets[g+1]]...)
			outlines = append(outlines, make([]byte, -len(outlines)&3)...)
		}
	}
	head = slices.Clone(head)
	binary.BigEndian.PutUint16(head[50:], 1) // long offsets
	binary.BigEndian.PutUint32(head[8:], 0)  // checksum of the whole, set below
	tables["head"], tables["loca"], tables["glyf"] = head, long, outlines
	return assemble(tables), nil
}

// tablesOf splits a font file: a header of 12 bytes, then one entry of 16 a table.
func tablesOf(font []byte) (map[string][]byte, error) {
	if len(font) < 12 {
		return nil, errFont
	}
	n := int(binary.BigEndian.Uint16(font[4:]))
	if len(font) < 12+16*n {
		return nil, errFont
	}
	tables := map[string][]byte{}
	for i := range n {
		entry := font[12+16*i:]
		from, size := uint64(binary.BigEndian.Uint32(entry[8:])), uint64(binary.BigEndian.Uint32(entry[12:]))
		if from+size > uint64(len(font)) {
			return nil, errFont
		}
		if tag := string(entry[:4]); slices.Contains(kept, tag) {
			tables[tag] = font[from : from+size]
		}
	}
	return tables, nil
}

func offsetsOf(loca []byte, long bool) []uint32 {
	var out []uint32
	if long {
		for ; len(loca) >= 4; loca = loca[4:] {
			out = append(out, binary.BigEndian.Uint32(loca))
		}
		return out
	}
	for ; len(loca) >= 2; loca = loca[2:] {
		out = append(out, 2*uint32(binary.BigEndian.Uint16(loca)))
	}
	return out
}

// glyphsOf are the glyphs of the text, and glyph 0, which stands for what is missing.
func glyphsOf(font []byte, text string) ([]uint16, error) {
	f, err := sfnt.Parse(font)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFont, err)
	}
	var buf sfnt.Buffer
	want := []uint16{0}
	seen := map[rune]bool{}
	for _, r := range text {
		if seen[r] {
			continue
		}
		seen[r] = true
		g, err := f.GlyphIndex(&buf, r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errFont, err)
		}
		if !slices.Contains(want, uint16(g)) {
			want = append(want, uint16(g))
		}
	}
	return want, nil
}

// components are the glyphs that a composite glyph is made of.
func components(glyph []byte) []uint16 {
	const (
		words, scale, more, twoScales, matrix = 0x1, 0x8, 0x20, 0x40, 0x80
	)
	if len(glyph) < 10 || int16(binary.BigEndian.Uint16(glyph)) >= 0 {
		return nil
	}
	var out []uint16
	for rest := glyph[10:]; len(rest) >= 4; {
		flags := binary.BigEndian.Uint16(rest)
		out = append(out, binary.BigEndian.Uint16(rest[2:]))
		size := 6
		if flags&words != 0 {
			size = 8
		}
		switch {
		case flags&scale != 0:
			size += 2
		case flags&twoScales != 0:
			size += 4
		case flags&matrix != 0:
			size += 8
		}
		if flags&more == 0 || size > len(rest) {
			break
		}
		rest = rest[size:]
	}
	return out
}

// assemble writes a font file, tables in the order of their tags.
func assemble(tables map[string][]byte) []byte {
	var tags []string
	for _, tag := range kept {
		if tables[tag] != nil {
			tags = append(tags, tag)
		}
	}
	n := len(tags)
	power := bits.Len(uint(n)) - 1
	out := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, 16 << power, power, 16*n - 16<<power} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	at := 12 + 16*n
	var body []byte
	headAt := 0
	for _, tag := range tags {
		data := tables[tag]
		if tag == "head" {
			headAt = at + len(body)
		}
		out = append(out, tag...)
		for _, v := range []uint32{checksum(data), uint32(at + len(body)), uint32(len(data))} {
			out = binary.BigEndian.AppendUint32(out, v)
		}
		body = append(body, data...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	out = append(out, body...)
	binary.BigEndian.PutUint32(out[headAt+8:], 0xB1B0AFBA-checksum(out))
	return out
}

// checksum adds the words of a table, as the format asks for.
func checksum(data []byte) uint32 {
	var sum uint32
	for i, b := range data {
		sum += uint32(b) << (24 - 8*(i%4))
	}
	return sum
}
