package runners

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a name in PATH stands for may depend on the folder and on the
// environment: version managers (pyenv, asdf, mise, volta, rbenv, nodenv) put shims there, which
// start another program in another folder. The harness starts a server in a
// folder of its own, so a version that it reads where its user stands
// need not be the one that it measures. Two rules keep both the same:
//
//   - An interpreter is asked where the user stands which file it is. That
//     file is used from then on, and the folder has no say any more.
//   - Whatever cannot tell is asked for its version where it will run, with the
//     environment that it will have.

// interpreters tell which file they are: how each is asked.
var interpreters = []question{
	// What Python says of itself is not resolved any further: in a virtual environment it is a link, and means it.
	{regexp.MustCompile(`^(python|pypy)[\d.]*t?$`), []string{"-I", "-c", "import sys, sysconfig; print(sys.executable, sysconfig.get_config_var('SOABI'), sep='\\t')"}},
	{regexp.MustCompile(`^node(js)?$`), []string{"-p", "process.execPath + '\\t' + process.versions.modules"}},
	{regexp.MustCompile(`^ruby[\d.]*$`), []string{"-e", "require 'rbconfig'; puts RbConfig.ruby"}},
	{regexp.MustCompile(`^perl[\d.]*$`), []string{"-e", "print $^X"}},
	{regexp.MustCompile(`^php[\d.]*$`), []string{"-r", "echo PHP_BINARY;"}},
	{regexp.MustCompile(`^deno$`), []string{"eval", "console.log(Deno.execPath())"}},
	{regexp.MustCompile(`^bun$`), []string{"-e", "console.log(process.execPath)"}},
}

type question struct {
	name *regexp.Regexp // of the executable
	args []string       // with which it prints its own path, and after a tab its binary interface
}

// answerTime is how long an executable may take to say what it is.
const answerTime = 20 * time.Second

// pinned is an interpreter's own file, its binary interface if it tells, and its version.
type pinned struct{ path, abi, version string }

// resolve finds what m needs: the files and versions that will run, and the
// PATH with which everything of the server is started.
func (p *Preparer) resolve(ctx context.Context, in *Installed, locks Files) error {
	if err := p.pin(ctx, in); err != nil {
		return err
	}
	var open []Need // those that only tell a version, and only where they run
	for _, need := range in.Needs {
		if in.Executables[need.Executable] != "" {
			continue
		}
		path := lookIn(in.search, need.Executable)
		if path == "" {
			return &Unavailable{in.Name, need.Executable + " is not installed", need.Install}
		}
		in.Executables[need.Executable] = path
		open = append(open, need)
	}
	if len(open) > 0 {
		if err := p.probeInPlace(ctx, in, locks, open); err != nil {
			return err
		}
	}
	for _, need := range in.Needs {
		if v := in.Versions[need.Executable]; need.tooOld(v) {
			return &Unavailable{in.Name, fmt.Sprintf("%s is version %s%s, but at least %s is needed", need.Executable, v, in.elsewhere(ctx, need), need.Oldest), need.Install}
		}
	}
	return nil
}

// pin fills in the interpreters among the needs, and the PATH with which
// children of the server find the very same, and what lies beside them.
func (p *Preparer) pin(ctx context.Context, in *Installed) error {
	if p.pins == nil {
		p.pins, p.search = map[string]pinned{}, absolutePath(os.Getenv("PATH"))
	}
	var folders []string
	for _, need := range in.Needs {
		first := lookIn(p.search, need.Executable)
		if first == "" {
			continue // perhaps it lies beside an interpreter
		}
		real := p.interpreter(ctx, need, first, "")
		if real.path != "" && need.tooOld(real.version) {
			// What this folder chose will not do. What any other folder has, may.
			if other := p.interpreter(ctx, need, first, filepath.Join(p.Cache, "servers")); other.path != "" && !need.tooOld(other.version) {
				real = other
			}
		}
		if real.path == "" {
			continue
		}
		in.Executables[need.Executable], in.Versions[need.Executable] = real.path, real.version
		in.abis = append(in.abis, real.abi)
		if dir := filepath.Dir(real.path); !alike(first, real.path) && !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	in.search = strings.Join(append(folders, p.search), string(os.PathListSeparator))
	return p.wrap(in)
}

// interpreter is the file that runs under a name in a folder, this one if dir
// is empty. It is nothing if the executable is none of those that can tell.
func (p *Preparer) interpreter(ctx context.Context, need Need, first, dir string) pinned {
	i := slices.IndexFunc(interpreters, func(q question) bool { return q.name.MatchString(need.Executable) })
	if i < 0 {
		return pinned{}
	}
	key := strings.Join(append(need.versionArgs(), need.Executable, dir), "\x00")
	if known, ok := p.pins[key]; ok {
		return known
	}
	var real pinned
	real.path, real.abi = ask(ctx, first, dir, interpreters[i].args)
	if real.path != "" {
		var err error
		if real.version, err = need.version(ctx, "", real.path, dir, environmentIn("")); err != nil {
			real = pinned{}
		}
	}
	p.pins[key] = real
	return real
}

// ask lets an interpreter say where it lies, and its binary interface; nothing if it does not.
func ask(ctx context.Context, path, dir string, args []string) (real, abi string) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, environmentIn(dir), time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", ""
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n") // what a start-up file prints comes before
	real, abi, _ = strings.Cut(strings.TrimSpace(lines[len(lines)-1]), "\t")
	if !filepath.IsAbs(real) || !executable(real) {
		return "", ""
	}
	return real, abi
}

// environmentIn is this process's environment for a shim in a folder, which may go by what it
// says of the folder. What would change the interpreter behind it is left out.
func environmentIn(dir string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(name, "PYTHON") || name == "NODE_OPTIONS" || name == "NODE_PATH" || name == "RUBYOPT" || name == "PERL5OPT"
	})
	if dir == "" {
		return env
	}
	return append(env, "PWD="+dir)
}

// wrap puts names before the PATH that it would still resolve to something else:
// a folder that one interpreter needs may hold another one of the other's name.
func (p *Preparer) wrap(in *Installed) error {
	scripts := Files{}
	for name, path := range in.Executables {
		if !alike(lookIn(in.search, name), path) {
			// No link: through it Python would not find its virtual environment.
			scripts[name] = File{Mode: runMode, Data: []byte("#!/bin/sh\nexec '" + strings.ReplaceAll(path, "'", `'\''`) + "' \"$@\"\n")}
		}
	}
	if len(scripts) == 0 {
		return nil
	}
	dir := filepath.Join(p.Cache, "bin", scripts.hash()[:16])
	if err := scripts.write(dir); err != nil {
		return p.cannot(in, err)
	}
	in.search = dir + string(os.PathListSeparator) + in.search
	return nil
}

// probeInPlace reads versions where the executables will run: a copy of the
// server as it will be installed, in the same parent folder, with the
// environment of what uses each.
func (p *Preparer) probeInPlace(ctx context.Context, in *Installed, locks Files, needs []Need) error {
	parent := filepath.Join(p.Cache, "servers")
	dir, err := os.MkdirTemp(parent, in.Name+"-probe-*")
	if err != nil { // a cache that may only be read
		dir, err = os.MkdirTemp("", in.Name+"-probe-*")
	}
	if err != nil {
		return fmt.Errorf("prepare server %q: %w", in.Name, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	there := *in
	there.Env, there.Src = filepath.Join(dir, "env"), filepath.Join(dir, "env", "src")
	if err := errors.Join(locks.write(there.Env), in.Files.write(there.Src)); err != nil {
		return fmt.Errorf("prepare server %q: %w", in.Name, err)
	}
	for _, need := range needs {
		v, err := there.versionInUse(ctx, need)
		if err != nil {
			return err
		}
		in.Versions[need.Executable] = v
	}
	return nil
}

// versionInUse is an executable's version where the server uses it: as its
// dependencies are installed, as it runs, or both, and then it has to be one.
func (in *Installed) versionInUse(ctx context.Context, need Need) (string, error) {
	path := in.Executables[need.Executable]
	installing := in.prepareEnvironment(in.Env, "")
	installs := slices.ContainsFunc(in.Prepare.Commands, func(argv []string) bool { return mentions(argv, need.Executable) })
	runs := mentions(in.Command, need.Executable)
	if !runs && (installs || len(in.Prepare.Commands) > 0) {
		return need.version(ctx, in.Name, path, in.Env, installing)
	}
	v, err := need.version(ctx, in.Name, path, in.Src, in.environment(Variant{}, nil))
	if err != nil || !installs {
		return v, err
	}
	before, err := need.version(ctx, in.Name, path, in.Env, installing)
	if err == nil && before != v {
		err = &Unavailable{
			in.Name, fmt.Sprintf("%s is version %s where the dependencies are installed, and %s where the server runs", need.Executable, before, v),
			path + " starts another program for another folder or environment: put the folder of the program itself before it in PATH",
		}
	}
	return v, err
}

// elsewhere explains a version that its user does not see in this folder.
func (in *Installed) elsewhere(ctx context.Context, need Need) string {
	here, err := need.version(ctx, in.Name, in.Executables[need.Executable], "", environmentIn(""))
	if err != nil || here == in.Versions[need.Executable] {
		return ""
	}
	return fmt.Sprintf(" where the server runs (%s in this folder)", here)
}

// mentions says whether a command has an executable among its words.
func mentions(argv []string, name string) bool {
	return slices.ContainsFunc(argv, func(arg string) bool {
		return slices.ContainsFunc(strings.FieldsFunc(arg, func(r rune) bool { return strings.ContainsRune(" \t\n;&|()", r) }), func(word string) bool {
			return word == name || filepath.Base(word) == name
		})
	})
}

// A version has dots, but for the first of a release line, as in "openjdk 21 2023-09-19".
var (
	versionNumber = regexp.MustCompile(`\d+(?:\.\d+)+`)
	wholeNumber   = regexp.MustCompile(`\b\d+\b`)
)

func (n Need) versionArgs() []string {
	if len(n.Version) == 0 {
		return []string{"--version"}
	}
	return slices.Clone(n.Version)
}

// version runs an executable in a folder, this one if dir is empty, and reads
// its version from what it prints.
func (n Need) version(parent context.Context, server, path, dir string, env []string) (string, error) {
	ctx, cancel := context.WithTimeout(parent, answerTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, n.versionArgs()...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, time.Second
	out, err := cmd.CombinedOutput()
	if parent.Err() != nil {
		return "", parent.Err()
	}
	found := cmp.Or(versionNumber.FindString(string(out)), wholeNumber.FindString(string(out)))
	if err != nil || found == "" {
		return "", &Unavailable{server, fmt.Sprintf("%s %s does not tell its version", n.Executable, strings.Join(n.versionArgs(), " ")), n.Install}
	}
	return found, nil
}

func (n Need) tooOld(version string) bool { return n.Oldest != "" && older(version, n.Oldest) }

// older compares versions number by number; a missing number is 0.
func older(a, b string) bool {
	num := func(v string) []int {
		var ns []int
		for part := range strings.SplitSeq(v, ".") {
			n, _ := strconv.Atoi(part)
			ns = append(ns, n)
		}
		for len(ns) > 0 && ns[len(ns)-1] == 0 {
			ns = ns[:len(ns)-1]
		}
		return ns
	}
	return slices.Compare(num(a), num(b)) < 0
}

// absolutePath is a PATH that means the same in every folder: what is relative
// in it is relative to this one.
func absolutePath(path string) string {
	var dirs []string
	for _, dir := range filepath.SplitList(path) {
		if abs, err := filepath.Abs(dir); err == nil && dir != "" {
			dirs = append(dirs, abs)
		}
	}
	return strings.Join(dirs, string(os.PathListSeparator))
}

// lookIn finds an executable in a PATH, or nothing. exec.LookPath knows this process's PATH only.
func lookIn(path, name string) string {
	if strings.ContainsRune(name, filepath.Separator) {
		return ""
	}
	for _, dir := range filepath.SplitList(path) {
		if file := filepath.Join(dir, name); executable(file) {
			return file
		}
	}
	return ""
}

func executable(file string) bool {
	st, err := os.Stat(file)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// alike says whether two paths lead to one program. Links to one Python in two
// virtual environments do not: each finds its own packages.
func alike(a, b string) bool {
	sa, errA := os.Stat(a)
	sb, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(sa, sb) && virtualEnvironment(a) == virtualEnvironment(b)
}

// virtualEnvironment is the folder of the one that a Python belongs to, if it does.
func virtualEnvironment(python string) string {
	dir := filepath.Dir(filepath.Dir(python))
	if _, err := os.Stat(filepath.Join(dir, "pyvenv.cfg")); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return dir
}
