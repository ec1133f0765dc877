// Package yamlfile decodes the YAML files that people write for hellobench
// (manifests, profiles, ledgers) and the JSON files of a run folder, which people
// edit, and says of each mistake in which line it is. What a file may hold is
// said by its JSON Schema in docs/formats and nowhere else.
package yamlfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Error is one mistake in a file.
type Error struct {
	File string // empty: the message says what is wrong with which folder
	Line int    // from 1; 0 if it is nowhere in particular
	Path string
	Msg  string
}

func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	if e.Path != "" {
		at += ": " + e.Path
	}
	if at != "" {
		at += ": "
	}
	return clipped(plain(at + e.Msg))
}

// mostLine is how many characters a message has at most.
const mostLine = 500

// clipped leaves out the middle of a long text, which is something repeated
// from the file. What is wrong with it is at the end.
func clipped(s string) string {
	r := []rune(s)
	if len(r) <= mostLine {
		return s
	}
	return string(r[:mostLine/2]) + " [...] " + string(r[len(r)-mostLine/2:])
}

// named is the path of a key as messages write it: one that is no plain word is quoted.
func named(path []string) string {
	keys := slices.Clone(path)
	for i, k := range keys {
		if strings.ContainsFunc(k, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./?=&:~", r)
		}) {
			keys[i] = strconv.Quote(k)
		}
	}
	return strings.Join(keys, ".")
}

// plain makes one line of a text, which may hold anything that a file held, and
// nothing that a terminal would obey.
func plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRune(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// Document is a decoded file that still knows where everything stood.
type Document struct {
	file string
	text []byte // of a JSON file that is not yet parsed for its lines
	root ast.Node
}

// Decode checks data against the named schema and decodes it into v, a
// pointer to a struct with yaml tags. file is the name for messages.
// Every mistake is reported, each as an Error, joined.
func Decode(file string, data []byte, schema string, v any) (*Document, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // a byte-order mark is no part of the first key
	if err := readable(file, data); err != nil {
		return nil, err
	}
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, syntaxError(file, err)
	}
	docs := slices.DeleteFunc(parsed.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	switch len(docs) {
	case 0:
		return nil, &Error{File: file, Line: 1, Msg: "is empty; want keys with values, such as schema: 1"}
	case 1:
	default:
		return nil, &Error{File: file, Line: lineOf(docs[1].Body), Msg: "a second YAML document begins; want one"}
	}
	doc := &Document{file: file, root: docs[0].Body}
	if _, err := (&scanner{file, map[string]int{}}).scan(doc.root); err != nil {
		return nil, err
	}
	var generic any
	if err := yaml.NodeToValue(doc.root, &generic); err != nil {
		return nil, syntaxError(file, err)
	}
	text, err := json.Marshal(generic)
	if err != nil {
		return nil, &Error{File: file, Msg: "not expressible as JSON: " + err.Error()}
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, &Error{File: file, Msg: err.Error()}
	}
	if err := doc.check(instance, schema); err != nil {
		return nil, err
	}
	if err := yaml.NodeToValue(doc.root, v, yaml.Strict()); err != nil {
		return nil, syntaxError(file, err)
	}
	return doc, nil
}

// Errorf is a mistake at a path of keys and indices, such as "routes", "/".
func (d *Document) Errorf(path []string, format string, args ...any) error {
	return &Error{File: d.file, Line: d.line(path), Path: named(path), Msg: fmt.Sprintf(format, args...)}
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

var (
	twice = regexp.MustCompile(`^mapping key "?(.*?)"? already defined at \[(\d+):\d+\]$`)
	words = strings.NewReplacer("found character '\t' that cannot start any token", "a tab; indent with spaces", "exceeded max depth", "is nested too deeply")
)

// syntaxError puts what the YAML library says into words of the file.
func syntaxError(file string, err error) error {
	e := &Error{File: file, Msg: err.Error()}
	var ye yaml.Error
	if errors.As(err, &ye) {
		e.Msg = ye.GetMessage()
		if t := ye.GetToken(); t != nil && t.Position != nil {
			e.Line = t.Position.Line
		}
	}
	e.Msg = words.Replace(twice.ReplaceAllString(e.Msg, `the key "$1" is already in line $2`))
	if strings.Contains(e.Msg, "unmarshal") {
		e.Msg = "has a value of another kind than its key takes"
	}
	return e
}

// check holds the decoded file against a schema. The error says where each mistake
// is, in the order of the file. A file without lines of its own says the path alone.
func (d *Document) check(instance any, schema string) error {
	found, err := findings(instance, schema)
	if err != nil {
		return err
	}
	errs := make([]error, 0, len(found))
	for _, f := range found {
		errs = append(errs, d.Errorf(f.path, "%s", f.msg))
	}
	slices.SortStableFunc(errs, func(a, b error) int { return lineIn(a) - lineIn(b) })
	return errors.Join(errs...)
}

func lineIn(err error) int {
	var e *Error
	errors.As(err, &e)
	return e.Line
}

// line finds the line of the deepest node on the path that exists.
func (d *Document) line(path []string) int {
	if d.nodes(); d.root == nil { // JSON that is no YAML: its place is not known
		return 1
	}
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
		k := n.Key.GetToken()
		if _, null := n.Key.(*ast.NullNode); k != nil && (k.Value == step || null && step == "null") {
			return n.Value, k.Position.Line
		}
	case *ast.AnchorNode:
		return child(n.Value, step)
	case *ast.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Values) {
			return n.Values[i], lineOf(n.Values[i])
		}
	}
	return nil, 0
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
