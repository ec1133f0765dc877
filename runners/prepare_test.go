package runners

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wheel is a package for pip that needs no registry.
func wheel(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, text := range map[string]string{
		"greeting.py":                     "text = 'hello'\n",
		"greeting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
		"greeting-1.0.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"greeting-1.0.dist-info/RECORD":   "greeting.py,,\ngreeting-1.0.dist-info/METADATA,,\ngreeting-1.0.dist-info/WHEEL,,\ngreeting-1.0.dist-info/RECORD,,\n",
	} {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return buf.Bytes()
}

const pipManifest = `schema: 1
name: x
title: X
runtime: cpython
needs: [{executable: python3, install: none}]
prepare:
  commands:
    - [python3, -m, venv, "{env}/venv"]
    - ["{env}/venv/bin/python", -m, pip, install, "{src}/greeting-1.0-py3-none-any.whl"]
command: ["{env}/venv/bin/python", app.py, "{port}"]
routes:
  /: {body: hello}
`

const pipApp = `import sys, greeting
from http.server import *
class H(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "5"); self.end_headers(); self.wfile.write(greeting.text.encode())
HTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
`

func pipServer(t *testing.T) *Manifest {
	t.Helper()
	m, err := Load(fstest.MapFS{
		"x/server.yaml":                   {Data: []byte(pipManifest)},
		"x/app.py":                        {Data: []byte(pipApp)},
		"x/greeting-1.0-py3-none-any.whl": {Data: wheel(t)},
	}, "x")
	require.NoError(t, err)
	return m
}

func npmServer(t *testing.T) *Manifest {
	t.Helper()
	m, err := Load(fstest.MapFS{
		"x/server.yaml": {Data: []byte(`schema: 1
name: x
title: X
runtime: node
needs: [{executable: node, install: none}, {executable: npm, install: none}]
prepare: {lock: [package.json], commands: [[npm, install, --offline, --install-links, "{src}/greeting"]]}
command: [node, app.js, "{env}/node_modules/greeting", "{port}"]
routes:
  /: {body: hello}
`)},
		"x/app.js":                {Data: []byte("const g = require(process.argv[2]); require('http').createServer((q, r) => r.end(g)).listen(+process.argv[3], '127.0.0.1')")},
		"x/package.json":          {Data: []byte(`{"name":"x","version":"1.0.0","dependencies":{}}`)},
		"x/greeting/package.json": {Data: []byte(`{"name":"greeting","version":"1.0.0","scripts":{"install":"node -e \"require('fs').writeFileSync('index.js', 'module.exports = \\'hello\\'')\""}}`)},
	}, "x")
	require.NoError(t, err)
	return m
}

// redirections send an installation elsewhere, or nowhere, or break it.
func redirections(t *testing.T) {
	t.Helper()
	away := t.TempDir()
	home := t.TempDir()
	for name, value := range map[string]string{
		"PIP_TARGET": away, "PIP_PREFIX": away, "PIP_ROOT": away, "PIP_DRY_RUN": "1", "PIP_USER": "1", "PIP_NO_DEPS": "1", "PIP_REQUIRE_HASHES": "1",
		"PIP_REQUIRE_VIRTUALENV": "1", "PIP_PYTHON": "/none", "PYTHONHOME": away, "PYTHONPATH": away, "PYTHONUSERBASE": away, "VIRTUAL_ENV": away,
		"PYTHONSTARTUP": "/none", "npm_config_dry_run": "true", "NPM_CONFIG_GLOBAL": "true", "npm_config_prefix": away, "npm_config_ignore_scripts": "true",
		"npm_config_omit": "dev optional peer", "NPM_CONFIG_PACKAGE_LOCK_ONLY": "true", "NODE_OPTIONS": "--require /none.js", "NODE_PATH": away, "HOME": home,
		"XDG_CONFIG_HOME": "",
	} {
		t.Setenv(name, value)
	}
	write(t, filepath.Join(home, ".npmrc"), "dry-run=true\nglobal=true\nignore-scripts=true\nprefix="+away+"\nregistry=http://127.0.0.1:1/\n")
	write(t, filepath.Join(home, ".config", "pip", "pip.conf"), "[global]\ntarget = "+away+"\n[install]\ndry-run = true\nuser = true\n")
	conf := filepath.Join(home, "own.conf")
	write(t, conf, "[install]\nroot = "+away+"\n")
	t.Setenv("PIP_CONFIG_FILE", conf)
	t.Cleanup(func() {
		left, err := os.ReadDir(away)
		require.NoError(t, err)
		assert.Empty(t, left, "something was installed elsewhere")
	})
}

// TestNothingRedirectsInstallation holds real pip and npm to the cache folder.
func TestNothingRedirectsInstallation(t *testing.T) {
	for name, server := range map[string]func(*testing.T) *Manifest{"pip": pipServer, "npm": npmServer} {
		t.Run(name, func(t *testing.T) {
			m, cache := server(t), t.TempDir()
			redirections(t)
			in, err := (&Preparer{Cache: cache, Guard: GuardOfTests}).Prepare(t.Context(), m)
			require.NoError(t, err)
			p, err := Start(t.Context(), in, Options{Guard: GuardOfTests})
			require.NoError(t, err)
			defer func() { assert.NoError(t, p.Stop()) }()
			_, err = p.Verify(t.Context(), "/")
			require.NoError(t, err)
		})
	}
}

// TestRegistrySettingsPass: what a company's machines need to reach a registry is kept.
func TestRegistrySettingsPass(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("PIP_CONFIG_FILE", filepath.Join(home, "own.conf"))
	for _, name := range []string{"PIP_CERT", "PIP_INDEX_URL", "PIP_FIND_LINKS"} {
		t.Setenv(name, "")
	}
	t.Setenv("PIP_TRUSTED_HOST", "host")
	t.Setenv("PIP_TARGET", "/away")
	t.Setenv("https_proxy", "http://proxy:1")
	t.Setenv("NODE_EXTRA_CA_CERTS", "/ca")
	t.Setenv("npm_config_registry", "https://r/")
	t.Setenv("NPM_CONFIG_DRY_RUN", "true")
	t.Setenv("TOKEN", "secret")
	write(t, filepath.Join(home, ".config", "pip", "pip.conf"), "[global]\nindex-url = https://i/\nfind-links =\n    /a\n    /b\ntarget = /t\n")
	write(t, filepath.Join(home, "own.conf"), "[install]\nindex_url: https://own/\nprefix=/p\n[global]\ncert = /c\n")
	write(t, filepath.Join(home, ".npmrc"), "; note\n@us:registry=https://us/\n//us/:_authToken=${TOKEN}\ncafile = /ca\nomit[]=dev\nprefix=/p\nscript-shell=/x\n")
	env := (&Installed{}).prepareEnvironment("/dir", "")
	for _, want := range []string{
		"PIP_INDEX_URL=https://own/", "PIP_FIND_LINKS=/a /b", "PIP_CERT=/c", "PIP_TRUSTED_HOST=host", "https_proxy=http://proxy:1",
		"NODE_EXTRA_CA_CERTS=/ca", "npm_config_registry=https://r/", "PIP_CONFIG_FILE=/dev/null",
	} {
		assert.Contains(t, env, want)
	}
	all := strings.Join(env, "\n")
	assert.NotContains(t, all, "PIP_TARGET")
	assert.NotContains(t, all, "PIP_PREFIX")
	assert.NotContains(t, all, "NPM_CONFIG_DRY_RUN")
	assert.NotContains(t, all, "TOKEN")
	assert.Equal(t, "@us:registry = https://us/\n//us/:_authToken = secret\ncafile = /ca\n", npmConfig("/none/bin/node"))
}

// TestPoisonedEnvironment: commands that succeed and install nothing leave nothing behind that later runs trust.
func TestPoisonedEnvironment(t *testing.T) {
	m, cache := pipServer(t), t.TempDir()
	install := m.Prepare.Commands[1]
	away := filepath.Join(t.TempDir(), "away")
	m.Prepare.Commands[1] = append(install[:len(install):len(install)], "--target", away)
	_, err := (&Preparer{Cache: cache, Guard: GuardOfTests}).Prepare(t.Context(), m)
	reason := refusal(t, err)
	assert.Contains(t, reason, "its dependencies are installed, but it does not start")
	assert.Contains(t, reason, "No module named 'greeting'")
	marks, err := filepath.Glob(filepath.Join(cache, "servers", "*", readyMark))
	require.NoError(t, err)
	assert.Empty(t, marks)
}

// TestBrokenEnvironmentIsRebuilt: files that were deleted, and an interpreter that is gone.
func TestBrokenEnvironmentIsRebuilt(t *testing.T) {
	m, cache := pipServer(t), t.TempDir()
	prepare := func() (in *Installed, built bool) {
		in, err := (&Preparer{Cache: cache, Guard: GuardOfTests, Note: func(string) { built = true }}).Prepare(t.Context(), m)
		require.NoError(t, err)
		p, err := Start(t.Context(), in, Options{Guard: GuardOfTests})
		require.NoError(t, err)
		require.NoError(t, p.Stop())
		return in, built
	}
	in, built := prepare()
	require.True(t, built)
	_, built = prepare()
	require.False(t, built)

	packages, err := filepath.Glob(filepath.Join(in.Env, "venv/lib/python*/site-packages/greeting.py"))
	require.NoError(t, err)
	require.Len(t, packages, 1)
	require.NoError(t, os.Remove(packages[0]))
	_, built = prepare()
	assert.True(t, built, "a deleted package")

	require.NoError(t, os.Remove(filepath.Join(in.Src, "app.py")))
	_, built = prepare()
	assert.False(t, built, "a deleted source is copied again")

	python := filepath.Join(in.Env, "venv/bin/python3")
	require.NoError(t, os.Remove(python))
	require.NoError(t, os.Symlink("/gone/python3", python))
	_, built = prepare()
	assert.True(t, built, "an interpreter that is gone")
}
