package cli_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestSignalEndsAll sends one signal to commands that wait for something which never
// comes: each ends within a second, or so on a busy machine.
func TestSignalEndsAll(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	target := "http://" + silent.Addr().String() + "/"
	dir := t.TempDir()
	hangs := filepath.Join(dir, "hangs") // a run folder that cannot be read to its end
	require.NoError(t, os.Mkdir(hangs, 0o755))
	require.NoError(t, unix.Mkfifo(filepath.Join(hangs, "run.json"), 0o600))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	reference, err := filepath.Abs("../../results/reference")
	require.NoError(t, err)
	own := filepath.Join(dir, "stubborn") // it never gets ready, and ignores polite signals
	require.NoError(t, os.Mkdir(own, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(own, "server.yaml"), []byte(stubborn), 0o644))
	profile := filepath.Join(dir, "tiny.yaml")
	require.NoError(t, os.WriteFile(profile, []byte(oneTrial), 0o644))
	for name, command := range map[string]string{
		"load, wire":           "load --engine wire --timeout 1m --duration 1m " + target,
		"load, vegeta":         "load --engine vegeta --timeout 1m --duration 1m " + target,
		"load, wire, open":     "load --engine wire --timeout 1m --duration 1m --rate 100 " + target,
		"load, vegeta, open":   "load --engine vegeta --timeout 1m --duration 1m --rate 100 " + target,
		"load, results stuck":  "load --engine vegeta --vegeta-out " + filepath.Join(dir, "fifo") + " " + target,
		"calibrate":            "calibrate --duration 1m",
		"report":               "report " + hangs,
		"report, output stuck": "report " + reference + " --format html --out " + filepath.Join(dir, "fifo"),
		"verdicts":             "verdicts " + hangs,
		"compare":              "compare " + reference + " " + hangs,
		"trend":                "trend " + reference + " " + hangs,
		"merge":                "merge " + reference + " " + hangs + " --out " + filepath.Join(dir, "merged"),
		"run --resume":         "run --resume " + hangs,
		"run, never ready":     "run --profile " + profile + " --server " + own + " --arm stubborn --out " + filepath.Join(dir, "run"),
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), binary, strings.Fields(command)...)
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			cmd.WaitDelay = 5 * time.Second
			require.NoError(t, cmd.Start())
			time.Sleep(time.Second) // it hangs by then
			require.NoError(t, cmd.Process.Signal(syscall.SIGTERM), "it ended by itself: %s", &said)
			began := time.Now()
			err := cmd.Wait()
			assert.Less(t, time.Since(began), 2*time.Second)
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, said.String())
			assert.Equal(t, 128+int(syscall.SIGTERM), exit.ExitCode(), said.String())
			assert.Contains(t, said.String(), "hellobench: interrupted")
			assert.NotContains(t, said.String(), "goroutine")
		})
	}
	h := &harness{dir: filepath.Join(dir, "run")}
	eventually(t, "no server left", func() bool { return len(h.servers(t)) == 0 })
}

const stubborn = `schema: 1
name: stubborn
title: A server that never gets ready
runtime: other
article: none
needs:
  - {executable: sh, oldest: "0", version: [-c, echo 1.0], install: it is there}
command: [sh, -c, "trap '' TERM INT HUP; while :; do sleep 1; done", "{port}"]
ready: /
routes:
  /: {body: hello, type: text/plain}
keep_alive: both
`
