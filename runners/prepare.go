package runners

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
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

	abis   []string // of the interpreters: what is compiled for one does not run in another
	search string   // PATH of everything that is started for it; empty: that of this process
}

// Preparer installs servers into a cache folder.
type Preparer struct {
	Cache string // folder; created if need be; what the installers print goes to the end of its file LogName
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

// Prepare installs what m needs, unless it is there already, and returns an
// *Unavailable error if something is missing that it cannot install. A cache that
// holds all of it is only read.
func (p *Preparer) Prepare(ctx context.Context, m *Manifest) (*Installed, error) {
	in := &Installed{Manifest: m, Versions: map[string]string{}, Executables: map[string]string{}}
	locks := Files{}
	for _, name := range m.Prepare.Lock {
		locks[path.Base(name)] = m.Files[path.Clean(name)]
	}
	_ = os.MkdirAll(filepath.Join(p.Cache, "servers"), 0o755) // where it is missing and needed, what follows says so
	if err := p.resolve(ctx, in, locks); err != nil {
		return nil, err
	}
	what := locks.hash(fmt.Sprint(m.Prepare.Commands), fmt.Sprint(in.Versions), runtime.GOOS, runtime.GOARCH)
	if m.buildsSources() {
		what = m.Files.hash(what)
	}
	in.Key = m.Files.hash(what, fmt.Sprint(m.Command), fmt.Sprint(m.Environment))
	// The folder is that of this machine: what is compiled for one C library or one
	// interpreter does not run on another, and an interpreter is bound to its path.
	folder := Files{}.hash(what, fmt.Sprint(in.Executables), strings.Join(in.abis, " "), libc())
	in.Env = filepath.Join(p.Cache, "servers", m.Name+"-"+folder[:16])
	in.Src = filepath.Join(in.Env, "src-"+m.Files.hash()[:16])
	if complete(in) {
		return in, nil // without a lock and without writing: the cache may be read-only
	}
	if err := os.MkdirAll(filepath.Dir(in.Env), 0o755); err != nil {
		return nil, p.cannot(in, err)
	}
	unlock, err := lock(ctx, in.Env+".lock")
	if err != nil {
		return nil, p.cannot(in, err)
	}
	defer unlock()
	if err := p.install(ctx, in, locks); err != nil {
		return nil, p.cannot(in, err)
	}
	return in, nil
}

// cannot adds to an error what to do about a cache in which nothing can be written.
func (p *Preparer) cannot(in *Installed, err error) error {
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		return &Unavailable{
			in.Name, fmt.Sprintf("the cache folder lacks its installation and cannot be written: %v", err),
			"set HELLOBENCH_CACHE to a folder that can be written, or run once as a user who may write " + p.Cache,
		}
	}
	var u *Unavailable
	if errors.As(err, &u) || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("prepare server %q: %w", in.Name, err)
}

// buildsSources says whether what is prepared depends on more than the lock
// files. The environment is then a new one for every change of the sources:
// otherwise a program of yesterday would be measured.
func (m *Manifest) buildsSources() bool {
	return slices.ContainsFunc(slices.Concat(m.Prepare.Commands...), func(s string) bool { return strings.Contains(s, "{src}") })
}

// install fills in.Env and in.Src unless they are complete. An environment that was begun and
// not finished, or of which something is gone, is built anew. It is marked as complete once the
// server has started: commands that succeed may have installed something else, elsewhere or nothing.
func (p *Preparer) install(ctx context.Context, in *Installed, locks Files) error {
	whole := intact(in.Env)
	if !whole {
		if err := errors.Join(os.RemoveAll(in.Env), locks.write(in.Env)); err != nil {
			return err
		}
	}
	if !holds(in.Src, in.Files) {
		if err := errors.Join(os.RemoveAll(in.Src), in.Files.write(in.Src)); err != nil { // before the commands run, since one may build them
			return err
		}
	}
	if whole {
		return nil
	}
	if len(in.Prepare.Commands) > 0 {
		if p.Note != nil {
			p.Note(in.Name)
		}
		if err := p.commands(ctx, in); err != nil {
			return err
		}
		if err := p.tryOut(ctx, in); err != nil {
			return err
		}
	}
	return writeMark(in.Env)
}

// commands runs what installs a server.
func (p *Preparer) commands(ctx context.Context, in *Installed) error {
	npmrc, done, err := npmrcFile(in.Env, in.Executables["node"])
	if err != nil {
		return err
	}
	defer done()
	log, err := os.OpenFile(p.LogName(), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer func() { cutLog(log); _ = log.Close() }()
	for _, argv := range in.Prepare.Commands {
		if err := p.command(ctx, in, in.expand(argv, nil), in.prepareEnvironment(in.Env, npmrc), log); err != nil {
			return err
		}
	}
	return nil
}

// tryOut starts what was installed once.
func (p *Preparer) tryOut(ctx context.Context, in *Installed) error {
	server, err := Start(ctx, in, Options{Guard: p.Guard})
	if err == nil {
		return server.Stop()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Unavailable{Server: in.Name, Reason: "its dependencies are installed, but it does not start: " + err.Error(), Hint: p.hint(in)}
}

func (p *Preparer) command(ctx context.Context, in *Installed, argv, env []string, log io.Writer) error {
	var tail tailWriter
	_, _ = fmt.Fprintf(log, "# %s: %s\n", in.Name, strings.Join(append([]string{in.program(argv[0])}, argv[1:]...), " "))
	cmd := exec.Command(in.program(argv[0]), argv[1:]...) //nolint:noctx // its guard ends it
	cmd.Dir, cmd.Env = in.Env, env
	cmd.Stdout = io.MultiWriter(&tail, log)
	cmd.Stderr = cmd.Stdout
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

// LogName is the file that keeps what the installers print.
func (p *Preparer) LogName() string { return filepath.Join(p.Cache, "prepare.log") }

// hint names what an installation may lack: a part of its tools, or the way to the registry.
func (p *Preparer) hint(in *Installed) string {
	var mend []string
	for _, need := range in.Needs {
		mend = append(mend, need.Install)
	}
	return "is all of it installed (" + strings.Join(mend, "; ") + "), and does this machine reach the package registry? Then run again; all that was printed is in " + p.LogName()
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
		if !errors.Is(err, syscall.EWOULDBLOCK) { // some file systems have no locks
			return func() { _ = f.Close() }, nil
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

// Size is what the server and its installed packages take on disk, in bytes, without
// its runtime. What cannot be read does not count.
func (in *Installed) Size() (bytes uint64) {
	_ = filepath.WalkDir(in.Env, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // it does not count
		}
		if info, err := entry.Info(); err == nil {
			bytes += uint64(info.Size())
		}
		return nil
	})
	return bytes
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

// environment is that of the server itself.
func (in *Installed) environment(variant Variant, values map[string]string) []string {
	env := cleanEnvironment()
	if in.search != "" {
		env = append(env, "PATH="+in.search)
	}
	for _, more := range []map[string]string{in.Environment, variant.Environment} {
		for k, v := range more {
			env = append(env, k+"="+in.expand([]string{v}, values)[0])
		}
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

func (t *tailWriter) last() string { return LastLine(t.buf) }

// LastLine is the last line that looks like an error, else the last line at all.
func LastLine(text []byte) string {
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
