// Package yamlfile decodes the YAML files that people write for hellobench
// (manifests, profiles, ledgers) and says of each mistake in which line it
// stands. What a file may hold is said by its JSON Schema in docs/formats and
// nowhere else.
package yamlfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/hellobench/hellobench/docs/formats"
)

// Error is one mistake in a file.
type Error struct {
	File string
	Line int // from 1; 0 if it is nowhere in particular
	Path string
	Msg  string
}

func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	if e.Path != "" { // a key may hold anything, and a terminal would obey it
		path := strconv.Quote(e.Path)
		if unquoted := path[1 : len(path)-1]; unquoted == strings.ReplaceAll(e.Path, `"`, `\"`) {
			path = e.Path
		}
		return at + ": " + path + ": " + e.Msg
	}
	return at + ": " + e.Msg
}

// Document is a decoded file that still knows where everything stood.
type Document struct {
	file string
	root ast.Node
}

// Decode checks data against the named schema and decodes it into v, a
// pointer to a struct with yaml tags. file is the name for messages.
// Every mistake is reported, each as an Error, joined.
func Decode(file string, data []byte, schema string, v any) (*Document, error) {
	parsed, err := parser.ParseBytes(bytes.TrimPrefix(data, []byte("\ufeff")), 0) // a byte-order mark is no part of the first key
	if err != nil {
		return nil, syntaxError(file, err)
	}
	if len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		return nil, &Error{File: file, Msg: "want one YAML document"}
	}
	doc := &Document{file: file, root: parsed.Docs[0].Body}
	var generic any
	if err := yaml.NodeToValue(doc.root, &generic); err != nil {
		return nil, syntaxError(file, err)
	}
	text, err := json.Marshal(generic)
	if err != nil {
		return nil, &Error{File: file, Msg: "not expressible as JSON: " + err.Error()}
	}
	if err := doc.validate(text, schema); err != nil {
		return nil, err
	}
	if err := yaml.NodeToValue(doc.root, v, yaml.Strict()); err != nil {
		return nil, syntaxError(file, err)
	}
	return doc, nil
}

// Errorf is a mistake at a path of keys and indices, such as "routes", "/".
func (d *Document) Errorf(path []string, format string, args ...any) error {
	return &Error{File: d.file, Line: d.line(path), Path: strings.Join(path, "."), Msg: fmt.Sprintf(format, args...)}
}

// Has says whether there is anything at a path of keys and indices.
func (d *Document) Has(path ...string) bool {
	node := d.root
	for _, step := range path {
		if node, _ = child(node, step); node == nil {
			return false
		}
	}
	return true
}

func syntaxError(file string, err error) error {
	e := &Error{File: file, Msg: err.Error()}
	var ye yaml.Error
	if errors.As(err, &ye) {
		e.Msg = ye.GetMessage()
		if t := ye.GetToken(); t != nil && t.Position != nil {
			e.Line = t.Position.Line
		}
	}
	return e
}

func (d *Document) validate(text []byte, schema string) error {
	s, err := formats.Schema(schema)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return &Error{File: d.file, Msg: err.Error()}
	}
	err = s.Validate(instance)
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return err
	}
	var all []*Error
	d.collect(ve, &all)
	slices.SortStableFunc(all, func(a, b *Error) int { return a.Line - b.Line })
	all = slices.CompactFunc(all, func(a, b *Error) bool { return *a == *b })
	joined := make([]error, len(all))
	for i, e := range all {
		joined[i] = e
	}
	return errors.Join(joined...)
}

var english = message.NewPrinter(language.English)

// words are what is wrong with a value.
func words(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s: must be above %s", k.Got.RatString(), k.Want.RatString())
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("%s: must be below %s", k.Got.RatString(), k.Want.RatString())
	}
	return k.LocalizedString(english)
}

// collect flattens a validation error into its leaves, which are what a
// person can act on.
func (d *Document) collect(ve *jsonschema.ValidationError, into *[]*Error) {
	add := func(path []string, k jsonschema.ErrorKind) {
		*into = append(*into, &Error{File: d.file, Line: d.line(path), Path: strings.Join(path, "."), Msg: words(k)})
	}
	at := func(property string) []string { return append(slices.Clone(ve.InstanceLocation), property) }
	switch k := ve.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, property := range k.Properties {
			add(at(property), k)
		}
		return
	case *kind.OneOf, *kind.AnyOf:
		if words := choice(ve); words != "" {
			*into = append(*into, &Error{File: d.file, Line: d.line(ve.InstanceLocation), Path: strings.Join(ve.InstanceLocation, "."), Msg: words})
			return
		}
	case *kind.PropertyNames: // its location is not told
		*into = append(*into, &Error{File: d.file, Line: keyLine(d.root, k.Property), Path: k.Property, Msg: "not allowed as a name here"})
		return
	}
	if len(ve.Causes) == 0 {
		add(ve.InstanceLocation, ve.ErrorKind)
		return
	}
	for _, c := range ve.Causes {
		d.collect(c, into)
	}
}

// choice is the message where one of several keys is needed and none, or more
// than one, is given; "" where the mistake is another one.
func choice(ve *jsonschema.ValidationError) string {
	if k, ok := ve.ErrorKind.(*kind.OneOf); ok && len(k.Subschemas) > 0 {
		return "has more than one of the keys of which one is to be given"
	}
	var keys []string
	for _, c := range ve.Causes {
		k, ok := c.ErrorKind.(*kind.Required)
		if !ok || len(c.InstanceLocation) != len(ve.InstanceLocation) {
			return ""
		}
		keys = append(keys, strings.Join(k.Missing, " and "))
	}
	if len(keys) < 2 {
		return ""
	}
	return "needs one of " + strings.Join(keys[:len(keys)-1], ", ") + " and " + keys[len(keys)-1]
}

// line finds the line of the deepest node on the path that exists.
func (d *Document) line(path []string) int {
	node, line := d.root, lineOf(d.root)
	for _, step := range path {
		next, at := child(node, step)
		if next == nil {
			break
		}
		node, line = next, at
	}
	return line
}

func child(node ast.Node, step string) (ast.Node, int) {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, kv := range n.Values {
			if next, at := child(kv, step); next != nil {
				return next, at
			}
		}
	case *ast.MappingValueNode:
		if k := n.Key.GetToken(); k != nil && k.Value == step {
			return n.Value, k.Position.Line
		}
	case *ast.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Values) {
			return n.Values[i], lineOf(n.Values[i])
		}
	}
	return nil, 0
}

// keyLine finds the first line with the key, at any depth.
func keyLine(node ast.Node, key string) int {
	for _, n := range ast.Filter(ast.MappingValueType, node) {
		if kv, ok := n.(*ast.MappingValueNode); ok && kv.Key.GetToken().Value == key {
			return lineOf(kv)
		}
	}
	return 0
}

func lineOf(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return lineOf(m.Values[0].Key)
	}
	if kv, ok := n.(*ast.MappingValueNode); ok {
		return lineOf(kv.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}
