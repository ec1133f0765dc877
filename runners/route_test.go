package runners

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// apiYAML is the manifest of the server that fake plays as "api".
const apiYAML = `schema: 1
name: x
title: An API
runtime: other
command: [PROGRAM, "{port}"]
environment: {HELLOBENCH_FAKE: api, PORT: "{port}"}
ready: {path: /healthz, status: 401}
routes:
  create: {path: /items?a=1, method: POST, headers: {X-Key: "1"}, send: {lines: items.txt}, status: 201, type: application/json, body: {pattern: '^\{"n":\d+,"of":"(one|two)"\}$'}}
  one: {path: /items?a=1, method: POST, headers: {x-key: "1"}, send: one, status: 201, body: {length: 21}}
  file: {path: /items?a=1, method: POST, headers: {X-Key: "1"}, send: {file: whole.txt}, status: 201, body: any}
  changes: {path: /items?a=1, method: POST, headers: {X-Key: "1"}, send: one, status: 201}
  forbidden: {path: /items, method: POST, status: 403, body: ""}
  wrong: {path: /items?a=1, method: POST, headers: {X-Key: "1"}, send: one, status: 201, body: {pattern: two}}
  /none: {status: 404, body: {exact: any}}
`

func TestRoutes(t *testing.T) {
	text := []byte(apiYAML)
	m, err := Load(fstest.MapFS{
		"x/server.yaml": {Data: text}, "x/items.txt": {Data: []byte("one\r\ntwo\n")}, "x/whole.txt": {Data: []byte("one\ntwo\n")},
	}, "x")
	require.NoError(t, err)
	m.Command = []string{os.Args[0]}
	p, err := Start(t.Context(), &Installed{Manifest: m, Src: t.TempDir()}, Options{Guard: GuardOfTests})
	require.NoError(t, err)
	defer func() { assert.NoError(t, p.Stop()) }()
	bodies := map[string][]string{"create": {"one", "two"}, "one": {"one"}, "file": {"one\ntwo\n"}, "forbidden": {""}, "/none": {""}}
	for route, want := range bodies {
		exchanges, err := p.Verify(t.Context(), route)
		require.NoError(t, err, route)
		require.Len(t, exchanges, len(want), route)
		for i, x := range exchanges {
			assert.Equal(t, want[i], string(x.Body), route)
		}
	}
	for route, want := range map[string]string{
		"changes": "POST /items?a=1: two answers differ: a body that changes cannot be checked under load, unless its route says what is correct",
		"wrong":   `POST /items?a=1: wrong body: 21 bytes without a match of "two": "{`,
		"/other":  "GET /other: status 404, want 200",
	} {
		_, err := p.Verify(t.Context(), route)
		assert.ErrorContains(t, err, want)
	}
	assert.Equal(t, map[string]string{
		"create": "POST /items?a=1, 2 bodies in turn", "one": "POST /items?a=1", "file": "POST /items?a=1", "changes": "POST /items?a=1",
		"forbidden": "POST /items", "wrong": "POST /items?a=1",
	}, m.Requests())
}
