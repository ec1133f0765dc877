package runners_test

import (
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/runners"
)

// example is the server that docs/adding-a-server.md walks through.
const example = "hello-go"

func exampleText(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile("../docs/" + file)
	require.NoError(t, err)
	return string(data)
}

// TestExampleServer takes the example through its whole life, from an empty
// cache on.
func TestExampleServer(t *testing.T) {
	m, err := runners.Load(os.DirFS("../docs/examples"), example)
	require.NoError(t, err)
	assert.Contains(t, exampleText(t, "adding-a-server.md"), exampleText(t, "examples/hello-go/server.yaml"), "the manifest in the text is not that of the example")
	s := startSubject(t, prepare(t, t.TempDir(), m), runners.Options{Threads: 2})
	for route := range m.Routes {
		_, err := s.process.Verify(t.Context(), route)
		require.NoError(t, err)
	}
	calculated, err := s.process.Verify(t.Context(), "/cpu?n=20000")
	require.NoError(t, err)
	assert.Equal(t, "2262", string(calculated[0].Want.Exact))
	assert.Equal(t, http.StatusBadRequest, s.ask(t, "GET", "/cpu?n=0").StatusCode)
	assert.Equal(t, http.StatusNotFound, s.ask(t, "GET", "/nothing").StatusCode)
	assert.Equal(t, http.StatusMethodNotAllowed, s.ask(t, "POST", "/", "Content-Length: 0").StatusCode)
	assert.Empty(t, s.ask(t, "HEAD", "/").body)
	checkParallel(t, s)
	if runtime.GOOS == "linux" {
		require.Len(t, s.processes(t), 1)
	}
	require.NoError(t, s.process.Stop())
	if runtime.GOOS == "linux" {
		assert.Empty(t, s.processes(t))
	}
}

// api is the example with requests that are no GET.
const api = "items-fastify"

// TestExampleAPI has a real framework answer a POST with 201.
func TestExampleAPI(t *testing.T) {
	m, err := runners.Load(os.DirFS("../docs/examples"), api)
	require.NoError(t, err)
	_, routes, _ := strings.Cut(exampleText(t, "examples/"+api+"/server.yaml"), "ready: ")
	routes, _, _ = strings.Cut(routes, "keep_alive:")
	assert.Contains(t, exampleText(t, "adding-a-server.md"), "ready: "+routes, "the routes in the text are not those of the example")
	s := startSubject(t, prepare(t, t.TempDir(), m), runners.Options{})
	created, err := s.process.Verify(t.Context(), "create")
	require.NoError(t, err)
	assert.Len(t, created, 3)
	assert.JSONEq(t, `{"name": "a pen"}`, string(created[0].Body))
	_, err = s.process.Verify(t.Context(), "/items/1")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, s.ask(t, "POST", "/items", "Content-Length: 0").StatusCode)
	require.NoError(t, s.process.Stop())
}

// TestExampleMistakes makes the mistakes that the text lists, one at a time,
// and wants the very message that it promises.
func TestExampleMistakes(t *testing.T) {
	doc, yaml, source := exampleText(t, "adding-a-server.md"), exampleText(t, "examples/hello-go/server.yaml"), exampleText(t, "examples/hello-go/main.go")
	cache := t.TempDir()
	impatient := runners.Options{Deadline: 300 * time.Millisecond}
	for _, tc := range []struct {
		edit []string // pairs of old and new text, in the manifest and the source
		opts runners.Options
		want string
	}{
		{edit: []string{"name: hello-go", "name: hello"}, want: `name: is "hello", but the folder is called "hello-go"`},
		{edit: []string{"keep_alive:", "keepalive:"}, want: `keepalive: unknown key; did you mean "keep_alive"?`},
		{edit: []string{"{port}", "8080"}, want: "neither command nor environment uses {port}, so the server cannot be told where to listen"},
		{edit: []string{"{threads}", "{workers}"}, want: "{workers} is used, but workers is not declared"},
		{edit: []string{"lock: [main.go]", "lock: [go.sum]"}, want: `there is no file "go.sum" in the folder`},
		{opts: runners.Options{Threads: 65}, want: "threads 65: at most 64"},
		{opts: runners.Options{Workers: 2}, want: "workers 2: this server has no such parameter"},
		{edit: []string{"executable: go", "executable: golang"}, want: "golang is not installed"},
		{edit: []string{"version: [version]", "version: [--version]"}, want: "go --version does not tell its version"},
		{edit: []string{`"1.22"`, `"99.0"`}, want: "but at least 99.0 is needed"},
		{edit: []string{`"flag"`, `"no/flag"`}, want: "installing its dependencies failed: go build -o server: exit status 1:"},
		{edit: []string{"-listen,", "-address,"}, want: "it ended before it was ready (exit status 2); it printed: "},
		{edit: []string{"log.Fatal(http.ListenAndServe(*listen, nil))", "go http.ListenAndServe(*listen, nil)", `"log"`, `_ "log"`}, want: "it ended before it was ready (exit status 0)"},
		{edit: []string{`"{host}:{port}"`, `"{host}:0", "{port}"`}, opts: impatient, want: "not ready after 300ms"},
		{edit: []string{"ready: /", "ready: /health"}, opts: impatient, want: "not ready after 300ms (/health answers status 404)"},
		{edit: []string{`World! Welcome to Go", type`, `World", type`}, want: `GET /: wrong body: "Hello World! Welcome to Go", want "Hello World"`},
		{edit: []string{`Go", type: text/plain`, `Go", type: text/html`}, want: `GET /: Content-Type "text/plain", want "text/html"`},
		{edit: []string{`body: "Hello World! Welcome to Go", `, "", `plain", greeting`, `plain", time.Now().String()`, `"strconv"`, "\"strconv\"\n\"time\""}, want: "two answers differ: a body that changes cannot be checked under load"},
	} {
		for i := 0; i < len(tc.edit); i += 2 {
			require.Contains(t, yaml+source, tc.edit[i])
		}
		edit := strings.NewReplacer(tc.edit...)
		err := live(t, cache, fstest.MapFS{
			example + "/server.yaml": {Data: []byte(edit.Replace(yaml))},
			example + "/main.go":     {Data: []byte(edit.Replace(source))},
		}, tc.opts)
		require.ErrorContains(t, err, tc.want, "%q", tc.edit)
		assert.Contains(t, doc, strings.ReplaceAll(tc.want, "300ms", "30s"))
	}
}

// live is what a run does with a server of one's own before it loads it.
func live(t *testing.T, cache string, files fstest.MapFS, opts runners.Options) error {
	t.Helper()
	m, err := runners.Load(files, example)
	if err != nil {
		return err
	}
	in, err := (&runners.Preparer{Cache: cache, Guard: runners.GuardOfTests}).Prepare(t.Context(), m)
	if err != nil {
		return err
	}
	opts.Guard = runners.GuardOfTests
	p, err := runners.Start(t.Context(), in, opts)
	if err != nil {
		return err
	}
	defer func() { assert.NoError(t, p.Stop()) }()
	_, err = p.Verify(t.Context(), "/")
	return err
}
