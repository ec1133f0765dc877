package explain

import (
	"fmt"
	"html"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	flameWidth  = 960.0
	rowHeight   = 16
	leastWidth  = 0.5 // of a frame that is drawn
	letterWidth = 6.2

	legendHeight = 24
)

// tower is a frame with what it called.
type tower struct {
	name string
	n    uint64
	over map[string]*tower
}

func towers(s Stacks) *tower {
	root := &tower{name: "all", over: map[string]*tower{}}
	for stack, n := range s {
		at := root
		at.n += n
		for f := range strings.SplitSeq(stack, ";") {
			next := at.over[f]
			if next == nil {
				next = &tower{name: f, over: map[string]*tower{}}
				at.over[f] = next
			}
			next.n += n
			at = next
		}
	}
	return root
}

func (t *tower) height(scale float64) int {
	most := 0
	for _, o := range t.over {
		if float64(o.n)*scale >= leastWidth {
			most = max(most, o.height(scale))
		}
	}
	return most + 1
}

// Flame draws a flame graph: a frame stands on the one that called it and is as wide as
// its share of the samples. Colors are those of the layers, which the legend below names,
// and each frame has a title with its name and share.
func Flame(w io.Writer, title string, s Stacks, rules []Rule) error {
	root := towers(s)
	scale := flameWidth / float64(max(root.n, 1))
	height := root.height(scale) * rowHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="flame" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %d" role="img" aria-label="%s" font-family="monospace" font-size="10">`+"\n",
		flameWidth, height+legendHeight, html.EscapeString(title))
	var draw func(t *tower, x float64, level int)
	draw = func(t *tower, x float64, level int) {
		width := float64(t.n) * scale
		if width < leastWidth {
			return
		}
		y := height - (level+1)*rowHeight
		fill := "#d9d9d9"
		if level > 0 {
			fill = colors[layer(t.name, rules)]
		}
		fmt.Fprintf(&b, `<g><title>%s: %.1f%%</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" stroke="#fff" stroke-width="0.5"/>`,
			html.EscapeString(t.name), 100*float64(t.n)/float64(root.n), x, y, width, rowHeight, fill)
		if text := clip(t.name, int((width-4)/letterWidth)); text != "" {
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" fill="#000">%s</text>`, x+2, y+rowHeight-4, html.EscapeString(text))
		}
		b.WriteString("</g>\n")
		for _, name := range slices.Sorted(maps.Keys(t.over)) {
			draw(t.over[name], x, level+1)
			x += float64(t.over[name].n) * scale
		}
	}
	draw(root, 0, 0)
	x := 0.0
	for _, layer := range legendOf(s, rules) {
		fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="12" height="12" fill="%s"/><text x="%.1f" y="%d" fill="currentColor">%s</text>`+"\n",
			x, height+8, colors[layer], x+16, height+18, layer)
		x += 16 + letterWidth*float64(len(layer)) + 14
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// legendOf are the layers that have a frame, from the application down.
func legendOf(s Stacks, rules []Rule) (out []string) {
	used := map[string]bool{}
	for stack := range s {
		for frame := range strings.SplitSeq(stack, ";") {
			used[layer(frame, rules)] = true
		}
	}
	for _, l := range []string{Application, Framework, Server, HTTP, Library, Compiled, Interpreter, Native, Collector, Kernel} {
		if used[l] {
			out = append(out, l)
		}
	}
	return out
}

// clip is the beginning of a text that has room for n letters; nothing of fewer than three.
func clip(s string, n int) string {
	switch {
	case n < 3:
		return ""
	case utf8.RuneCountInString(s) <= n:
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// colors are those of the layers (Okabe & Ito, lightened, told apart in gray too).
var colors = map[string]string{
	Application: "#f0e442", Framework: "#e69f00", Server: "#cc79a7", HTTP: "#56b4e9",
	Library: "#8fd3b9", Native: "#bdbdbd", Collector: "#d55e00", Kernel: "#9a9a9a", Interpreter: "#b3cde3", Compiled: "#ccebc5",
}
