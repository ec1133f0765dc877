package runners

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/yamlfile/yamltest"
)

const good = `schema: 1
name: x
title: X
runtime: other
needs: [{executable: sh, install: none}]
command: [run, "--port={port}", '{"json": {}}']
routes:
  /: {body: hello}
workers: {default: 1, max: 2}
`

func decode(t *testing.T, text string) error {
	t.Helper()
	_, err := Load(fstest.MapFS{"x/server.yaml": {Data: []byte(text)}}, "x")
	return err
}

func TestManifestOfEveryFixture(t *testing.T) {
	for _, name := range fixtures.ServerNames() {
		m, err := Load(fixtures.Servers(), name)
		require.NoError(t, err)
		assert.NotEmpty(t, m.Files)
		assert.NotEmpty(t, m.Article, name)
		assert.Contains(t, m.Routes, "/json", name)
	}
}

// TestManifestMistakes breaks one field at a time: each gives a reason and the line it stands in.
func TestManifestMistakes(t *testing.T) {
	require.NoError(t, decode(t, good))
	for _, tc := range []struct{ old, new, want string }{
		{"schema: 1", "schema: 2", "x/server.yaml:1: schema: "},
		{"name: x", "name: y", `x/server.yaml:2: name: is "y", but the folder is called "x"`},
		{"name: x", "name: X Y", "x/server.yaml:2: name: "},
		{"title: X", "title: ''", "x/server.yaml:3: title: "},
		{"runtime: other", "runtime: java", "x/server.yaml:4: runtime: "},
		{"executable: sh, ", "", "x/server.yaml:5: needs.0: "},
		{"{port}", "{prot}", "x/server.yaml:6: command.1: unknown placeholder {prot}"},
		{"{port}", "{threads}", "x/server.yaml:6: command.1: {threads} is used, but threads is not declared"},
		{"--port={port}", "--port=80", "neither command nor environment uses {port}"},
		{"title: X", "title: X\nexplain: [perf, '{pdi}', '{out}']", "x/server.yaml:4: explain.1: unknown placeholder {pdi}; there are {pid} {seconds} {out}"},
		{"title: X", "title: X\nexplain: [perf, '{pid}']", "x/server.yaml:4: explain: does not use {out}"},
		{"title: X", "title: X\nprepare: {commands: [[make, '{port}']]}", "x/server.yaml:4: prepare.commands.0.1: unknown placeholder {port}; there are {env} {src}"},
		{"title: X", "title: X\nvariants: {v: {title: V, command: [other]}}", "x/server.yaml:4: variants.v.command: neither command nor environment uses {port}"},
		{"command: [run,", "command: run #", "x/server.yaml:6: command: "},
		{"command: [run,", "command: [[run,", "x/server.yaml:"},
		{"  /: {body: hello}", "  json: {}", `x/server.yaml:8: routes.json.path: is missing: "json" is a name, and no path`},
		{"  /: {body: hello}", "  j son: {}", "x/server.yaml:8: routes.\"j son\": not allowed as a key here; want a path that begins with /, or a name"},
		{"body: hello", "method: GE T", `x/server.yaml:8: routes./: method "GE T"`},
		{"body: hello", "headers: {Content-Length: '1'}", "x/server.yaml:8: routes./: header Content-Length: cannot be set"},
		{"body: hello", "send: {file: none}", `x/server.yaml:8: routes./.send: file: there is no file "none" in the folder`},
		{"body: hello", "send: {lines: none}", `x/server.yaml:8: routes./.send: lines: there is no file "none" in the folder`},
		{"body: hello", "send: 1", "x/server.yaml:8: routes./.send: 1: want text or keys with values"},
		{"body: hello", "body: {pattern: '('}", "x/server.yaml:8: routes./.body: pattern: error parsing regexp"},
		{"body: hello", "body: {exact: a, length: 1}", "x/server.yaml:8: routes./.body: "},
		{"body: hello", "body: {length: -1}", "x/server.yaml:8: routes./.body.length: "},
		{"body: hello", "status: 204, body: {length: 1}", "x/server.yaml:8: routes./.body: an answer with status 204 has no body"},
		{"body: hello", "method: HEAD, body: {pattern: a}", "x/server.yaml:8: routes./.body: an answer to HEAD has no body"},
		{"title: X", "title: X\nready: {status: 200}", "x/server.yaml:4: ready: the key path is missing"},
		{"body: hello", "boddy: hello", "x/server.yaml:8: routes./.boddy: "},
		{"body: hello", "body: [1]", "x/server.yaml:8: routes./.body: "},
		{"default: 1", "default: 3", "x/server.yaml:9: workers.default: 3 is above max 2"},
		{"default: 1", "default: 0", "x/server.yaml:9: workers.default: "},
		{"max: 2", "max: two", "x/server.yaml:9: workers.max: "},
		{"title: X", "title: X\ntitle: Y", "x/server.yaml:4: "},
		{"title: X", "title: X\nextra: 1", "x/server.yaml:4: extra: "},
		{"title: X", "title: X\nkeep_alive: maybe", "x/server.yaml:4: keep_alive: "},
		{"title: X", "title: X\nready: ready", "x/server.yaml:4: ready: "},
		{"title: X", "title: X\nprepare: {lock: [none.txt]}", `x/server.yaml:4: prepare.lock.0: there is no file "none.txt"`},
		{"title: X", "title: X\ninclude: [../../etc]", "leads out of the folder"},
		{"title: X", "title: X\nenvironment: {A B: c}", "x/server.yaml:4: environment.\"A B\": not allowed as a key here; want letters, digits and _"},
		{good, "", "x/server.yaml:1: is empty"},
		{good, "[]", "x/server.yaml:1: "},
		{good, "\t", "x/server.yaml"},
	} {
		broken := strings.Replace(good, tc.old, tc.new, 1)
		require.NotEqual(t, good, broken)
		assert.ErrorContains(t, decode(t, broken), tc.want, "%q for %q", tc.new, tc.old)
	}
	_, err := Load(fstest.MapFS{}, "x")
	assert.ErrorContains(t, err, `x/server.yaml: file does not exist`)
}

func TestIncludedFilesGiveWay(t *testing.T) {
	m, err := Load(fstest.MapFS{
		"x/server.yaml": {Data: []byte(good + "include: [../y]\n")},
		"x/app":         {Data: []byte("own")},
		"y/app":         {Data: []byte("included")},
		"y/sub/more":    {Data: []byte("included")},
		"y/server.yaml": {Data: []byte("not taken")},
		"y/.hidden":     {Data: []byte("too")},
	}, "x")
	require.NoError(t, err)
	assert.Equal(t, Files{
		"app": {Data: []byte("own"), Mode: plainMode}, "sub/more": {Data: []byte("included"), Mode: plainMode}, ".hidden": {Data: []byte("too"), Mode: plainMode},
	}, m.Files)
}

func FuzzManifest(f *testing.F) {
	f.Add(good)
	for _, name := range fixtures.ServerNames() {
		data, err := fixtures.Servers().Open(name + "/server.yaml")
		if err == nil {
			buf := make([]byte, 4096)
			n, _ := data.Read(buf)
			f.Add(string(buf[:n]))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := decode(t, text); err != nil {
			yamltest.Clean(t, text, err)
		}
	})
}
