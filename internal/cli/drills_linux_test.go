package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

// The drills: real faults, each of which has to trip its own gate. A gate that
// nothing trips would be worth nothing.

const drillServer = `'use strict';
const cluster = require('node:cluster');
const http = require('node:http');
const body = 'drill\n';
let asked = 0;
const server = http.createServer((req, res) => {
  asked++;
  if (process.env.FAULT === 'restarts' && asked > 2000) process.exit(1);
  const status = process.env.FAULT === 'errors' && asked > 20 && asked % 50 === 0 ? 500 : 200;
  if (process.env.FAULT === 'resets' && asked > 20 && asked % 50 === 0) return req.socket.resetAndDestroy();
  res.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
  res.end(body);
});
// Some versions of Node wait for a second more than this, so the window beside it is longer.
server.keepAliveTimeout = process.env.FAULT === 'hangs-up' ? 50 : 65_000;
server.keepAliveTimeoutBuffer = 0;
if (process.env.FAULT === 'restarts' && cluster.isPrimary) {
  cluster.on('exit', () => cluster.fork());
  cluster.fork();
} else {
  server.listen({ port: Number(process.env.PORT), host: process.env.HOST, backlog: process.env.FAULT === 'backlog' ? 1 : 4096 });
}
`

// drill runs one block against a server with a fault, at the levels of a
// profile, and counts the gates that fired in its windows.
func drill(t *testing.T, fault, command, levels, arm string) map[string]int {
	t.Helper()
	return drillIn(t, t.TempDir(), fault, command, "canary: false\n"+levels, arm)
}

// drillIn is drill with the run in a folder that the caller can watch.
func drillIn(t *testing.T, dir, fault, command, levels, arm string) map[string]int {
	t.Helper()
	server := filepath.Join(dir, "drill")
	require.NoError(t, os.Mkdir(server, 0o755))
	write := func(name, text string) { require.NoError(t, os.WriteFile(name, []byte(text), 0o644)) }
	write(filepath.Join(server, "server.js"), drillServer)
	write(filepath.Join(server, "server.yaml"), fmt.Sprintf(`schema: 1
name: drill
title: A server with a fault
runtime: node
needs:
  - {executable: node, oldest: "20.0", install: apt-get install nodejs}
command: %s
environment: {HOST: "{host}", PORT: "{port}", FAULT: %s}
ready: /
routes:
  /: {type: text/plain}
keep_alive: both
`, command, fault))
	profile := filepath.Join(dir, "drill.yaml")
	write(profile, "schema: 1\nname: drill\ndescription: A drill.\narms: ["+arm+"]\n"+levels+"window: 1s\npasses: 1\nlong_window: 3s\nwarmup: 0s\ntimeout: 2s\nblocks: {min: 1, max: 1}\n")
	run := filepath.Join(dir, "run")
	out, err := exec.CommandContext(t.Context(), binary, "run", "--profile", profile, "--server", server, "--arm", arm, "--out", run).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		require.Contains(t, []int{3, 4}, exit.ExitCode(), "%s", out) // the server failed, or the machine spoiled all windows
	} else {
		require.NoError(t, err, "%s", out)
	}
	trials, err := record.ReadTrials(run)
	require.NoError(t, err)
	fired := map[string]int{}
	for _, trial := range trials {
		require.Empty(t, trial.Failure)
		for _, w := range trial.Windows {
			for _, g := range w.Gates {
				fired[g.Name]++
				t.Logf("%v: %s: %s", w.Level, g.Name, g.Detail)
			}
		}
	}
	return fired
}

const node = "[node, server.js]"

// TestDrills: besides a fault's own gate only those may fire that it explains.
// Where host-noise fires, other tests load the machine at the same time, and
// what else fires is theirs.
func TestDrills(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("a server and a generator on one core trip gates of their own")
	}
	for _, tc := range []struct {
		name, fault, command, levels, arm string
		want                              string
		explained                         []string
	}{
		{"errors", "errors", node, "connections: [8]\n", "drill", record.GateErrors, nil},
		{"resets", "resets", node, "connections: [8]\n", "drill", record.GateErrors, []string{record.GateLittlesLaw, record.GateNetwork}},
		{"it ends idle connections", "hangs-up", node, "connections: [1]\nidle: [{connections: 200, rate: 200}]\n", "drill", record.GateIdleConnections, []string{record.GateResident}},              // the server has them to close
		{"a listen queue of one", "backlog", node, "connections: [1]\nrates: [3000]\n", "drill:close", record.GateNetwork, []string{record.GateErrors, record.GateOfferedRate, record.GateResident}}, // connections that were turned away come back when the server is idle
		{"it restarts under load", "restarts", node, "connections: [8]\n", "drill", record.GateErrors, []string{record.GateLittlesLaw, record.GateNetwork}},
		{"fewer open files than connections", "none", "[sh, -c, \"ulimit -n 48; exec node server.js\"]", "connections: [100]\n", "drill", record.GateErrors, []string{record.GateLittlesLaw, record.GateNetwork, record.GateConnections, record.GateGeneratorCPU, record.GateCeiling}},
		{
			"a rate beyond the generator", "none", "[" + binary + ", \"null\", --addr, \"{host}:{port}\"]", "connections: [1]\nrates: [500000]\n", "drill", record.GateOfferedRate,
			// Thousands of connections at once are more than a listen queue may take.
			[]string{record.GateGeneratorCPU, record.GateCeiling, record.GateErrors, record.GateLittlesLaw, record.GateNetwork},
		},
		{"as fast as the generator", "none", "[" + binary + ", \"null\", --addr, \"{host}:{port}\"]", "connections: [64]\n", "drill", record.GateCeiling, []string{record.GateGeneratorCPU, record.GateLittlesLaw}},
		{"nothing", "none", node, "connections: [8]\nrates: [200]\n", "drill", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fired := drill(t, tc.fault, tc.command, tc.levels, tc.arm)
			if tc.want != "" {
				assert.Positive(t, fired[tc.want], "the gate %s did not fire", tc.want)
			}
			if fired[record.GateHostNoise] > 0 {
				return
			}
			allowed := append(tc.explained, tc.want)
			for _, name := range slices.Sorted(maps.Keys(fired)) {
				assert.Contains(t, allowed, name)
			}
		})
	}
}

// TestDrillHog: somebody else on the run's cores.
func TestDrillHog(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one core")
	}
	ctx, cancel := context.WithCancel(t.Context())
	hog := exec.CommandContext(ctx, "sh", "-c", "while :; do :; done")
	require.NoError(t, hog.Start())
	t.Cleanup(func() { cancel(); _ = hog.Wait() })
	fired := drill(t, "none", node, "connections: [8]\n", "drill")
	assert.Positive(t, fired[record.GateHostNoise])
}

// TestWindowsShorterThanAResponse: that is no failure of the server, but of the profile.
func TestWindowsShorterThanAResponse(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one core")
	}
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "slow"), 0o755))
	write("slow/app.js", "require('http').createServer((q, s) => setTimeout(() => s.end('ok'), 400)).listen(+process.argv[2], '127.0.0.1');\n")
	write("slow/server.yaml", `schema: 1
name: slow
title: A server that takes its time
runtime: node
needs: [{executable: node, install: "see nodejs.org"}]
command: [node, app.js, "{port}"]
routes: {/: {body: ok}}
`)
	write("p.yaml", "schema: 1\nname: p\ndescription: d\narms: [slow]\nconnections: [4]\nwindow: 100ms\nlead_in: 30ms\npasses: 1\nwarmup: 0s\ntimeout: 5s\nblocks: {min: 1, max: 1}\n")
	_, stderr, code := hellobench(t, "run", "--profile", filepath.Join(dir, "p.yaml"), "--server", filepath.Join(dir, "slow"), "--arm", "slow", "--out", filepath.Join(dir, "run"))
	if code == 4 {
		t.Skip("other work disturbed the only window")
	}
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "hellobench: the windows are shorter than a response: no response came within the window of 100ms\nhint: measure with a profile that has a longer window")
	assert.NotContains(t, stderr, "server failed")
}

// TestStoppedGenerator: a generator that is stopped says so, and blames no server.
func TestStoppedGenerator(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
	defer s.Close()
	cmd := exec.CommandContext(t.Context(), binary, "load", "--engine", "wire", "--connections", "4", "--duration", "4s", "--format", "json", s.URL)
	var out bytes.Buffer
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	time.Sleep(2 * time.Second)
	require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(500 * time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	require.NoError(t, cmd.Wait())
	var result struct {
		Odd []record.Oddity `json:"odd"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &result), "%s", out.String())
	assert.Contains(t, result.Odd, record.Stalled)
}
