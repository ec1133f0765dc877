package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tuned starts the script in a checkout whose doctor suggests writing a file
// instead of the machine's own settings.
func tuned(t *testing.T, command ...string) (*exec.Cmd, string) {
	t.Helper()
	dir := t.TempDir()
	script, err := os.ReadFile("../../scripts/tune-host")
	require.NoError(t, err)
	for name, text := range map[string]string{
		"scripts/tune-host": string(script),
		"Makefile":          "build:\n",
		"bin/hellobench": `#!/bin/sh
echo 'case $1 in
fix) echo "a = 1"; echo tuned >state ;;
restore) echo "a = 0"; echo "a = 0" >&2; sleep 0.1; echo restored >state ;;
esac'
`,
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "scripts", "tune-host"), command...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, filepath.Join(dir, "state")
}

func state(name string) string {
	text, _ := os.ReadFile(name)
	return string(text)
}

// TestTuneHostRestores ends the script in every way that it can notice.
func TestTuneHostRestores(t *testing.T) {
	stubborn := []string{"sh", "-c", "trap '' HUP INT TERM; sleep 60"}
	for name, c := range map[string]struct {
		command []string
		signals []syscall.Signal
		code    int
	}{
		"done":       {[]string{"grep", "tuned", "state"}, nil, 0},
		"fails":      {[]string{"sh", "-c", "exit 3"}, nil, 3},
		"is killed":  {[]string{"sh", "-c", "kill -KILL $$"}, nil, 137},
		"hang-up":    {[]string{"sleep", "60"}, []syscall.Signal{syscall.SIGHUP}, 129},
		"interrupt":  {[]string{"sleep", "60"}, []syscall.Signal{syscall.SIGINT}, 130},
		"pipe":       {[]string{"sleep", "60"}, []syscall.Signal{syscall.SIGPIPE}, 141},
		"terminated": {[]string{"sleep", "60"}, []syscall.Signal{syscall.SIGTERM}, 143},
		"stubborn":   {stubborn, []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP}, 143},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, file := tuned(t, c.command...)
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			cmd.Stderr = cmd.Stdout
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
			if len(c.signals) > 0 {
				eventually(t, "the machine is tuned", func() bool { return state(file) == "tuned\n" })
				time.Sleep(200 * time.Millisecond) // for the command to start
				require.NoError(t, stdout.Close(), "nobody listens any more")
			}
			for _, s := range c.signals {
				require.NoError(t, cmd.Process.Signal(s))
				time.Sleep(100 * time.Millisecond)
			}
			begin := time.Now()
			code := 0
			var exit *exec.ExitError
			if err := cmd.Wait(); errors.As(err, &exit) {
				code = exit.ExitCode()
			}
			assert.Less(t, time.Since(begin), 10*time.Second)
			assert.Equal(t, c.code, code)
			assert.Equal(t, "restored\n", state(file))
		})
	}
}
