// Package runners turns a folder with a manifest into a running server:
// install what it needs, start it, wait until it answers, check the answers,
// meter its whole process tree, stop it. It puts no load on a server and
// decides nothing about measurements.
package runners

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/yamlfile"
)

// ManifestFile is the name of the manifest in a server's folder.
const ManifestFile = "server.yaml"

// Manifest says how one server is installed, started and asked. Its fields
// are those of docs/formats/server.schema.json.
type Manifest struct {
	Schema      int               `yaml:"schema"`
	Name        string            `yaml:"name"`
	Title       string            `yaml:"title"`
	Runtime     string            `yaml:"runtime"`
	Article     string            `yaml:"article"`
	Include     []string          `yaml:"include"`
	Needs       []Need            `yaml:"needs"`
	Prepare     Prepare           `yaml:"prepare"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ready       string            `yaml:"ready"`
	Routes      map[string]Route  `yaml:"routes"`
	KeepAlive   string            `yaml:"keep_alive"`
	Workers     *Parameter        `yaml:"workers"`
	Threads     *Parameter        `yaml:"threads"`

	// Files are all files of the server by slash-separated path, its own and the included ones.
	Files map[string][]byte `yaml:"-"`
}

// Need is an executable that must be on the machine.
type Need struct {
	Executable string   `yaml:"executable"`
	Oldest     string   `yaml:"oldest"`
	Version    []string `yaml:"version"`
	Install    string   `yaml:"install"`
}

// Prepare installs a server's dependencies into its cached environment.
type Prepare struct {
	Lock     []string   `yaml:"lock"`
	Commands [][]string `yaml:"commands"`
}

// Route is what a path must answer.
type Route struct {
	Body *string `yaml:"body"` // nil: any body, the same each time
	Type string  `yaml:"type"` // how the Content-Type begins; empty: any
}

// Parameter is a count that an arm may set.
type Parameter struct {
	Default int `yaml:"default"`
	Max     int `yaml:"max"`
}

// AlwaysCloses says that the server ends every connection whatever the client asks.
func (m *Manifest) AlwaysCloses() bool { return m.KeepAlive == "close" }

// Load reads the server in folder name of fsys. Every mistake in its manifest
// is an error with file and line.
func Load(fsys fs.FS, name string) (*Manifest, error) {
	file := path.Join(name, ManifestFile)
	data, err := yamlfile.Read(file, fsys.Open)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Ready: "/", KeepAlive: "both"}
	doc, err := yamlfile.Decode(file, data, "server", m)
	if err != nil {
		return nil, err
	}
	if err := m.check(doc, path.Base(name)); err != nil {
		return nil, err
	}
	m.Files = map[string][]byte{}
	for i, inc := range m.Include {
		dir := path.Join(name, inc)
		if !fs.ValidPath(dir) {
			return nil, doc.Errorf([]string{"include", fmt.Sprint(i)}, "%q leads out of the folder of servers", inc)
		}
		if err := addFiles(m.Files, fsys, dir); err != nil {
			return nil, doc.Errorf([]string{"include", fmt.Sprint(i)}, "%v", err)
		}
	}
	if err := addFiles(m.Files, fsys, name); err != nil {
		return nil, fmt.Errorf("server %q: %w", name, err)
	}
	bases := map[string]bool{}
	for i, lock := range m.Prepare.Lock {
		if base := path.Base(lock); bases[base] {
			return nil, doc.Errorf([]string{"prepare", "lock", fmt.Sprint(i)}, "two files are called %q; they are copied into one folder", base)
		}
		bases[path.Base(lock)] = true
		if m.Files[path.Clean(lock)] == nil {
			return nil, doc.Errorf([]string{"prepare", "lock", fmt.Sprint(i)}, "there is no file %q in the folder", lock)
		}
	}
	return m, nil
}

var placeholders = []string{"host", "port", "workers", "threads", "env", "src"}

// check finds what a schema cannot say.
func (m *Manifest) check(doc *yamlfile.Document, folder string) error {
	var errs []error
	add := func(path []string, format string, args ...any) {
		errs = append(errs, doc.Errorf(path, format, args...))
	}
	if m.Name != folder {
		add([]string{"name"}, "is %q, but the folder is called %q", m.Name, folder)
	}
	if _, ok := m.Routes["/"]; !ok {
		add([]string{"routes"}, "there is no route /")
	}
	port := false
	text := func(path []string, s string) {
		for _, name := range placeholdersIn(s) {
			switch {
			case !slices.Contains(placeholders, name):
				add(path, "unknown placeholder {%s}; there are {%s}", name, strings.Join(placeholders, "} {"))
			case name == "workers" && m.Workers == nil, name == "threads" && m.Threads == nil:
				add(path, "{%s} is used, but %s is not declared", name, name)
			}
			port = port || name == "port"
		}
	}
	for i, s := range m.Command {
		text([]string{"command", fmt.Sprint(i)}, s)
	}
	for _, k := range slices.Sorted(maps.Keys(m.Environment)) {
		text([]string{"environment", k}, m.Environment[k])
	}
	if !port {
		add([]string{"command"}, "neither command nor environment uses {port}, so the server cannot be told where to listen")
	}
	for i, argv := range m.Prepare.Commands {
		for j, s := range argv {
			text([]string{"prepare", "commands", fmt.Sprint(i), fmt.Sprint(j)}, s)
		}
	}
	for name, p := range map[string]*Parameter{"workers": m.Workers, "threads": m.Threads} {
		if p != nil && p.Default > p.Max {
			add([]string{name, "default"}, "%d is above max %d", p.Default, p.Max)
		}
	}
	return errors.Join(errs...)
}

// placeholdersIn lists the names in braces. Braces around anything else than
// lower-case letters are left alone, so that JSON may stand in an argument.
func placeholdersIn(s string) []string {
	var names []string
	for {
		open := strings.IndexByte(s, '{')
		if open < 0 {
			return names
		}
		s = s[open+1:]
		end := strings.IndexFunc(s, func(r rune) bool { return r < 'a' || r > 'z' })
		if end > 0 && s[end] == '}' {
			names = append(names, s[:end])
		}
	}
}

// skipped are files that tools leave beside sources and that are no part of a server.
func skipped(name string) bool {
	return name == "node_modules" || name == "__pycache__" || name == ".venv" || strings.HasPrefix(name, ".")
}

// A server's own files are sources and locks; more than this is a mistake,
// such as an environment installed into the folder.
const maxFiles, maxBytes = 2000, 32 << 20

func addFiles(into map[string][]byte, fsys fs.FS, dir string) error {
	total := 0
	return fs.WalkDir(fsys, dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if file != dir && skipped(d.Name()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		if total += len(data); total > maxBytes || len(into) >= maxFiles {
			return fmt.Errorf("%s holds more than %d files or %d MiB: keep installed packages out of it", dir, maxFiles, maxBytes>>20)
		}
		if rel := strings.TrimPrefix(file, dir+"/"); rel != ManifestFile {
			into[rel] = data
		}
		return nil
	})
}

// hashFiles is a SHA-256 over names and contents, in hexadecimal.
func hashFiles(files map[string][]byte, extra ...string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h.Write(fmt.Appendf(nil, "%d %s %d ", len(name), name, len(files[name])))
		h.Write(files[name])
	}
	for _, s := range extra {
		h.Write(fmt.Appendf(nil, "%d %s", len(s), s))
	}
	return hex.EncodeToString(h.Sum(nil))
}
