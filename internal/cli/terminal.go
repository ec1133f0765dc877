package cli

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/report/table"
)

// terminal is an output that people look at. It can show a line that the next
// one replaces.
type terminal struct {
	file *os.File
	text io.Writer // to the file, without what it would obey
	live bool      // it takes the escape that clears a line

	mu    sync.Mutex
	shown bool
}

// outputOf is the terminal that w is, or what writes plain text to it.
func outputOf(w io.Writer) io.Writer {
	text := &plain{w: w}
	f, ok := w.(*os.File)
	if !ok {
		return text
	}
	if _, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err != nil {
		return text
	}
	term := os.Getenv("TERM")
	return &terminal{file: f, text: text, live: term != "" && term != "dumb" && os.Getenv("NO_COLOR") == ""}
}

// unknownColumns is the width of a terminal that does not tell it.
const unknownColumns = 80

// Columns implements table.Terminal. A window may change its size at any time.
func (t *terminal) Columns() int {
	size, err := unix.IoctlGetWinsize(int(t.file.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return unknownColumns
	}
	return int(size.Col)
}

const clearLine = "\r\x1b[K"

// Write replaces a status.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shown {
		t.shown = false
		if _, err := t.file.WriteString(clearLine); err != nil {
			return 0, err
		}
	}
	return t.text.Write(p)
}

// status shows a line, cut so that it does not wrap, until something else is
// written. An empty one clears it.
func (t *terminal) status(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text == "" && !t.shown {
		return
	}
	t.shown = text != ""
	_, _ = t.file.WriteString(clearLine)
	_, _ = io.WriteString(t.text, table.Cut(text, t.Columns()-1))
}

// columnsOf is how wide a text may be: what is no terminal takes any line whole.
func columnsOf(w io.Writer) int {
	if _, narrow := w.(*terminal); narrow {
		return table.Columns(w)
	}
	return math.MaxInt
}

// writeRows aligns the cells of rows. On a terminal the last cell is wrapped, and
// what finds no room next to the first cell goes below it.
func writeRows(w io.Writer, rows [][]string) error {
	columns := columnsOf(w)
	var widths []int
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		head, last := "", row[len(row)-1]
		for i, cell := range row[:len(row)-1] {
			head += fmt.Sprintf("%-*s  ", widths[i], cell)
		}
		if utf8.RuneCountInString(head)+min(utf8.RuneCountInString(last), leastText) <= columns {
			b.WriteString(wrap(head, last, "", columns))
			continue
		}
		b.WriteString(wrap("", row[0], "", columns))
		b.WriteString(wrap("  ", strings.Join(row[1:], "  "), "", columns))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// leastText is the narrowest that a text is wrapped to.
const leastText = 20
