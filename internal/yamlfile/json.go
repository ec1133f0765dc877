package yamlfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml/parser"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// DecodeJSON is Decode of a file that hellobench wrote and somebody may have
// edited. version is the newest that can be read.
func DecodeJSON(file string, data []byte, schema string, version int, v any) (*Document, error) {
	doc := &Document{file: file, text: data}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, jsonError(file, data, err)
	}
	if top, ok := instance.(map[string]any); ok {
		n, _ := top["schema"].(json.Number)
		if got, err := n.Int64(); err == nil && got > int64(version) {
			return nil, doc.Errorf([]string{"schema"}, "written by a newer hellobench (schema %d, this one reads up to %d)", got, version)
		}
	}
	if err := doc.check(instance, schema); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return nil, jsonError(file, data, err)
	}
	return doc, nil
}

// DecodeLine decodes one line of a file of JSON lines into a struct. A key that
// the struct does not have is a mistake.
func DecodeLine(file string, number int, line []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil && len(bytes.TrimSpace(line[dec.InputOffset():])) > 0 {
		err = errors.New("something follows the end of the JSON object")
	}
	if err == nil {
		return nil
	}
	e := jsonError(file, nil, err)
	e.Line = number
	return e
}

// jsonError puts what the JSON library says into words of the file.
func jsonError(file string, data []byte, err error) *Error {
	e := &Error{File: file, Msg: err.Error()}
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
		moment *time.ParseError
	)
	at := func(offset int64) {
		e.Line = 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
	}
	switch {
	case errors.Is(err, io.EOF):
		e.Line, e.Msg = 1, "is empty"
	case errors.Is(err, io.ErrUnexpectedEOF), err.Error() == "unexpected end of JSON input":
		at(int64(len(data)))
		e.Msg = "damaged: it ends in the middle"
	case errors.As(err, &syntax):
		at(syntax.Offset)
		e.Msg = "damaged, no JSON: " + err.Error()
	case strings.HasSuffix(e.Msg, "after top-level value"):
		at(int64(len(data)))
		e.Msg = "damaged: something follows the end of the JSON object"
	case errors.As(err, &kind):
		at(kind.Offset)
		e.Path, e.Msg = kind.Field, fmt.Sprintf("%s: want %s", gotKind.Replace(kind.Value), goKind(kind.Type))
	case errors.As(err, &moment):
		e.Msg = fmt.Sprintf("%s: want a time such as 2026-01-31T12:00:00Z", shown(strings.Trim(moment.Value, `"`)))
	case strings.HasPrefix(e.Msg, "json: unknown field "):
		e.Path, e.Msg = strings.Trim(strings.TrimPrefix(e.Msg, "json: unknown field "), `"`), "unknown key"
	case strings.Contains(e.Msg, "json"), strings.Contains(e.Msg, "Time."):
		e.Msg = "damaged: has a value of another kind than its key takes"
	}
	return e
}

// gotKind puts what the JSON library calls a value into words.
var gotKind = strings.NewReplacer("number ", "", "number", "a number", "string", "a text", "array", "a list", "object", "keys with values")

func goKind(t reflect.Type) string {
	switch t.Kind() { //nolint:exhaustive // the others are keys with values
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint64:
		return "a whole number from 0"
	case reflect.Float64:
		return kinds["number"]
	case reflect.String:
		return kinds["string"]
	case reflect.Bool:
		return kinds["boolean"]
	case reflect.Slice:
		return kinds["array"]
	}
	return kinds["object"]
}

// nodes parses the text of a JSON file for its lines, which nobody needs where
// there is no mistake.
func (d *Document) nodes() {
	if d.root != nil || d.text == nil {
		return
	}
	if parsed, err := parser.ParseBytes(d.text, 0); err == nil && len(parsed.Docs) == 1 {
		d.root = parsed.Docs[0].Body
	}
	d.text = nil
}
