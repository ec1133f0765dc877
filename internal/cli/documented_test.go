package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	// A command of ours, from its name to what a shell would end it at.
	ourCommand = regexp.MustCompile(`(?m)^(?:bin/)?hellobench ([^#|&\n]*)|^(?:scripts/tune-host )?make ([a-z-]+)`)
)

// TestDocumentedCommands holds what the pages tell a reader to type against
// the program: its commands and flags are known, its make targets are there.
// What is quick is run, on the reference run and a null server, as it stands.
func TestDocumentedCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	seen := 0
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
			for _, m := range ourCommand.FindAllStringSubmatch(block[1], -1) {
				seen++
				name := filepath.Base(page) + ": " + m[0]
				if m[2] != "" {
					out, err := exec.CommandContext(t.Context(), "make", "-C", root, "-n", m[2]).CombinedOutput()
					assert.NoError(t, err, "%s: %s", name, out)
					continue
				}
				// With --help the flags are read and nothing is done.
				out, err := exec.CommandContext(t.Context(), "sh", "-c", binary+" "+m[1]+" --help").CombinedOutput()
				assert.NoError(t, err, "%s: %s", name, out)
			}
		}
	}
	assert.Greater(t, seen, 15, "the pages' commands were not found")
}

// TestReadmeCommandsRun runs the README's quick commands to their end.
func TestReadmeCommandsRun(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	reference, err := filepath.Abs("../../results/reference")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "results", "latest"), os.DirFS(reference)))
	addr := fmt.Sprint("127.0.0.1:", freePort(t))
	null := exec.CommandContext(t.Context(), binary, "null", "--addr", addr)
	require.NoError(t, null.Start())
	t.Cleanup(func() { _ = null.Process.Kill(); _ = null.Wait() })
	eventually(t, "the null server listens", func() bool {
		return exec.CommandContext(t.Context(), binary, "load", "--duration", "10ms", "--connections", "1", "http://"+addr+"/").Run() == nil
	})
	ran := 0
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		for _, m := range ourCommand.FindAllStringSubmatch(block[1], -1) {
			command := strings.TrimSpace(m[1])
			switch word, _, _ := strings.Cut(command, " "); word {
			case "load":
				command = strings.ReplaceAll(command, "127.0.0.1:8080", addr) + " --duration 300ms"
			case "report", "verdicts", "list", "compare", "trend":
			default:
				continue // takes minutes, or a server of the reader's
			}
			ran++
			cmd := exec.CommandContext(t.Context(), "sh", "-c", binary+" "+command)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s: %s", command, out)
			assert.NotEmpty(t, out, command)
		}
	}
	assert.GreaterOrEqual(t, ran, 4, "the README's commands were not found")
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)`)

// TestLinksLead: what a page links to and shows is in the checkout.
func TestLinksLead(t *testing.T) {
	seen := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "results/reference/*.md"} {
		pages, err := filepath.Glob(filepath.Join("../..", pattern))
		require.NoError(t, err)
		for _, page := range pages {
			text, err := os.ReadFile(page)
			require.NoError(t, err)
			for _, m := range link.FindAllStringSubmatch(string(text), -1) {
				if strings.Contains(m[1], ":") {
					continue // another site
				}
				seen++
				_, err := os.Stat(filepath.Join(filepath.Dir(page), m[1]))
				assert.NoError(t, err, "%s: %s", page, m[1])
			}
		}
	}
	assert.Greater(t, seen, 30, "the links were not found")
}
