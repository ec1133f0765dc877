// Package runners turns a folder with a manifest into a running server:
// install what it needs, start it, wait until it answers, check the answers,
// meter its whole process tree, stop it. It puts no load on a server and
// decides nothing about measurements.
package runners

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/yamlfile"
)

// ManifestFile is the name of the manifest in a server's folder.
const ManifestFile = "server.yaml"

// Manifest says how one server is installed, started and asked. Its fields
// are those of docs/formats/server.schema.json.
type Manifest struct {
	Schema      int                `yaml:"schema"`
	Name        string             `yaml:"name"`
	Title       string             `yaml:"title"`
	Runtime     string             `yaml:"runtime"`
	Article     string             `yaml:"article"`
	Include     []string           `yaml:"include"`
	Needs       []Need             `yaml:"needs"`
	Prepare     Prepare            `yaml:"prepare"`
	Command     []string           `yaml:"command"`
	Environment map[string]string  `yaml:"environment"`
	Ready       Ready              `yaml:"ready"`
	Routes      map[string]Route   `yaml:"routes"`
	KeepAlive   string             `yaml:"keep_alive"`
	Workers     *Parameter         `yaml:"workers"`
	Threads     *Parameter         `yaml:"threads"`
	Variants    map[string]Variant `yaml:"variants"`
	Explain     []string           `yaml:"explain"` // a profiler that leaves folded stacks in {out} after {seconds} of the process {pid}

	// Files are all files of the server, its own and the included ones.
	Files Files  `yaml:"-"`
	text  []byte // of the manifest itself
	// LeftOut are entries of the folders that the server's copy lacks, each with the reason.
	LeftOut []string `yaml:"-"`
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

// Parameter is a count that an arm may set.
type Parameter struct {
	Default int `yaml:"default"`
	Max     int `yaml:"max"`
}

// Variant is the same server started in another way.
type Variant struct {
	Title       string            `yaml:"title"`
	Command     []string          `yaml:"command"`     // in the place of the server's; none: the server's
	Environment map[string]string `yaml:"environment"` // in addition to the server's
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
	m, doc, err := decodeManifest(file, data, path.Base(name))
	if err != nil {
		return nil, err
	}
	for i, inc := range m.Include {
		dir := path.Join(name, inc)
		if !fs.ValidPath(dir) {
			return nil, doc.Errorf([]string{"include", fmt.Sprint(i)}, "%q leads out of the folder of servers", inc)
		}
		leftOut, err := m.Files.add(fsys, dir)
		m.LeftOut = append(m.LeftOut, leftOut...)
		if err != nil {
			return nil, doc.Errorf([]string{"include", fmt.Sprint(i)}, "%v", err)
		}
	}
	leftOut, err := m.Files.add(fsys, name)
	m.LeftOut = append(m.LeftOut, leftOut...)
	if err != nil {
		return nil, fmt.Errorf("server %q: %w", name, err)
	}
	return m, m.finish(doc)
}

// decodeManifest reads a manifest without its files.
func decodeManifest(file string, text []byte, folder string) (*Manifest, *yamlfile.Document, error) {
	m := &Manifest{Ready: Ready{Path: "/"}, KeepAlive: "both", Files: Files{}, text: text}
	doc, err := yamlfile.Decode(file, text, "server", m)
	if err != nil {
		return nil, nil, err
	}
	return m, doc, m.check(doc, folder)
}

// finish checks what takes the files.
func (m *Manifest) finish(doc *yamlfile.Document) error {
	return errors.Join(m.readRoutes(doc), m.checkLocks(doc))
}

// Source is a server as it is sent to another machine.
type Source struct {
	Name  string `json:"name"`
	Text  []byte `json:"manifest"` // of server.yaml
	Files Files  `json:"files"`
}

// Source is what Manifest makes the server of again.
func (m *Manifest) Source() Source { return Source{m.Name, m.text, m.Files} }

// Manifest is the server as Load read it from its folder.
func (s Source) Manifest() (*Manifest, error) {
	m, doc, err := decodeManifest(path.Join(s.Name, ManifestFile), s.Text, s.Name)
	if err != nil {
		return nil, err
	}
	m.Files = s.Files
	return m, m.finish(doc)
}

// checkLocks finds lock files that are missing, or would overwrite each other.
func (m *Manifest) checkLocks(doc *yamlfile.Document) error {
	bases := map[string]bool{}
	for i, lock := range m.Prepare.Lock {
		if base := path.Base(lock); bases[base] {
			return doc.Errorf([]string{"prepare", "lock", fmt.Sprint(i)}, "two files are called %q; they are copied into one folder", base)
		}
		bases[path.Base(lock)] = true
		if f, ok := m.Files[path.Clean(lock)]; !ok || f.Mode&^fs.ModePerm != 0 {
			return doc.Errorf([]string{"prepare", "lock", fmt.Sprint(i)}, "there is no file %q in the folder", lock)
		}
	}
	return nil
}

var (
	placeholders = []string{"host", "port", "workers", "threads", "env", "src"} // of what starts a server
	prepared     = []string{"env", "src"}                                       // of what installs it
	explained    = []string{"pid", "seconds", "out"}                            // of what profiles it
)

// placeholder is a name of lower-case letters in braces. Braces around anything else are
// no placeholder: an argument may be JSON.
var placeholder = regexp.MustCompile(`\{([a-z]+)\}`)

// check finds what a schema cannot say.
func (m *Manifest) check(doc *yamlfile.Document, folder string) error {
	var errs []error
	add := func(path []string, format string, args ...any) {
		errs = append(errs, doc.Errorf(path, format, args...))
	}
	if m.Name != folder {
		add([]string{"name"}, "is %q, but the folder is called %q", m.Name, folder)
	}
	text := func(path []string, s string, known []string) (used []string) {
		for _, match := range placeholder.FindAllStringSubmatch(s, -1) {
			name := match[1]
			used = append(used, name)
			switch {
			case !slices.Contains(known, name):
				add(path, "unknown placeholder {%s}; there are {%s}", name, strings.Join(known, "} {"))
			case name == "workers" && m.Workers == nil, name == "threads" && m.Threads == nil:
				add(path, "{%s} is used, but %s is not declared", name, name)
			}
		}
		return used
	}
	words := func(at []string, key string, command, known []string) (used []string) {
		for i, s := range command {
			used = append(used, text(append(slices.Clone(at), key, fmt.Sprint(i)), s, known)...)
		}
		return used
	}
	environment := func(at []string, environment map[string]string) (used []string) {
		for _, k := range slices.Sorted(maps.Keys(environment)) {
			used = append(used, text(append(slices.Clone(at), "environment", k), environment[k], placeholders)...)
		}
		return used
	}
	const noPort = "neither command nor environment uses {port}, so the server cannot be told where to listen"
	command, always := words(nil, "command", m.Command, placeholders), environment(nil, m.Environment)
	if !slices.Contains(slices.Concat(command, always), "port") {
		add([]string{"command"}, noPort)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Variants)) {
		at, v := []string{"variants", name}, m.Variants[name]
		own := words(at, "command", v.Command, placeholders)
		if used := environment(at, v.Environment); len(v.Command) > 0 && !slices.Contains(slices.Concat(own, used, always), "port") {
			add(append(at, "command"), noPort)
		}
	}
	for i, argv := range m.Prepare.Commands {
		words([]string{"prepare", "commands"}, fmt.Sprint(i), argv, prepared)
	}
	if used := words(nil, "explain", m.Explain, explained); len(m.Explain) > 0 && !slices.Contains(used, "out") {
		add([]string{"explain"}, "does not use {out}, so the profiler cannot be told where to leave its stacks")
	}
	for name, p := range map[string]*Parameter{"workers": m.Workers, "threads": m.Threads} {
		if p != nil && p.Default > p.Max {
			add([]string{name, "default"}, "%d is above max %d", p.Default, p.Max)
		}
	}
	return errors.Join(errs...)
}
