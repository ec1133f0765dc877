// Package yamltest makes wrong files from the schemas and holds what is said of
// them against what a person needs: one line, where it is, in words of the file.
// It is for tests.
package yamltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/yamlfile"
)

// Wrong is a file that differs from a right one in one place.
type Wrong struct {
	What   string // was done to it, and where
	Data   []byte // JSON, which is YAML too
	Surely bool   // the schema refuses it
}

// hostile is what no terminal should get, and no name has.
const hostile = "e\x1b[2J\u202e\n\u009b\"'"

type generator struct {
	t    testing.TB
	defs map[string]any
	root any
	seen map[string]bool // pointers into the schema
	each func(Wrong)
}

// Each calls each with a wrong file for every node of a schema, and for every
// way in which it can be wrong. right is a file that is accepted and has every
// key of the schema, in JSON.
func Each(t testing.TB, schema string, right []byte, each func(Wrong)) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../../docs/formats", schema+".schema.json"))
	require.NoError(t, err)
	var s map[string]any
	require.NoError(t, json.Unmarshal(text, &s))
	g := &generator{t: t, each: each, seen: map[string]bool{}}
	g.defs, _ = s["$defs"].(map[string]any)
	dec := json.NewDecoder(bytes.NewReader(right))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&g.root))
	g.node(s, "", g.root, func(v any) { g.root = v })
}

func (g *generator) try(what, path string, surely bool) {
	data, err := json.MarshalIndent(g.root, "", " ")
	require.NoError(g.t, err)
	g.each(Wrong{what + " at " + path, data, surely})
}

// node makes what is wrong at one node, whose value set replaces.
func (g *generator) node(s map[string]any, path string, value any, set func(any)) {
	if ref, ok := s["$ref"].(string); ok {
		s, _ = g.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	with := func(what string, v any, surely bool) {
		set(v)
		g.try(what, path, surely)
		set(value)
	}
	types := typesOf(s)
	for kind, v := range map[string]any{"null": nil, "boolean": true, "string": hostile, "integer": 7, "number": 7.5, "array": []any{}, "object": map[string]any{}} {
		if len(types) > 0 && !slices.Contains(types, kind) && (kind != "integer" || !slices.Contains(types, "number")) {
			with("a "+kind, v, true)
		}
	}
	g.bounds(s, with)
	switch value := value.(type) {
	case map[string]any:
		g.object(s, path, value)
	case []any:
		if items, ok := s["items"].(map[string]any); ok && len(value) > 0 {
			g.node(items, path+"/0", value[0], func(v any) { value[0] = v })
			if s["uniqueItems"] == true {
				with("one thing twice", append(slices.Clone(value), value[0]), true)
			}
		}
	}
}

func (g *generator) bounds(s map[string]any, with func(what string, v any, surely bool)) {
	number := func(key string) (float64, bool) { v, ok := s[key].(float64); return v, ok }
	if v, ok := number("minimum"); ok {
		with("below the minimum", v-1, true)
	}
	if v, ok := number("exclusiveMinimum"); ok {
		with("at what it has to be above", v, true)
	}
	if v, ok := number("maximum"); ok && v < math.MaxInt64 {
		with("above the maximum", v+1, true)
	}
	types := typesOf(s)
	if slices.Contains(types, "integer") || slices.Contains(types, "number") {
		for _, v := range []json.Number{"-1", "0", "1e3", "1e300", "9223372036854775807", "18446744073709551616", "-0.5"} {
			with("the number "+v.String(), v, false)
		}
	}
	if s["minLength"] != nil || s["pattern"] != nil {
		with("no text", "", s["pattern"] != `^([a-z]*)$`)
	}
	if v, ok := number("maxLength"); ok {
		with("too long a text", strings.Repeat("x", int(v)+1), true)
	}
	if slices.Contains(types, "string") || s["enum"] != nil || s["const"] != nil {
		with("a hostile text", hostile, s["pattern"] != nil && s["pattern"] != "^/" || s["enum"] != nil || s["const"] != nil)
		with("a hostile path", "/"+hostile, false)
		with("a long text", strings.Repeat("long ", 5000), false)
	}
	if s["minItems"] != nil {
		with("an empty list", []any{}, true)
	}
	if s["minProperties"] != nil {
		with("no keys", map[string]any{}, true)
	}
}

func (g *generator) object(s map[string]any, path string, value map[string]any) {
	required, _ := s["required"].([]any)
	for _, key := range required {
		k, _ := key.(string)
		old, had := value[k]
		if !had {
			continue
		}
		delete(value, k)
		g.try("no "+k, path, true)
		value[swapped(k)] = old
		g.try("a misspelled "+k, path, true)
		delete(value, swapped(k))
		value[k] = old
	}
	if s["additionalProperties"] == false || s["propertyNames"] != nil {
		value[hostile] = "x"
		g.try("another key", path, true)
		delete(value, hostile)
	}
	properties, _ := s["properties"].(map[string]any)
	for _, k := range slices.Sorted(maps.Keys(properties)) {
		sub, _ := properties[k].(map[string]any)
		old, had := value[k]
		g.node(sub, path+"/"+k, old, func(v any) { value[k] = v })
		if !had {
			delete(value, k)
		}
	}
	if more, ok := s["additionalProperties"].(map[string]any); ok {
		for _, k := range slices.Sorted(maps.Keys(value)) {
			g.node(more, path+"/"+k, value[k], func(v any) { value[k] = v })
			break
		}
	}
}

func typesOf(s map[string]any) (types []string) {
	switch t := s["type"].(type) {
	case string:
		types = []string{t}
	case []any:
		for _, one := range t {
			text, _ := one.(string)
			types = append(types, text)
		}
	}
	if slices.Contains(types, "number") {
		types = append(types, "integer")
	}
	return types
}

// swapped is a key with its last two letters in the other order.
func swapped(key string) string {
	b := []byte(key)
	n := len(b)
	if n < 2 || b[n-1] == b[n-2] {
		return key + "x"
	}
	b[n-1], b[n-2] = b[n-2], b[n-1]
	return string(b)
}

var (
	line     = regexp.MustCompile(`^[^:\n]+:\d+: `)
	quoted   = regexp.MustCompile(`"(\\.|[^"\\])*"`) // is the file's own
	internal = regexp.MustCompile(`(?i)unmarshal|struct\b|reflect|invalid memory|got 0, want|interface|\bint64\b|\bfloat64\b|jsonschema|additional propert|goroutine|panic|%!`)
)

// Clean holds a mistake in a file against what every message has to be.
// It returns how many lines it has.
func Clean(t testing.TB, what string, err error) int {
	t.Helper()
	var mistake *yamlfile.Error
	require.ErrorAs(t, err, &mistake, what)
	lines := strings.Split(err.Error(), "\n")
	for _, l := range lines {
		require.Regexp(t, line, l, what)
		require.Less(t, utf8.RuneCountInString(l), 600, what)
		require.NotRegexp(t, internal, quoted.ReplaceAllString(l, ""), what)
		require.False(t, strings.ContainsFunc(l, func(r rune) bool { return !unicode.IsPrint(r) }), "%s: %q", what, l)
	}
	var all interface{ Unwrap() []error }
	if errors.As(err, &all) {
		require.Len(t, lines, len(all.Unwrap()), "one line a mistake: %s", what)
	}
	return len(lines)
}
