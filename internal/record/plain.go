package record

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hellobench/hellobench/internal/yamlfile"
)

// plainForms turn the codes of level labels into words.
var plainForms = []struct {
	code *regexp.Regexp
	unit string
}{
	{regexp.MustCompile(`\bc=([0-9]+)`), "connections"},
	{regexp.MustCompile(`\br=([0-9.]+)/s`), "requests/s"},
	{regexp.MustCompile(`\bidle=([0-9]+)`), "idle connections"},
}

// PlainLevel writes the label of a level, or of two of them, as people say it: "c=64" is
// 64 connections, and "c=1024 against c=64" is 1,024 against 64 connections.
func PlainLevel(label string) string {
	for _, f := range plainForms {
		label = f.code.ReplaceAllStringFunc(label, func(code string) string {
			n := f.code.FindStringSubmatch(code)[1]
			if n == "1" {
				return n + " " + strings.TrimSuffix(f.unit, "s")
			}
			return thousands(n) + " " + f.unit
		})
	}
	label = strings.Replace(label, " connections against ", " against ", 1)
	return strings.Replace(label, "requests/s ", "requests/s with ", 1)
}

// PlainLevels writes labels one after the other; levels that differ in one number have one unit.
func PlainLevels(labels []string) string {
	for _, f := range plainForms[:2] {
		var numbers []string
		for _, l := range labels {
			if m := f.code.FindStringSubmatch(l); m != nil && m[0] == l {
				numbers = append(numbers, thousands(m[1]))
			}
		}
		if len(numbers) == len(labels) && len(labels) > 1 {
			return yamlfile.List(numbers, "and") + " " + f.unit
		}
	}
	out := make([]string, len(labels))
	for i, l := range labels {
		out[i] = PlainLevel(l)
	}
	return strings.Join(out, ", ")
}

// thousands separates those of a whole number, "10000" to "10,000".
func thousands(n string) string {
	if _, err := strconv.ParseUint(n, 10, 64); err != nil {
		return n
	}
	for i := len(n) - 3; i > 0; i -= 3 {
		n = n[:i] + "," + n[i:]
	}
	return n
}

// Plural counts things: "1 block", "2 blocks".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
