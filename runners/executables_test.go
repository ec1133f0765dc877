package runners

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shims is a machine with a version manager: shims that go by the file .version
// in this folder or one above it, and else by the global version.
type shims struct {
	root  string // of the manager
	here  string // the folder in which hellobench is started
	cache string
	log   bytes.Buffer
}

func newShims(t *testing.T, global string) *shims {
	t.Helper()
	top := t.TempDir()
	s := &shims{root: filepath.Join(top, "manager"), here: filepath.Join(top, "here"), cache: filepath.Join(top, "cache")}
	write(t, filepath.Join(s.here, "unrelated"), "")
	write(t, filepath.Join(s.root, "global"), global)
	t.Chdir(s.here)
	t.Setenv("PATH", filepath.Join(s.root, "shims")+":"+os.Getenv("PATH"))
	return s
}

func write(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o755))
}

// add makes a shim, and what it leads to in each version; {version} is replaced.
func (s *shims) add(t *testing.T, name, program string, versions ...string) {
	t.Helper()
	write(t, filepath.Join(s.root, "shims", name), `#!/bin/sh
d=$PWD; v=$(cat '`+s.root+`/global')
while [ "$d" ]; do if [ -f "$d/.version" ]; then v=$(cat "$d/.version"); break; fi; d=${d%/*}; done
[ -z "$FAKE_VERSION" ] || v=$FAKE_VERSION
exec '`+s.root+`/versions/'$v/bin/`+name+` "$@"
`)
	for _, v := range versions {
		write(t, s.program(v, name), strings.ReplaceAll(program, "{version}", v))
	}
}

func (s *shims) program(version, name string) string {
	return filepath.Join(s.root, "versions", version, "bin", name)
}

const (
	// serve makes a program of what follows that is a server, too, where it is started as one.
	serve      = "#!/bin/sh\n" + `case "$*" in *version*) ;; *) [ -z "$SERVE" ] || exec "$SERVE" ;; esac` + "\n"
	fakePython = serve + `case "$*" in *sys.executable*) echo "$0" ;; *) echo "Python {version}" ;; esac` + "\n"
	fakeNode   = serve + `case "$*" in *execPath*) echo "noise"; echo "$0" ;; *) echo "v{version}" ;; esac` + "\n"
	fakeNpm    = serve + `echo "10.{version} on $(node --version)"` + "\n"
	fakeTool   = serve + `echo "tool {version}"` + "\n"
)

func (s *shims) prepare(t *testing.T, m *Manifest) (*Installed, error) {
	t.Helper()
	m.Name, m.Ready.Path = "x", "/"
	m.Environment = map[string]string{"SERVE": os.Args[0], "HELLOBENCH_FAKE": "plain", "PORT": "{port}"}
	s.log.Reset()
	p := &Preparer{Cache: s.cache, Guard: GuardOfTests}
	_ = os.Remove(p.LogName())
	in, err := p.Prepare(t.Context(), m)
	printed, _ := os.ReadFile(p.LogName()) // none where nothing had to be installed
	s.log.Write(printed)
	return in, err
}

func refusal(t *testing.T, err error) string {
	t.Helper()
	var u *Unavailable
	require.True(t, errors.As(err, &u), "%v", err)
	assert.NotContains(t, u.Reason, "\n")
	assert.NotEmpty(t, u.Hint)
	return u.Reason
}

// TestInterpreterOfThisFolder: the version that this folder chooses is the one
// that is recorded, that installs, that runs, and that children find.
func TestInterpreterOfThisFolder(t *testing.T) {
	s := newShims(t, "3.11.7")
	s.add(t, "python3", fakePython, "3.11.7", "3.12.1")
	write(t, filepath.Join(s.here, ".version"), "3.12.1")
	m := &Manifest{
		Needs:   []Need{{Executable: "python3", Oldest: "3.12", Install: "i"}},
		Prepare: Prepare{Commands: [][]string{{"python3", "direct"}, {"sh", "-c", "python3 child"}}},
		Command: []string{"python3", "app.py"},
	}
	in, err := s.prepare(t, m)
	require.NoError(t, err)
	real := s.program("3.12.1", "python3")
	assert.Equal(t, map[string]string{"python3": "3.12.1"}, in.Versions)
	assert.Equal(t, map[string]string{"python3": real}, in.Executables)
	assert.Equal(t, 2, strings.Count(s.log.String(), "Python 3.12.1\n"), s.log.String())
	assert.Contains(t, s.log.String(), "# x: "+real+" direct\n")
	p := &Process{in: in}
	require.NoError(t, p.configure())
	_ = p.log.Close()
	assert.Equal(t, real, p.cmd.Path)
	assert.Equal(t, real, lookIn(pathOf(p.cmd.Env), "python3"))

	key := in.Key
	write(t, filepath.Join(s.here, ".version"), "3.11.7")
	m.Needs[0].Oldest = "3.9"
	in, err = s.prepare(t, m)
	require.NoError(t, err)
	assert.Equal(t, "3.11.7", in.Versions["python3"])
	assert.NotEqual(t, key, in.Key)
	assert.Equal(t, 2, strings.Count(s.log.String(), "Python 3.11.7\n"), s.log.String())
}

func pathOf(env []string) (path string) {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v // the last one counts
		}
	}
	return path
}

// TestInterpreterOfAnyFolder: a machine that has what a server needs is not refused
// because this folder chose something older.
func TestInterpreterOfAnyFolder(t *testing.T) {
	s := newShims(t, "3.12.1")
	s.add(t, "python3", fakePython, "3.11.7", "3.12.1")
	write(t, filepath.Join(s.here, ".version"), "3.11.7")
	m := &Manifest{
		Needs:   []Need{{Executable: "python3", Oldest: "3.12", Install: "i"}},
		Prepare: Prepare{Commands: [][]string{{"python3"}}},
		Command: []string{"python3"},
	}
	in, err := s.prepare(t, m)
	require.NoError(t, err)
	assert.Equal(t, "3.12.1", in.Versions["python3"])
	assert.Contains(t, s.log.String(), "Python 3.12.1\n")
	m.Needs[0].Oldest = "3.13"
	_, err = s.prepare(t, m)
	assert.Equal(t, "python3 is version 3.11.7, but at least 3.13 is needed", refusal(t, err))
}

// TestInterpreterByEnvironment: a variable that a server does not get decides nothing.
func TestInterpreterByEnvironment(t *testing.T) {
	s := newShims(t, "18.0.0")
	s.add(t, "node", fakeNode, "18.0.0", "22.1.0")
	s.add(t, "npm", fakeNpm, "18.0.0", "22.1.0")
	t.Setenv("FAKE_VERSION", "22.1.0")
	for _, needs := range [][]Need{
		{{Executable: "node", Oldest: "20", Install: "i"}, {Executable: "npm", Oldest: "10.22", Install: "i"}},
		{{Executable: "npm", Install: "i"}, {Executable: "node", Install: "i"}}, // in any order
	} {
		in, err := s.prepare(t, &Manifest{Needs: needs, Prepare: Prepare{Commands: [][]string{{"npm", "ci"}}}, Command: []string{"node", "app.js"}, Title: needs[0].Executable})
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"node": "22.1.0", "npm": "10.22.1.0"}, in.Versions)
		assert.Equal(t, s.program("22.1.0", "npm"), in.Executables["npm"], "npm is the one of this node")
		assert.Equal(t, s.program("22.1.0", "node"), lookIn(pathOf(in.environment(Variant{}, nil)), "node"))
		require.NoError(t, os.RemoveAll(s.cache))
	}
	assert.Contains(t, s.log.String(), "10.22.1.0 on v22.1.0\n")
}

// TestTwoInterpreters: the folder of one may hold another one of the other's name.
func TestTwoInterpreters(t *testing.T) {
	s := newShims(t, "1.0.0")
	s.add(t, "python3", fakePython, "1.0.0", "2.0.0")
	s.add(t, "node", fakeNode, "1.0.0", "2.0.0")
	write(t, filepath.Join(s.root, "shims", "node"), "#!/bin/sh\nexec '"+s.program("2.0.0", "node")+"' \"$@\"\n")
	in, err := s.prepare(t, &Manifest{
		Needs:   []Need{{Executable: "python3", Install: "i"}, {Executable: "node", Install: "i"}},
		Prepare: Prepare{Commands: [][]string{{"sh", "-c", "python3 --version; node --version"}}}, Command: []string{"node"},
	})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"python3": "1.0.0", "node": "2.0.0"}, in.Versions)
	assert.Contains(t, s.log.String(), "Python 1.0.0\nv2.0.0\n", "what children find")
}

// TestUnknownShim: what cannot say which file it is, is asked where it runs.
func TestUnknownShim(t *testing.T) {
	s := newShims(t, "1.0")
	s.add(t, "tool", fakeTool, "1.0", "2.0")
	write(t, filepath.Join(s.here, ".version"), "2.0")
	m := &Manifest{
		Needs:   []Need{{Executable: "tool", Oldest: "0.9", Install: "i"}},
		Prepare: Prepare{Commands: [][]string{{"tool"}}}, Command: []string{"sh", "-c", "exec tool"},
	}
	in, err := s.prepare(t, m)
	require.NoError(t, err)
	assert.Equal(t, "1.0", in.Versions["tool"])
	assert.Contains(t, s.log.String(), "tool 1.0\n")
	m.Needs[0].Oldest = "2.0"
	_, err = s.prepare(t, m)
	assert.Equal(t, "tool is version 1.0 where the server runs (2.0 in this folder), but at least 2.0 is needed", refusal(t, err))

	// The reverse: the folder of the cache is one of those in which it is new enough.
	write(t, filepath.Join(s.here, ".version"), "1.0")
	write(t, filepath.Join(s.cache, ".version"), "2.0")
	in, err = s.prepare(t, m)
	require.NoError(t, err)
	assert.Equal(t, "2.0", in.Versions["tool"])
	assert.Contains(t, s.log.String(), "tool 2.0\n")

	// One that only installs.
	m.Command = []string{"sh", "-c", `exec "$SERVE"`}
	in, err = s.prepare(t, m)
	require.NoError(t, err)
	assert.Equal(t, "2.0", in.Versions["tool"])
	m.Command = []string{"tool"}

	// A variable that neither the installation nor the server sees.
	t.Setenv("FAKE_VERSION", "1.0")
	in, err = s.prepare(t, m)
	require.NoError(t, err)
	assert.Equal(t, "2.0", in.Versions["tool"])

	// A file that only the server has in its folder.
	m.Files, m.Needs[0].Oldest = Files{".version": {Data: []byte("1.0"), Mode: plainMode}}, ""
	_, err = s.prepare(t, m)
	assert.Equal(t, "tool is version 2.0 where the dependencies are installed, and 1.0 where the server runs", refusal(t, err))
	left, err := filepath.Glob(filepath.Join(s.cache, "servers", "*-probe-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestVirtualEnvironment: an active one is what its user means by python3.
func TestVirtualEnvironment(t *testing.T) {
	s := newShims(t, "3.12.1")
	base, venv := filepath.Join(s.root, "bin", "python3"), filepath.Join(s.root, "venv", "bin", "python3")
	write(t, base, strings.ReplaceAll(fakePython, "{version}", "3.12.1"))
	write(t, filepath.Join(s.root, "venv", "pyvenv.cfg"), "home = "+filepath.Dir(base))
	require.NoError(t, os.MkdirAll(filepath.Dir(venv), 0o755))
	require.NoError(t, os.Symlink(base, venv))
	t.Setenv("PATH", filepath.Dir(venv)+":"+filepath.Dir(base)+":"+os.Getenv("PATH"))
	in, err := s.prepare(t, &Manifest{Needs: []Need{{Executable: "python3", Install: "i"}}, Command: []string{"python3"}})
	require.NoError(t, err)
	assert.Equal(t, venv, in.Executables["python3"])
	assert.Equal(t, venv, lookIn(in.search, "python3"))
	assert.False(t, alike(venv, base))
}

// TestRelativePath: a folder in PATH that is relative means the one in which hellobench was started.
func TestRelativePath(t *testing.T) {
	s := newShims(t, "1.0")
	write(t, filepath.Join(s.here, "bin", "tool"), strings.ReplaceAll(fakeTool, "{version}", "3.0"))
	t.Setenv("PATH", "bin::"+os.Getenv("PATH"))
	in, err := s.prepare(t, &Manifest{
		Needs:   []Need{{Executable: "tool", Install: "i"}},
		Prepare: Prepare{Commands: [][]string{{"tool"}, {"sh", "-c", "tool"}}}, Command: []string{"tool"},
	})
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(s.here, "bin", "tool"), in.Executables["tool"])
	assert.Equal(t, 2, strings.Count(s.log.String(), "tool 3.0\n"))
}

func TestUnavailable(t *testing.T) {
	s := newShims(t, "1.0")
	for _, tc := range []struct {
		need Need
		want string
	}{
		{Need{Executable: "no-such-program-here", Install: "apt-get install it"}, "no-such-program-here is not installed"},
		{Need{Executable: "go", Version: []string{"version"}, Oldest: "99.1", Install: "i"}, "but at least 99.1 is needed"},
		{Need{Executable: "false", Install: "i"}, "false --version does not tell its version"},
	} {
		_, err := s.prepare(t, &Manifest{Needs: []Need{tc.need}, Command: []string{"x"}})
		assert.Contains(t, refusal(t, err), tc.want)
	}
	s.add(t, "python3", "#!/bin/sh\nexit 1\n", "1.0")
	_, err := s.prepare(t, &Manifest{Needs: []Need{{Executable: "python3", Install: "i"}}, Command: []string{"x"}})
	assert.Equal(t, "python3 --version does not tell its version", refusal(t, err))
}

func TestMentions(t *testing.T) {
	for _, argv := range [][]string{{"ruby"}, {"sh", "-c", "cd x && ruby app.rb"}, {"env", "/usr/bin/ruby"}} {
		assert.True(t, mentions(argv, "ruby"), "%q", argv)
	}
	assert.False(t, mentions([]string{"jruby", "app.ruby", "--ruby=no"}, "ruby"))
}
