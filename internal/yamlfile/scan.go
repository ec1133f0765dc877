package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

const (
	mostBytes  = 1 << 20 // of a file that people write
	mostValues = 100_000 // in a file, with what its aliases repeat
)

// Read reads a file that people write. A mistake, such as a folder in its
// place, is an Error.
func Read(file string, open func(name string) (fs.File, error)) ([]byte, error) {
	mistake := func(err error) error {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return &Error{File: file, Msg: err.Error()}
	}
	f, err := open(file)
	if err != nil {
		return nil, mistake(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, mistake(err)
	}
	if info.IsDir() {
		return nil, &Error{File: file, Msg: "is a folder; want a file"}
	}
	data, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, mistake(err)
	}
	return data, nil
}

// readable refuses what is no text.
func readable(file string, data []byte) error {
	at := func(i int) int { return 1 + bytes.Count(data[:i], []byte("\n")) }
	switch {
	case len(data) > mostBytes:
		return &Error{File: file, Msg: fmt.Sprintf("is larger than %d MiB", mostBytes>>20)}
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return &Error{File: file, Line: 1, Msg: "is UTF-16; save it as UTF-8"}
	}
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return &Error{File: file, Line: at(i), Msg: fmt.Sprintf("the byte 0x%02x is no UTF-8; save the file as UTF-8 text", data[i])}
		case r < ' ' && r != '\n' && r != '\t' && r != '\r', r >= 0x7f && r < 0xa0:
			return &Error{File: file, Line: at(i), Msg: fmt.Sprintf(`holds the control character 0x%02x; in double quotes it is written \x%02[1]x`, r)}
		}
		i += n
	}
	return nil
}

// scanner looks for what YAML allows and no file needs, before anything is
// made of it.
type scanner struct {
	file    string
	anchors map[string]int // values below each; -1: it has not ended
}

// scan counts the values below a node, those that aliases repeat too.
func (s *scanner) scan(node ast.Node) (n int, err error) {
	mistake := func(format string, args ...any) (int, error) {
		return 0, &Error{File: s.file, Line: lineOf(node), Msg: fmt.Sprintf(format, args...)}
	}
	switch v := node.(type) {
	case *ast.MappingNode:
		for _, kv := range v.Values {
			if n, err = s.add(n, kv); err != nil {
				return 0, err
			}
		}
	case *ast.MappingValueNode:
		return s.add(1, v.Value)
	case *ast.SequenceNode:
		for _, item := range v.Values {
			if n, err = s.add(n, item); err != nil {
				return 0, err
			}
		}
	case *ast.AnchorNode:
		name := v.Name.GetToken().Value
		s.anchors[name] = -1
		n, err = s.scan(v.Value)
		s.anchors[name] = n
	case *ast.AliasNode:
		name := v.Value.GetToken().Value
		said := named([]string{name})
		n, known := s.anchors[name]
		if !known {
			return mistake("*%s: no &%s comes before it", said, said)
		}
		if n < 0 {
			return mistake("*%s is inside of &%s, which it repeats", said, said)
		}
		return n, nil
	case *ast.TagNode:
		return mistake("%q: tags have no meaning here", v.GetToken().Value)
	case *ast.InfinityNode, *ast.NanNode:
		return mistake("%s: want a finite number", v.GetToken().Value)
	case *ast.IntegerNode:
		if text := v.GetToken().Value; len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9' {
			return mistake("%s: write the number without the leading 0", text)
		}
	}
	return n + 1, err
}

func (s *scanner) add(n int, node ast.Node) (int, error) {
	more, err := s.scan(node)
	if n += more; err == nil && n > mostValues {
		err = &Error{File: s.file, Line: lineOf(node), Msg: fmt.Sprintf("holds more than %d values, with those that aliases repeat", mostValues)}
	}
	return n, err
}
