package table

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/hellobench/hellobench/internal/report/show"
)

// Columns of text are never wrapped to less than this; those that name a row
// not to less than what most names take.
const (
	narrowest    = 14
	narrowestKey = 24
)

// split wraps the columns of text so that the grid fits, and where that is not
// enough cuts the grid into several that repeat the leading columns.
func split(g *show.Grid) []*show.Grid {
	widths := natural(g)
	shrink(g, widths)
	if total(widths) <= Width {
		return []*show.Grid{wrapped(g, widths)}
	}
	var parts []*show.Grid
	keys := make([]int, min(g.Keys, len(g.Head)))
	for i := range keys {
		keys[i] = i
	}
	columns := slices.Clone(keys)
	for i := len(keys); i < len(g.Head); i++ {
		if len(columns) > len(keys) && total(pick(widths, append(slices.Clone(columns), i))) > Width {
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
func shrink(g *show.Grid, widths []int) {
	for total(widths) > Width {
		widest := -1
		for i, w := range widths {
			least := narrowest
			if i < g.Keys {
				least = narrowestKey
			}
			if !g.Right[i] && w > least && (widest < 0 || w > widths[widest]) {
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
	out := &show.Grid{Title: g.Title, Keys: g.Keys, Head: g.Head, Right: g.Right}
	for _, row := range g.Rows {
		cells := make([]string, len(row))
		for i, s := range row {
			cells[i] = strings.Join(wrap(s, widths[i]), "\n")
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
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
