package cli_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCredentials: a user name and password in a URL are sent by both engines,
// and appear in nothing that is printed or stored.
func TestCredentials(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "user" || password != "sec:ret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	defer s.Close()
	url := strings.Replace(s.URL, "//", "//user:sec%3Aret@", 1)
	results := filepath.Join(t.TempDir(), "results")
	for _, engine := range []string{"wire", "vegeta"} {
		for _, args := range [][]string{
			{"--expect-body", "ok"}, {"--expect-body", "other"}, {"--format", "json"}, {"--expect-status", "404"}, {"--timeout", "15m"}, {"--vegeta-out", results, "--engine", "vegeta"},
		} {
			args = append([]string{"load", "--engine", engine, "--connections", "2", "--duration", "50ms"}, args...)
			out, err := exec.CommandContext(t.Context(), binary, append(args, url)...).CombinedOutput()
			assert.NotContains(t, string(out), "ret", "%v", args)
			if args[len(args)-1] != "15m" {
				assert.Contains(t, string(out), "xxxxx@127.0.0.1", "%v", args)
			}
			if args[len(args)-1] == "ok" {
				require.NoError(t, err, "%s", out)
			}
		}
	}
	written, err := os.ReadFile(results)
	require.NoError(t, err)
	assert.NotContains(t, string(written), "ret")
	for _, bad := range []string{"http://user:secret@127.0.0.1:port/", "ftp://user:secret@h/", "http://user:secret@/", "http://user:secret@203.0.113.7/"} {
		out, err := exec.CommandContext(t.Context(), binary, "load", bad).CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		assert.Equal(t, 2, exit.ExitCode(), "%s", out)
		assert.NotContains(t, string(out), "secret")
	}
}

// TestTimeoutsThatCannotBeRecorded: a histogram ends at ten minutes, so a longer
// wait would be recorded as that.
func TestTimeoutsThatCannotBeRecorded(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), binary, "load", "--timeout", "15m", "http://127.0.0.1:1/").CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 2, exit.ExitCode())
	assert.Contains(t, string(out), "--timeout 15m0s: want a value from 1ms to 10m0s")
}

// TestWhatIsVerifiedIsLoaded: a server that insists on its clients' headers sees
// the same request from whoever sends it.
func TestWhatIsVerifiedIsLoaded(t *testing.T) {
	dir := t.TempDir()
	server := filepath.Join(dir, "picky")
	require.NoError(t, os.Mkdir(server, 0o755))
	for name, text := range map[string]string{
		"server.yaml": "schema: 1\nname: picky\ntitle: Picky\nruntime: node\nneeds: [{executable: node, install: x}]\n" +
			"command: [node, app.js, \"{port}\"]\nroutes: {/: {body: ok}}\nkeep_alive: close\n",
		"app.js": `const fs = require('fs');
require('http').createServer((q, s) => {
  if (q.url === '/') fs.appendFileSync(` + fmt.Sprintf("%q", filepath.Join(dir, "seen")) + `, JSON.stringify(q.rawHeaders.slice(2)) + '\n');
  if (!q.headers['user-agent'] || !q.headers.accept || q.headers['x-vegeta-seq']) s.statusCode = 403;
  s.setHeader('Connection', 'close');
  s.end('ok');
}).listen(+process.argv[2], '127.0.0.1');
`,
		"p.yaml": "schema: 1\nname: p\ndescription: d\narms: [picky]\nconnections: [2]\nwindow: 200ms\nwarmup: 200ms\nblocks: {min: 1, max: 1}\n",
	} {
		to := filepath.Join(server, name)
		if name == "p.yaml" {
			to = filepath.Join(dir, name)
		}
		require.NoError(t, os.WriteFile(to, []byte(text), 0o644))
	}
	for _, engine := range []string{"wire", "vegeta"} {
		run := filepath.Join(dir, engine)
		out, _ := exec.CommandContext(t.Context(), binary, "run", "--profile", filepath.Join(dir, "p.yaml"), "--server", server, "--engine", engine, "--out", run).CombinedOutput()
		trials, err := os.ReadFile(filepath.Join(run, "trials.jsonl")) // whatever else the machine does
		require.NoError(t, err, "%s", out)
		assert.Contains(t, string(trials), `"status":0`)
		assert.NotRegexp(t, `"status":[1-9]`, string(trials))
	}
	seen, err := os.ReadFile(filepath.Join(dir, "seen"))
	require.NoError(t, err)
	kinds := map[string]int{}
	for line := range strings.Lines(string(seen)) {
		kinds[strings.TrimSpace(line)]++
	}
	assert.Len(t, kinds, 2, "one with keep-alive and one with close: %v", kinds)
}

// TestAnyRequest: what the flags say is sent by both engines, and held against what
// shall come back.
func TestAnyRequest(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Key") != "1" || r.ContentLength != int64(len(body)) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, "%s %s", r.Method, body)
	}))
	defer s.Close()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	lines, whole := file("lines", "one\r\ntwo\nthree"), file("whole", "one\ntwo\n")
	run := func(args ...string) (string, int) {
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"load", "--connections", "2", "--duration", "100ms"}, args...)...)
		cmd.Stdin = strings.NewReader("piped")
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return string(out), exit.ExitCode()
		}
		require.NoError(t, err)
		return string(out), 0
	}
	created := []string{"-H", "X-Key: 1", "--expect-status", "201", s.URL}
	for _, engine := range []string{"wire", "vegeta"} {
		for _, args := range [][]string{
			{"--body", "hello", "--expect-body", "POST hello"},
			{"--body", "@" + whole, "-X", "PUT", "--expect-body", "PUT one\ntwo\n"},
			{"--body", "@-", "--expect-length", "10"},
			{"--body-lines", lines, "--expect-pattern", "^POST (one|two|three)$"},
			{"-X", "DELETE", "--expect-body", "DELETE "},
			{"-X", "HEAD", "--expect-body", ""},
		} {
			out, code := run(append(append(args, "--engine", engine, "--max-errors", "0"), created...)...)
			assert.Zero(t, code, "%v: %s", args, out)
		}
		out, code := run(append([]string{"--engine", engine, "--body-lines", lines, "--expect-pattern", "^POST (one|two)$", "--max-errors", "0.1"}, created...)...)
		assert.Equal(t, 3, code, out)
		assert.Contains(t, out, `body: 10 bytes without a match of "^POST (one|two)$"`)
	}
	for want, args := range map[string][]string{
		"--body and --body-lines: give only one":           {"--body", "a", "--body-lines", lines},
		"--expect-pattern: give only one of them":          {"--expect-body", "a", "--expect-pattern", "b"},
		"--expect-pattern: error parsing regexp":           {"--expect-pattern", "("},
		`--header "X": want 'Name: value'`:                 {"-H", "X"},
		"header Content-Length: cannot be set":             {"-H", "Content-Length: 1"},
		`method "G T"`:                                     {"-X", "G T"},
		"--body: open none: no such file":                  {"--body", "@none"},
		"--body-lines " + file("empty", "") + ": is empty": {"--body-lines", filepath.Join(dir, "empty")},
		"a URL and --urls: give only one":                  {"--urls", lines},
		"--expect-length -1: must be at least 0":           {"--expect-length", "-1"},
		"--max-p99 0s: must be above 0":                    {"--max-p99", "0s"},
		"--min-rate NaN: must be above 0":                  {"--min-rate", "NaN"},
		"--timeseries: open " + dir + ": is a directory":   {"--timeseries", dir},
	} {
		out, code := run(append(args, s.URL)...)
		assert.Equal(t, 2, code, "%v: %s", args, out)
		assert.Contains(t, out, want)
	}
	for want, text := range map[string]string{
		`:2: target URL "ftp://h/": the scheme must be`:   s.URL + "\nftp://h/\n",
		`:1: want URL, or WEIGHT URL with a whole number`: "0 " + s.URL,
		": has URLs of weight 0":                          "# nothing\n",
	} {
		out, code := run("--urls", file("urls", text))
		assert.Equal(t, 2, code, out)
		assert.Contains(t, out, want)
	}
	out, code := run("--urls", file("two", s.URL+"/a\nhttp://203.0.113.7/\n"))
	assert.Equal(t, 2, code, out)
	assert.Contains(t, out, "--allow-remote")
}
