package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// plain is where everything is printed. Names, bodies and logs are anybody's:
// what a terminal would obey or turn around is written as an escape, which in
// JSON means the same character.
type plain struct {
	mu   sync.Mutex // a signal prints while the command still runs
	w    io.Writer
	part []byte // of a character whose rest comes with the next write
}

// Write implements io.Writer.
func (p *plain) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := append(p.part, data...)
	out := make([]byte, 0, len(text))
	i := 0
	for i < len(text) && utf8.FullRune(text[i:]) {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, `\x%02x`, text[i])
		case !obeyed(r):
			out = append(out, text[i:i+n]...)
		case r < ' ':
			out = fmt.Appendf(out, `\x%02x`, r)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	p.part = slices.Clone(text[i:])
	if _, err := p.w.Write(out); err != nil {
		return 0, err
	}
	return len(data), nil
}

// obeyed says whether a terminal does something with a character other than
// showing it.
func obeyed(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
}

// mostLines is how many lines of an error are printed: one mistake repeated in a
// file makes as many.
const mostLines = 20

// linesOf are the lines of an error. An argument that holds a line break would
// look like lines of its own.
func (a *app) linesOf(err error) []string {
	text := err.Error()
	for _, arg := range a.args {
		if _, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(arg, "-") {
			arg = value
		}
		if strings.ContainsAny(arg, "\n") {
			text = strings.ReplaceAll(text, arg, strconv.Quote(arg))
		}
	}
	lines := strings.Split(text, "\n")
	if more := len(lines) - mostLines; more > 1 {
		lines = append(lines[:mostLines], fmt.Sprintf("and %d more lines of this kind", more))
	}
	return lines
}

// mayBeEmpty are the flags for which an empty value means something.
var mayBeEmpty = []string{"body", "expect-body"}

// refuseEmpty refuses flags with an empty value, as of a variable that is not set.
func refuseEmpty(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if err == nil && (len(values) == 0 || slices.Contains(values, "")) && !slices.Contains(mayBeEmpty, f.Name) {
			err = usageError{fmt.Errorf("--%s: its value is empty; give one, or leave the flag out", f.Name)}
		}
	})
	return err
}
