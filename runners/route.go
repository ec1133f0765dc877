package runners

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

// Route is a request, and what its answer must be.
type Route struct {
	Path    string            `yaml:"path"`   // with its query; empty: the route's name
	Method  string            `yaml:"method"` // empty: GET
	Headers map[string]string `yaml:"headers"`
	Send    Send              `yaml:"send"`
	Status  int               `yaml:"status"` // 0: 200
	Type    string            `yaml:"type"`   // how the Content-Type begins; empty: any
	Body    Body              `yaml:"body"`
}

// Send is the body of a request: a text, a file of the server's folder, or a file of
// which each line is one, for one request after the other.
type Send struct {
	Text  *string `yaml:"-"`
	File  string  `yaml:"file"`
	Lines string  `yaml:"lines"`

	bodies [][]byte // those of Text, File or Lines
}

// Body says which body of an answer is correct. The zero value takes any that is the
// same each time.
type Body struct {
	Any     bool    `yaml:"-"`
	Exact   *string `yaml:"exact"`
	Length  *int64  `yaml:"length"`
	Pattern string  `yaml:"pattern"`
}

// Exactly is the body that is the same as a text.
func Exactly(text string) Body { return Body{Exact: &text} }

// Ready says when a server answers: at a path, with a status.
type Ready struct {
	Path   string `yaml:"path"`
	Status int    `yaml:"status"` // 0: one of success, or that of the route of this path
}

// UnmarshalYAML takes a text in the place of the keys.
func (s *Send) UnmarshalYAML(decode func(any) error) error {
	var text string
	if decode(&text) == nil {
		s.Text = &text
		return nil
	}
	type keys Send
	return decode((*keys)(s))
}

// UnmarshalYAML takes the word any, or another text, in the place of the keys.
func (b *Body) UnmarshalYAML(decode func(any) error) error {
	var text string
	if decode(&text) == nil {
		if b.Any = text == "any"; !b.Any {
			b.Exact = &text
		}
		return nil
	}
	type keys Body
	return decode((*keys)(b))
}

// UnmarshalYAML takes a path in the place of the keys.
func (r *Ready) UnmarshalYAML(decode func(any) error) error {
	if decode(&r.Path) == nil {
		return nil
	}
	type keys Ready
	return decode((*keys)(r))
}

// mostLines bounds a file of bodies.
const mostLines = 10_000

// readRoutes checks the routes and reads the bodies that they send.
func (m *Manifest) readRoutes(doc *yamlfile.Document) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(m.Routes)) {
		r := m.Routes[name]
		at := []string{"routes", name}
		add := func(key, format string, args ...any) {
			errs = append(errs, doc.Errorf(append(slices.Clone(at), key), format, args...))
		}
		if r.Path = cmp.Or(r.Path, name); !strings.HasPrefix(r.Path, "/") {
			add("path", "is missing: %q is a name, and no path", name)
		}
		if key, err := r.Send.read(m.Files); err != nil {
			add("send", "%s: %v", key, err)
		}
		for _, x := range r.exchanges("http://127.0.0.1", http1.Expectation{})[:1] {
			if _, err := http1.NewRequest(&x, false); err != nil {
				errs = append(errs, doc.Errorf(at, "%v", err))
			}
		}
		if _, err := regexp.Compile(r.Body.Pattern); err != nil {
			add("body", "pattern: %v", err)
		}
		without := r.Status == http.StatusNoContent || r.Status == http.StatusResetContent || r.Status == http.StatusNotModified
		if what := fmt.Sprintf("an answer with status %d", r.Status); without || r.Method == http.MethodHead {
			if !without {
				what = "an answer to HEAD"
			}
			if b := r.Body; b.Exact != nil && *b.Exact != "" || b.Length != nil && *b.Length > 0 || b.Pattern != "" {
				add("body", "%s has no body", what)
			}
		}
		m.Routes[name] = r
	}
	return errors.Join(errs...)
}

// read takes the bodies from the text or the file.
func (s *Send) read(files Files) (key string, err error) {
	key, name := "file", s.File
	if s.Lines != "" {
		key, name = "lines", s.Lines
	}
	switch {
	case s.Text != nil:
		s.bodies = [][]byte{[]byte(*s.Text)}
		return "", nil
	case name == "":
		return "", nil
	}
	f, ok := files[path.Clean(name)]
	if !ok || f.Link != "" {
		return key, fmt.Errorf("there is no file %q in the folder", name)
	}
	if key == "file" {
		s.bodies = [][]byte{f.Data}
		return key, nil
	}
	for line := range bytes.Lines(f.Data) {
		s.bodies = append(s.bodies, bytes.TrimRight(line, "\r\n"))
	}
	if n := len(s.bodies); n == 0 || n > mostLines {
		return key, fmt.Errorf("%q has %d lines; want 1 to %d", name, n, mostLines)
	}
	return key, nil
}

// Requests describes the routes that are more than a GET of their own name; nil, if there
// are none.
func (m *Manifest) Requests() map[string]string {
	var out map[string]string
	for name, r := range m.Routes {
		text := cmp.Or(r.Method, http.MethodGet) + " " + cmp.Or(r.Path, name)
		if n := len(r.Send.bodies); n > 1 {
			text += fmt.Sprintf(", %d bodies in turn", n)
		}
		if text != "GET "+name {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = text
		}
	}
	return out
}

// exchanges are the requests of the route to a server, in turn.
func (r *Route) exchanges(server string, want http1.Expectation) []http1.Exchange {
	x := http1.Exchange{URL: server + r.Path, Method: r.Method, Header: http.Header{}, Want: want}
	for name, value := range r.Headers {
		x.Header[name] = []string{value}
	}
	all := make([]http1.Exchange, max(len(r.Send.bodies), 1))
	for i := range all {
		if all[i] = x; len(r.Send.bodies) > 0 {
			all[i].Body = r.Send.bodies[i]
		}
	}
	return all
}

// want is what the manifest says of a correct answer. settled is false where the first
// answer says what the body of all others is.
func (r *Route) want() (want http1.Expectation, settled bool) {
	want.Status = cmp.Or(r.Status, http.StatusOK)
	switch b := r.Body; {
	case b.Exact != nil:
		want.Exact = []byte(*b.Exact)
	case b.Length != nil:
		want.Length = b.Length
	case b.Pattern != "":
		want.Pattern = regexp.MustCompile(b.Pattern) // checked by Load
	case !b.Any && len(r.Send.bodies) <= 1:
		return want, false
	}
	return want, true
}
