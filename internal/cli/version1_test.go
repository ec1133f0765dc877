package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
)

// TestRunsOfVersion1KeepTheirVerdicts: byte for byte, in every format that shows them,
// unless another margin is asked for.
func TestRunsOfVersion1KeepTheirVerdicts(t *testing.T) {
	dir := t.TempDir() // for report writes to it
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "version1"))))
	want, err := os.ReadFile(filepath.Join(dir, "verdicts.json"))
	require.NoError(t, err)
	out, said, code := hellobench(t, "verdicts", dir, "--format", "json")
	require.Zero(t, code, said)
	assert.Equal(t, string(want), out)

	var given, anew []claims.Verdict
	require.NoError(t, json.Unmarshal(want, &given))
	out, said, code = hellobench(t, "verdicts", dir, "--format", "json", "--margin", "0.2")
	require.Zero(t, code, said)
	require.NoError(t, json.Unmarshal([]byte(out), &anew))
	assert.NotEqual(t, given, anew)

	out, said, code = hellobench(t, "report", dir)
	require.Zero(t, code, said)
	assert.Contains(t, out, "The run is of an older version: its verdicts are those of its verdicts.json")
	for _, format := range []string{"markdown", "html", "csv", "json", "benchfmt", "junit", "svg"} {
		_, said, code = hellobench(t, "report", dir, "--format", format, "--out", filepath.Join(t.TempDir(), "out"))
		assert.Zero(t, code, "%s: %s", format, said)
	}
}

// TestVerdictsOfVersion1ThatAreGone are given anew, and say so; damaged ones are a mistake.
func TestVerdictsOfVersion1ThatAreGone(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "version1"))))
	file := filepath.Join(dir, "verdicts.json")
	for text, want := range map[string]string{
		"[]":                  "verdicts.json:1: its claims are not those of run.json",
		"[\n{\"id\"":          "verdicts.json:2: damaged: it ends in the middle",
		"[\n{\"id\": \"a\"}]": "verdicts.json:2: ",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, said, code := hellobench(t, "verdicts", dir)
		assert.Equal(t, 2, code)
		assert.Contains(t, said, want)
	}
	require.NoError(t, os.Remove(file))
	out, said, code := hellobench(t, "report", dir)
	require.Zero(t, code, said)
	assert.Contains(t, out, "its verdicts are those of today's analysis")
}
