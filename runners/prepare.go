package runners

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Unavailable says that a server cannot take part on this machine, and what
// would mend it.
type Unavailable struct {
	Server, Reason, Hint string
}

func (e *Unavailable) Error() string { return fmt.Sprintf("server %q: %s", e.Server, e.Reason) }

// Installed is a server whose dependencies are in place.
type Installed struct {
	*Manifest
	Env      string            // folder of the installed dependencies
	Src      string            // folder of the server's own files; its working directory
	Versions map[string]string // executable -> version
	Key      string            // SHA-256 over lock files, sources, manifest commands and versions

	// Executables is what runs under each needed name, behind any shims: absolute paths.
	Executables map[string]string

	search string // PATH of everything that is started for it; empty: that of this process
}

// Preparer installs servers into a cache folder.
type Preparer struct {
	Cache string    // folder; created if need be
	Log   io.Writer // what the installers print
	// LogName is the name of Log for messages.
	LogName string
	// Guard is what the installers run under; see Options.
	Guard []string
	// Note, if set, is called before an installation that may take long.
	Note func(server string)

	pins   map[string]pinned // interpreters by name and folder, each asked once
	search string            // PATH, in absolute paths
}

// DefaultCache is where the dependencies of servers are installed unless told otherwise.
func DefaultCache() (string, error) {
	if dir := os.Getenv("HELLOBENCH_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w (set HELLOBENCH_CACHE)", err)
	}
	return filepath.Join(dir, "hellobench"), nil
}

// readyMark is the file that says that an environment is complete.
const readyMark = ".complete"

// Prepare installs what m needs, unless it is there already, and returns an
// *Unavailable error if something is missing that it cannot install.
func (p *Preparer) Prepare(ctx context.Context, m *Manifest) (*Installed, error) {
	in := &Installed{Manifest: m, Versions: map[string]string{}, Executables: map[string]string{}}
	locks := map[string][]byte{}
	for _, name := range m.Prepare.Lock {
		locks[filepath.Base(name)] = m.Files[filepath.ToSlash(filepath.Clean(name))]
	}
	if err := os.MkdirAll(filepath.Join(p.Cache, "servers"), 0o755); err != nil {
		return nil, fmt.Errorf("prepare server %q: %w", m.Name, err)
	}
	if err := p.resolve(ctx, in, locks); err != nil {
		return nil, err
	}
	envKey := hashFiles(locks, fmt.Sprint(m.Prepare.Commands), fmt.Sprint(in.Versions), runtime.GOOS, runtime.GOARCH)
	srcKey := hashFiles(m.Files)
	if m.buildsSources() {
		envKey = hashFiles(m.Files, envKey)
	}
	in.Key = hashFiles(m.Files, envKey, fmt.Sprint(m.Command), fmt.Sprint(m.Environment))
	in.Env = filepath.Join(p.Cache, "servers", m.Name+"-"+envKey[:16])
	in.Src = filepath.Join(in.Env, "src-"+srcKey[:16])
	unlock, err := lock(ctx, in.Env+".lock")
	if err != nil {
		return nil, fmt.Errorf("prepare server %q: %w", m.Name, err)
	}
	defer unlock()
	if err := p.install(ctx, in, locks); err != nil {
		return nil, err
	}
	if err := writeFiles(in.Src, m.Files); err != nil {
		return nil, fmt.Errorf("prepare server %q: %w", m.Name, err)
	}
	return in, nil
}

// buildsSources says whether what is prepared depends on more than the lock
// files. The environment is then a new one for every change of the sources:
// otherwise a program of yesterday would be measured.
func (m *Manifest) buildsSources() bool {
	for _, argv := range m.Prepare.Commands {
		if slices.ContainsFunc(argv, func(s string) bool { return slices.Contains(placeholdersIn(s), "src") }) {
			return true
		}
	}
	return false
}

// install fills in.Env unless it is complete. An environment that was begun
// and not finished is built anew.
func (p *Preparer) install(ctx context.Context, in *Installed, locks map[string][]byte) error {
	mark := filepath.Join(in.Env, readyMark)
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	if err := os.RemoveAll(in.Env); err != nil {
		return fmt.Errorf("prepare server %q: %w", in.Name, err)
	}
	// The sources lie in the environment before the commands run, since a
	// command may build them.
	if err := writeFiles(in.Env, locks); err != nil {
		return fmt.Errorf("prepare server %q: %w", in.Name, err)
	}
	if err := writeFiles(in.Src, in.Files); err != nil {
		return fmt.Errorf("prepare server %q: %w", in.Name, err)
	}
	if p.Note != nil && len(in.Prepare.Commands) > 0 {
		p.Note(in.Name)
	}
	for _, argv := range in.Prepare.Commands {
		if err := p.command(ctx, in, in.expand(argv, nil)); err != nil {
			return err
		}
	}
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		return fmt.Errorf("prepare server %q: %w", in.Name, err)
	}
	return nil
}

func (p *Preparer) command(ctx context.Context, in *Installed, argv []string) error {
	var tail tailWriter
	out := io.Writer(&tail)
	if p.Log != nil {
		_, _ = fmt.Fprintf(p.Log, "# %s: %s\n", in.Name, strings.Join(append([]string{in.program(argv[0])}, argv[1:]...), " "))
		out = io.MultiWriter(&tail, p.Log)
	}
	cmd := exec.Command(in.program(argv[0]), argv[1:]...) //nolint:noctx // its guard ends it
	cmd.Dir, cmd.Env = in.Env, in.prepareEnvironment(in.Env)
	cmd.Stdout, cmd.Stderr = out, out
	err := runGuarded(ctx, p.Guard, cmd)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &Unavailable{
			Server: in.Name,
			Reason: fmt.Sprintf("installing its dependencies failed: %s: %v: %s", strings.Join(argv[:min(len(argv), 4)], " "), err, tail.last()),
			Hint:   p.hint(in),
		}
	}
	return nil
}

// hint names what an installation may lack: a part of its tools, or the way to the registry.
func (p *Preparer) hint(in *Installed) string {
	var mend []string
	for _, need := range in.Needs {
		mend = append(mend, need.Install)
	}
	hint := "is all of it installed (" + strings.Join(mend, "; ") + "), and does this machine reach the package registry? Then run again"
	if p.LogName != "" {
		hint += "; all that was printed is in " + p.LogName
	}
	return hint
}

// writeFiles makes a folder with the given files; one that exists already is
// kept, since its name holds the hash of its content.
func writeFiles(dir string, files map[string][]byte) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	tmp := dir + ".partial"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	for name, data := range files {
		file := filepath.Join(tmp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return os.Rename(tmp, dir)
}

// lock keeps two harnesses from installing the same environment at once. It
// waits for the other one; the lock ends with its holder.
func lock(ctx context.Context, file string) (unlock func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", file, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// expand replaces the placeholders; {env} and {src} are always known.
func (in *Installed) expand(argv []string, values map[string]string) []string {
	pairs := []string{"{env}", in.Env, "{src}", in.Src}
	for k, v := range values {
		pairs = append(pairs, "{"+k+"}", v)
	}
	r := strings.NewReplacer(pairs...)
	out := make([]string, len(argv))
	for i, s := range argv {
		out[i] = r.Replace(s)
	}
	return out
}

// program is the file that the first word of a command stands for: what was
// found for it once, or what the server's own PATH has under that name.
func (in *Installed) program(word string) string {
	if path := in.Executables[word]; path != "" {
		return path
	}
	if path := lookIn(in.search, word); path != "" {
		return path
	}
	return word
}

// prepareEnvironment is that of the commands that install a server, in folder dir.
func (in *Installed) prepareEnvironment(dir string) []string {
	return append(environmentIn(dir), "NODE_ENV=production", "PATH="+in.search)
}

// environment is that of the server itself.
func (in *Installed) environment(values map[string]string) []string {
	env := cleanEnvironment()
	if in.search != "" {
		env = append(env, "PATH="+in.search)
	}
	for k, v := range in.Environment {
		env = append(env, k+"="+in.expand([]string{v}, values)[0])
	}
	return env
}

// tailWriter keeps the end of what is written to it.
type tailWriter struct{ buf []byte }

const tailBytes = 4096

func (t *tailWriter) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*tailBytes {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailBytes:]...)
	}
	return len(p), nil
}

// last is the last line that looks like an error, else the last line at all.
func (t *tailWriter) last() string { return lastLine(t.buf) }

func lastLine(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for _, l := range slices.Backward(lines) {
		if lower := bytes.ToLower(l); bytes.Contains(lower, []byte("error")) {
			return printable(l)
		}
	}
	return printable(lines[len(lines)-1])
}

// printable is one line of foreign output, safe for a terminal and of bounded length.
func printable(line []byte) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(line), "?"))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
