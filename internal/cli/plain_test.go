package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/cli"
)

// run calls the command line and returns what it printed on either side.
func run(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = cli.Run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

// TestNothingThatATerminalObeys puts escapes where names can come from.
func TestNothingThatATerminalObeys(t *testing.T) {
	t.Chdir(t.TempDir())
	const evil = "\x1b[31m\u009b2J\u202e\x07\x9b" // a color, a C1 sequence, a change of direction, a bell, a byte of C1
	require.NoError(t, os.WriteFile("evil.yaml", []byte(`{schema: 1, "a\e[2J\u202e": 1}`), 0o600))
	require.NoError(t, os.Mkdir("run\x1b[31m", 0o700))
	for _, args := range [][]string{
		{"report", evil},
		{"report", "run\x1b[31m"},
		{"run", "--profile", "evil.yaml"},
		{"run", "--profile", filepath.Join(evil, "x.yaml")},
		{"run", "--arm", "node-http" + evil},
		{"run", "--profile", evil},
		{"run", "--server", evil, "--profile", "quick"},
		{"load", "http://127.0.0.1:1/" + evil},
		{"load", "http://" + evil + "/"},
		{evil},
		{"list", evil},
		{"--" + evil},
	} {
		code, stdout, stderr := run(t, args...)
		assert.Equal(t, 2, code, "%q", args)
		assert.False(t, strings.ContainsFunc(stdout+stderr, obeyed), "%q: %q", args, stderr)
	}
	_, _, stderr := run(t, "report", "a\nhellobench: all is well")
	assert.Equal(t, `hellobench: a\nhellobench: all is well is not a run folder: there is no such folder`+"\n", stderr)
}

// obeyed says of a character of the output whether a terminal does more than show it.
func obeyed(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
