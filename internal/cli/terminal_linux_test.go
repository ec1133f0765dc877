package cli_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// onTerminal runs a command on a terminal of its own, and returns what came there.
func onTerminal(t *testing.T, columns int, env []string, args ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("a terminal: %v", err)
	}
	defer func() { _ = master.Close() }()
	fd := int(master.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	cmd.Env = append(os.Environ(), append([]string{"NO_COLOR=", "TERM=xterm"}, env...)...)
	require.NoError(t, cmd.Start())
	require.NoError(t, slave.Close())
	out, _ := io.ReadAll(master) // ends with EIO
	_ = cmd.Wait()
	return string(out)
}

// paths are words that cannot be broken.
var (
	paths      = regexp.MustCompile(`[\w:=/.?~-]{30,}`)
	clearsLine = regexp.MustCompile(`\x1b\[K`)
)

// longest is the longest line that a terminal would show, and it.
func longest(text string) (columns int, line string) {
	for l := range strings.FieldsFuncSeq(paths.ReplaceAllString(clearsLine.ReplaceAllString(text, ""), "PATH"), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if n := utf8.RuneCountInString(l); n > columns {
			columns, line = n, l
		}
	}
	return columns, line
}

// TestTerminalWidths: what people look at is as wide as their terminal.
func TestTerminalWidths(t *testing.T) {
	reference, err := filepath.Abs("../../results/reference")
	require.NoError(t, err)
	addr := fmt.Sprint("127.0.0.1:", freePort(t))
	null := exec.CommandContext(t.Context(), binary, "null", "--addr", addr)
	require.NoError(t, null.Start())
	t.Cleanup(func() { _ = null.Process.Kill(); _ = null.Wait() })
	eventually(t, "the null server listens", func() bool {
		return exec.CommandContext(t.Context(), binary, "load", "--duration", "10ms", "--connections", "1", "http://"+addr+"/").Run() == nil
	})
	for _, columns := range []int{50, 80, 120, 200} {
		for _, args := range [][]string{
			{"report", reference, "--format", "table"},
			{"verdicts", reference},
			{"compare", reference, reference},
			{"doctor"},
			{"list", "servers"},
			{"list", "arms"},
			{"list", "profiles"},
			{"list", "claims"},
			{"load", "--duration", "200ms", "--rate", "2000", "http://" + addr + "/"},
		} {
			out := onTerminal(t, columns, nil, args...)
			n, line := longest(out)
			assert.LessOrEqual(t, n, columns, "%v: %s", args, line)
			assert.NotContains(t, out, "\x1b", "%v", args)
			if args[0] == "report" {
				assert.Greater(t, n, columns*3/4, "it uses the room that there is")
			}
		}
	}
	out, err := exec.CommandContext(t.Context(), binary, "report", reference, "--format", "table").Output()
	require.NoError(t, err)
	n, _ := longest(string(out))
	assert.LessOrEqual(t, n, 100)
	assert.Greater(t, n, 90)
}

// TestProgressOnTerminal: progress is one line that does not wrap, and without
// an escape where the terminal takes none.
func TestProgressOnTerminal(t *testing.T) {
	dir := t.TempDir()
	profile := filepath.Join(dir, "tiny.yaml")
	require.NoError(t, os.WriteFile(profile, []byte(oneTrial), 0o644))
	for i, tc := range []struct {
		columns int
		env     string
		escapes bool
	}{
		{50, "TERM=xterm", true}, {200, "TERM=xterm", true}, {50, "TERM=dumb", false}, {50, "NO_COLOR=1", false},
	} {
		out := onTerminal(t, tc.columns, []string{tc.env}, "run", "--profile", profile, "--out", filepath.Join(dir, fmt.Sprint("run", i)))
		assert.Equal(t, tc.escapes, strings.Contains(out, "\x1b"), "%s: %q", tc.env, out)
		seen := 0
		for line := range strings.FieldsFuncSeq(clearsLine.ReplaceAllString(out, ""), func(r rune) bool { return r == '\n' || r == '\r' }) {
			if strings.Contains(line, "block 1 of 1") {
				seen++
				assert.Less(t, utf8.RuneCountInString(line), tc.columns, line)
			}
		}
		assert.Positive(t, seen, out)
	}
}
