package table

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/hellobench/hellobench/internal/report/show"
)

// Columns of text are never wrapped to less than this; those that name a row
// not to less than what most names take. Where the page is narrow they share it.
const (
	narrowest    = 12
	narrowestKey = 24
)

// least is the narrowest that a column of text becomes.
func least(g *show.Grid, column, width int) int {
	switch {
	case column < g.Keys && width < Width:
		return min(narrowestKey, 2*width/(5*g.Keys))
	case column < g.Keys:
		return narrowestKey
	default:
		return min(narrowest, width/4)
	}
}

// split wraps the columns of text so that the grid fits, and where that is not
// enough cuts the grid into several that repeat the leading columns.
func split(g *show.Grid, width int) []*show.Grid {
	widths := natural(g)
	shrink(g, widths, width)
	if total(widths) <= width {
		return []*show.Grid{wrapped(g, widths)}
	}
	var parts []*show.Grid
	keys := make([]int, min(g.Keys, len(g.Head)))
	for i := range keys {
		keys[i] = i
	}
	columns := slices.Clone(keys)
	for i := len(keys); i < len(g.Head); i++ {
		if len(columns) > len(keys) && total(pick(widths, append(slices.Clone(columns), i))) > width {
			parts = append(parts, wrapped(only(g, columns), pick(widths, columns)))
			columns = slices.Clone(keys)
		}
		columns = append(columns, i)
	}
	return append(parts, wrapped(only(g, columns), pick(widths, columns)))
}

func natural(g *show.Grid) []int {
	widths := make([]int, len(g.Head))
	for i, h := range g.Head {
		widths[i] = twwidth.Width(h)
		for _, row := range g.Rows {
			widths[i] = max(widths[i], twwidth.Width(row[i]))
		}
	}
	return widths
}

// shrink narrows the widest column of text, again and again.
func shrink(g *show.Grid, widths []int, width int) {
	for total(widths) > width {
		widest := -1
		for i, w := range widths {
			if !g.Right[i] && w > least(g, i, width) && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func total(widths []int) int {
	sum := len(gap) * len(widths)
	for _, w := range widths {
		sum += w
	}
	return sum
}

func pick[T any](from []T, columns []int) []T {
	out := make([]T, len(columns))
	for i, c := range columns {
		out[i] = from[c]
	}
	return out
}

func only(g *show.Grid, columns []int) *show.Grid {
	out := &show.Grid{Title: g.Title, Keys: g.Keys, Head: pick(g.Head, columns), Right: pick(g.Right, columns)}
	for _, row := range g.Rows {
		out.Rows = append(out.Rows, pick(row, columns))
	}
	return out
}

func wrapped(g *show.Grid, widths []int) *show.Grid {
	fit := func(row []string) []string {
		cells := make([]string, len(row))
		for i, s := range row {
			cells[i] = strings.Join(wrap(s, widths[i]), "\n")
		}
		return cells
	}
	out := &show.Grid{Title: g.Title, Keys: g.Keys, Head: fit(g.Head), Right: g.Right}
	for _, row := range g.Rows {
		out.Rows = append(out.Rows, fit(row))
	}
	return out
}

// Cut shortens text to the given columns.
func Cut(text string, columns int) string {
	if twwidth.Width(text) <= columns {
		return text
	}
	return twwidth.Truncate(text, columns, "…")
}

// wrap breaks text into lines of at most width columns, at spaces where it
// can. The first line keeps its indentation, and the others take it over.
func wrap(s string, width int) []string {
	text := strings.TrimLeft(s, " ")
	indent := s[:len(s)-len(text)]
	var lines []string
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && twwidth.Width(line)+1+twwidth.Width(word) > width {
			lines = append(lines, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		for twwidth.Width(line)+twwidth.Width(word) > width {
			n := 0
			for n < len(word) {
				_, size := utf8.DecodeRuneInString(word[n:])
				if n > 0 && twwidth.Width(line)+twwidth.Width(word[:n+size]) > width {
					break
				}
				n += size
			}
			lines = append(lines, line+word[:n])
			line, word = indent, word[n:]
			if word == "" {
				break
			}
		}
		line += word
	}
	return append(lines, line)
}
