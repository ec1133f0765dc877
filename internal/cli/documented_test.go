package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
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

// notRun are the README's commands that the test leaves out, with the reason.
var notRun = map[string]string{
	"make bench-quick": "the workflows run it, and the runs below are of its profile",
	"make bench":       "takes five minutes",
	"bin/hellobench run --server-host bench@server1":                                   "needs another machine; TestServerHost makes one",
	"bin/hellobench run --server-host bench@server1 --load-host bench@gen1,bench@gen2": "needs other machines; TestLoadHosts makes them",
	"RESULTS=/shared/results scripts/slurm/submit 4":                                   "needs a cluster; TestSlurm makes one",
	"go install github.com/hellobench/hellobench/cmd/hellobench@latest":                "needs a published version; the folder is installed instead",
}

// TestReadmeCommandsRun runs the README's commands as they are printed, line after
// line in a fresh clone, but for those that are left out by name. Other tests
// work on the same cores, so that a run may rightly call itself invalid.
func TestReadmeCommandsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two minutes")
	}
	clone := checkout(t)
	text, err := os.ReadFile(filepath.Join(clone, "README.md"))
	require.NoError(t, err)
	port, bin := freePort(t), t.TempDir()
	sh(t, clone, "GOBIN="+bin+" go install ./cmd/hellobench && "+bin+"/hellobench list servers")
	script := "invalid() { test $? -eq 4; }\n"
	left := map[string]bool{}
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			command, _, _ := strings.Cut(line, "#")
			command = strings.TrimSpace(command)
			if notRun[command] != "" {
				left[command] = true
				continue
			}
			command = strings.ReplaceAll(command, "127.0.0.1:8080", fmt.Sprint("127.0.0.1:", port))
			if strings.HasPrefix(command, "bin/hellobench null") {
				command = strings.Replace(command, "null", fmt.Sprint("null --addr 127.0.0.1:", port), 1)
			}
			if strings.HasPrefix(command, "bin/hellobench run") {
				command += " || invalid"
			}
			script += command + "\n"
		}
	}
	for command := range notRun {
		assert.True(t, left[command], "%q is not in the README", command)
	}
	assert.GreaterOrEqual(t, strings.Count(script, "bin/hellobench "), 9, script)
	cmd := exec.CommandContext(t.Context(), "sh", "-ex")
	cmd.Dir, cmd.Stdin = clone, strings.NewReader(script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said := filepath.Join(t.TempDir(), "said")
	file, err := os.Create(said)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	cmd.Stdout, cmd.Stderr = file, file // not a pipe, which the null server would hold open
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) // the null server
	err = cmd.Wait()
	out, rerr := os.ReadFile(said)
	require.NoError(t, rerr)
	require.NoError(t, err, "%s\n%s", script, out)
	sh(t, clone, `test -z "$(git status --porcelain)"`) // no command leaves anything in the checkout
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
