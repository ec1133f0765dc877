package explain_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/explain"
)

func TestFolded(t *testing.T) {
	const text = "main;a b (x.py:1) 3\nmain 2\n\nmain;a b (x.py:1) 4\n"
	s, err := explain.ReadFolded(strings.NewReader(text))
	require.NoError(t, err)
	assert.Equal(t, explain.Stacks{"main;a b (x.py:1)": 7, "main": 2}, s)
	assert.EqualValues(t, 9, s.Total())
	var out strings.Builder
	require.NoError(t, s.Write(&out))
	again, err := explain.ReadFolded(strings.NewReader(out.String()))
	require.NoError(t, err)
	assert.Equal(t, s, again)
	for _, bad := range []string{"main", "main x", " 5", "main -1"} {
		_, err := explain.ReadFolded(strings.NewReader("ok 1\n" + bad + "\n"))
		assert.ErrorContains(t, err, "line 2: want frames", bad)
	}
}

const v8 = `{"nodes": [
 {"id": 1, "callFrame": {"functionName": "(root)", "url": "", "lineNumber": -1}, "children": [2, 3, 6]},
 {"id": 2, "callFrame": {"functionName": "(idle)", "url": "", "lineNumber": -1}},
 {"id": 3, "callFrame": {"functionName": "onrequest", "url": "node:_http_server", "lineNumber": 9}, "children": [4, 5]},
 {"id": 4, "callFrame": {"functionName": "", "url": "file:///srv/app;1.js", "lineNumber": 0}},
 {"id": 5, "callFrame": {"functionName": "writeUtf8String", "url": "", "lineNumber": -1}},
 {"id": 6, "callFrame": {"functionName": "(garbage collector)", "url": "", "lineNumber": -1}}],
 "samples": [2, 3, 4, 4, 5, 6, 2, 1]}`

func TestCPUProfile(t *testing.T) {
	s, err := explain.ReadCPUProfile(strings.NewReader(v8))
	require.NoError(t, err)
	assert.Equal(t, explain.Stacks{
		"onrequest (node:_http_server:10)":                               1,
		"onrequest (node:_http_server:10);(anonymous) (/srv/app,1.js:1)": 2,
		"onrequest (node:_http_server:10);writeUtf8String":               1,
		"(garbage collector)":                                            1,
	}, s, "a file whose name has a semicolon is one frame, and idle samples are none")
	layers := explain.LayersOf(s, explain.RulesOf("node"))
	assert.Equal(t, []explain.Layer{{explain.Application, 0.4}, {explain.HTTP, 0.2}, {explain.Collector, 0.2}, {explain.Library, 0.2}}, layers)
	_, err = explain.ReadCPUProfile(strings.NewReader("{"))
	require.ErrorContains(t, err, "no profile of V8")
}

// TestPerf: a sample a paragraph, the innermost frame first; frames without a symbol count too.
func TestPerf(t *testing.T) {
	s, err := explain.ReadPerf(strings.NewReader(`
	    ffffffff8132cd67 tcp_sendmsg ([kernel.kallsyms])
	          4a5b3e internal/runtime/syscall.Syscall6 (/srv/hello)
	          6a5b3e net/http.(*conn).serve (/srv/hello)

	          41ab00 runtime.scanobject (/srv/hello)

	    7f0000001000 [unknown] ([JIT] tid 12)
	    7f0000002000 [unknown] ([JIT] tid 12)
	          6a5b3e main.main.func1 (/srv/he;llo)
`))
	require.NoError(t, err)
	assert.Equal(t, explain.Stacks{
		"net/http.(*conn).serve (hello);internal/runtime/syscall.Syscall6 (hello);tcp_sendmsg ([kernel.kallsyms])": 1,
		"runtime.scanobject (hello)":                        1,
		"main.main.func1 (he,llo);[unknown] ([JIT] tid 12)": 1,
	}, s)
}

func TestSamplesOfTheKernel(t *testing.T) {
	assert.True(t, explain.Stacks{"main (a);tcp_sendmsg ([kernel.kallsyms])": 1}.Kernel())
	assert.False(t, explain.Stacks{"main (a);write (libc.so.6)": 1}.Kernel())
}

func TestLayersOfPerf(t *testing.T) {
	for _, tc := range []struct{ runtime, frame, want string }{
		{"other", "tcp_sendmsg ([kernel.kallsyms])", explain.Kernel},
		{"other", "[unknown] ([guest.kernel.kallsyms])", explain.Kernel},
		{"other", "runtime.scanobject (hello)", explain.Collector},
		{"other", "runtime.futex (hello)", explain.Library},
		{"other", "net/http.(*conn).serve (hello)", explain.HTTP},
		{"other", "net.(*conn).Write (hello)", explain.Library},
		{"other", "main.hello (hello)", explain.Application},
		{"other", "__memmove_avx (libc.so.6)", explain.Native},
		{"pypy", "pypy_g_IncrementalMiniMarkGC_minor_collection (libpypy3.10-c.so)", explain.Collector},
		{"pypy", "pypy_g_dispatch (libpypy3.10-c.so)", explain.Interpreter},
		{"pypy", "[unknown] ([JIT] tid 7)", explain.Compiled},
		{"pypy", "[unknown] (anon)", explain.Compiled},
		{"pypy", "read (libc.so.6)", explain.Native},
		{"pypy", "hello (/srv/app.py:3)", explain.Application},
	} {
		assert.Equal(t, tc.want, explain.LayersOf(explain.Stacks{"main;" + tc.frame: 1}, explain.RulesOf(tc.runtime))[0].Name, tc.frame)
	}
}

func TestLayersOfPython(t *testing.T) {
	for frame, want := range map[string]string{
		"parse (/v/lib/python3.11/site-packages/gunicorn/http/message.py:75)": explain.HTTP,
		"run (/v/lib/python3.11/site-packages/gunicorn/workers/base.py:9)":    explain.Server,
		"wsgi_app (/v/lib/python3.11/site-packages/flask/app.py:1488)":        explain.Framework,
		"select (/usr/lib/python3.11/selectors.py:468)":                       explain.Library,
		"handle (/usr/lib/python3.11/http/server.py:400)":                     explain.HTTP,
		"_find (<frozen importlib._bootstrap>:1)":                             explain.Library,
		"hello_world (/cache/servers/x/src-1/app.py:24)":                      explain.Application,
	} {
		layers := explain.LayersOf(explain.Stacks{"main;" + frame: 1}, explain.RulesOf("cpython"))
		assert.Equal(t, []explain.Layer{{Name: want, Share: 1}}, layers, frame)
	}
	assert.Equal(t, []explain.Layer{{Name: explain.Application, Share: 1}}, explain.LayersOf(explain.Stacks{"a": 1}, explain.RulesOf("other")), "without rules all is one layer")
}

// TestFlame: the picture is XML, a frame is as wide as its share, and nothing in it is markup.
func TestFlame(t *testing.T) {
	var svg bytes.Buffer
	s := explain.Stacks{"all (a.js:1);<b>": 3, "all (a.js:1);c & d": 1, "all (a.js:1);rare": 0}
	require.NoError(t, explain.Flame(&svg, `A "flame"`, s, explain.RulesOf("node")))
	assert.Contains(t, svg.String(), `<title>&lt;b&gt;: 75.0%</title><rect x="0.0" y="0" width="720.0"`)
	assert.Contains(t, svg.String(), `<title>c &amp; d: 25.0%</title><rect x="720.0" y="0" width="240.0"`)
	d := xml.NewDecoder(&svg)
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.NoError(t, explain.Flame(io.Discard, "empty", explain.Stacks{}, nil))
}

func TestSaveAndRead(t *testing.T) {
	dir := t.TempDir()
	all, err := explain.Read(dir)
	require.NoError(t, err)
	assert.Nil(t, all, "a run without --explain")
	require.NoError(t, os.Mkdir(filepath.Join(dir, explain.Folder), 0o755))
	want := []explain.Profile{{Arm: "a", Profiler: "p", Connections: 64, Layers: []explain.Layer{{"x", 1}}, Samples: 2, Stacks: "a.folded"}, {Arm: "b", Connections: 64, Layers: []explain.Layer{}, Reason: "no"}}
	require.NoError(t, explain.Save(dir, want))
	all, err = explain.Read(dir)
	require.NoError(t, err)
	assert.Equal(t, want, all)
	require.NoError(t, os.WriteFile(filepath.Join(dir, explain.Folder, explain.File), []byte(`[{"arm": 1}]`), 0o644))
	_, err = explain.Read(dir)
	require.ErrorContains(t, err, "explain.json:1: ")
}

func FuzzFolded(f *testing.F) {
	f.Add("main;a 3\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := explain.ReadFolded(strings.NewReader(text))
		if err != nil {
			return
		}
		var out strings.Builder
		if s.Write(&out) != nil || s.Total() > 1<<62 {
			return
		}
		require.NoError(t, explain.Flame(io.Discard, "", s, nil))
	})
}
