package runners

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/fixtures"
)

func installs(t *testing.T, cache, server string) *Installed {
	t.Helper()
	m, err := Load(fixtures.Servers(), server)
	require.NoError(t, err)
	in, err := (&Preparer{Cache: cache, Log: t.Output(), Guard: GuardOfTests}).Prepare(t.Context(), m)
	require.NoError(t, err)
	return in
}

// starts checks that a server answers.
func starts(t *testing.T, in *Installed) {
	t.Helper()
	p, err := Start(t.Context(), in, Options{Guard: GuardOfTests})
	require.NoError(t, err)
	_, err = p.Verify(t.Context(), "/")
	assert.NoError(t, errorsOf(err, p.Stop()))
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestInstallingInARedirectedEnvironment sets what would install something else, or
// elsewhere, in every place that pip and npm look at.
func TestInstallingInARedirectedEnvironment(t *testing.T) {
	away := t.TempDir()
	for name, value := range map[string]string{
		"PIP_TARGET": away, "PIP_PREFIX": away, "PIP_ROOT": away, "PIP_DRY_RUN": "1", "PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_CONFIG_FILE": filepath.Join(away, "pip.conf"),
		"PYTHONHOME": away, "PYTHONPATH": away, "PYTHONUSERBASE": away, "VIRTUAL_ENV": away, "XDG_CONFIG_HOME": filepath.Join(away, "xdg"),
		"NODE_OPTIONS": "--no-such-option", "NODE_PATH": away, "npm_config_dry_run": "true", "NPM_CONFIG_GLOBAL": "true", "npm_config_prefix": away, "NPM_CONFIG_OMIT": "prod",
		"npm_config_userconfig": filepath.Join(away, "npmrc"), "NPM_CONFIG_GLOBALCONFIG": filepath.Join(away, "npmrc"),
	} {
		t.Setenv(name, value)
	}
	write(t, filepath.Join(away, "pip.conf"), "[global]\ntarget = "+away+"\n[install]\ndry-run = true\n")
	write(t, filepath.Join(away, "xdg", "pip", "pip.conf"), "[install]\nroot = "+away+"\n")
	write(t, filepath.Join(away, "npmrc"), "dry-run=true\nglobal=true\nprefix="+away+"\npackage-lock-only=true\n")
	for _, server := range []string{"flask-dev", "node-express"} {
		t.Run(server, func(t *testing.T) { starts(t, installs(t, t.TempDir(), server)) })
	}
}

// TestSettingsThatReachARegistry pass, those next to them in the same files do not.
func TestSettingsThatReachARegistry(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("PIP_CONFIG_FILE", "")
	t.Setenv("npm_config_userconfig", "")
	t.Setenv("HTTPS_PROXY", "http://proxy:1")
	t.Setenv("PIP_TRUSTED_HOST", "from-the-variable")
	t.Setenv("SECRET_TOKEN", "t0ken")
	t.Setenv("OTHER_SECRET", "no")
	write(t, filepath.Join(dir, ".config", "pip", "pip.conf"), "# ours\n[global]\nindex-url = https://pip.example/simple\nextra-index-url =\n    https://a.example\n    https://b.example\ntarget = /x\ntrusted-host: other\n")
	write(t, filepath.Join(dir, ".npmrc"), "registry=https://npm.example/\n@us:registry=https://us.example/\n//npm.example/:_authToken=${SECRET_TOKEN}\nprefix=/x\ndry-run=true\ncafile=\"/ca.pem\"\n")
	npmrc := filepath.Join(dir, "out")
	env, err := (&Installed{search: "/bin"}).installing(npmrc)
	require.NoError(t, err)
	for _, want := range []string{
		"HTTPS_PROXY=http://proxy:1", "PIP_INDEX_URL=https://pip.example/simple", "PIP_EXTRA_INDEX_URL=https://a.example https://b.example",
		"PIP_TRUSTED_HOST=from-the-variable", "SECRET_TOKEN=t0ken", "npm_config_userconfig=" + npmrc, "PIP_CONFIG_FILE=/dev/null",
	} {
		assert.Contains(t, env, want)
	}
	for _, not := range []string{"PIP_TARGET=/x", "PIP_TRUSTED_HOST=other", "OTHER_SECRET=no"} {
		assert.NotContains(t, env, not)
	}
	written, err := os.ReadFile(npmrc)
	require.NoError(t, err)
	assert.Equal(t, "registry=https://npm.example/\n@us:registry=https://us.example/\n//npm.example/:_authToken=${SECRET_TOKEN}\ncafile=/ca.pem\n", string(written))
}

// TestEnvironmentThatBroke is built anew: its interpreter is gone, or a part of it.
func TestEnvironmentThatBroke(t *testing.T) {
	python, err := exec.Command("python3", "-I", "-c", "import sys; print(sys.executable, end='')").Output()
	require.NoError(t, err)
	top, path := t.TempDir(), os.Getenv("PATH")
	use := func(name string) {
		dir := filepath.Join(top, name, "bin")
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.Symlink(string(python), filepath.Join(dir, "python3")))
		t.Setenv("PATH", dir+":"+path)
	}
	cache := filepath.Join(top, "cache")
	use("one")
	starts(t, installs(t, cache, "flask-dev"))
	require.NoError(t, os.RemoveAll(filepath.Join(top, "one")))
	use("two")
	in := installs(t, cache, "flask-dev")
	starts(t, in)

	flask, err := filepath.Glob(filepath.Join(in.Env, "venv", "lib", "python3*", "site-packages", "flask", "app.py"))
	require.NoError(t, err)
	require.Len(t, flask, 1)
	require.NoError(t, os.Remove(flask[0]))
	starts(t, installs(t, cache, "flask-dev"))
}

// TestPoisonedEnvironment is not marked as complete, so that the next time it is built anew.
func TestPoisonedEnvironment(t *testing.T) {
	dir := t.TempDir()
	m := &Manifest{
		Name: "x", Ready: "/", Environment: map[string]string{"HELLOBENCH_FAKE": "plain", "PORT": "{port}"},
		Prepare: Prepare{Commands: [][]string{{"sh", "-c", "[ ! -f " + dir + "/sound ] || ln -s " + os.Args[0] + " server"}}},
		Command: []string{"{env}/server"},
	}
	p := &Preparer{Cache: filepath.Join(dir, "cache"), Log: t.Output(), Guard: GuardOfTests}
	_, err := p.Prepare(t.Context(), m)
	assert.Contains(t, refusal(t, err), "it does not start although its dependencies were installed: start server \"x\"")
	write(t, filepath.Join(dir, "sound"), "")
	in, err := p.Prepare(t.Context(), m)
	require.NoError(t, err)
	starts(t, in)
}
