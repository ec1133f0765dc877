package cli_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/record"
)

// countingServer says at its end how often it was asked. It waits for each
// answer, so that what cores the instances get does not decide who is asked more.
const countingServer = `'use strict';
const http = require('node:http');
let asked = 0;
process.on('SIGTERM', () => { console.log('asked ' + asked); process.exit(0); });
http.createServer((req, res) => { asked++; setTimeout(() => res.end('counted\n'), 10); }).listen(Number(process.env.PORT), process.env.HOST);
`

const countingManifest = `schema: 1
name: counting
title: A server that counts
runtime: node
needs:
  - {executable: node, oldest: "20.0", install: apt-get install nodejs}
command: [node, server.js]
environment: {HOST: "{host}", PORT: "{port}"}
routes:
  /: {}
`

const countingProfile = `schema: 1
name: counting
description: Two instances in a closed loop.
arms: ["counting:instances=2"]
connections: [8]
window: 500ms
passes: 1
lead_in: 0s
warmup: 0s
canary: false
blocks: {min: 1, max: 1}
`

// runInstances runs two instances of a server that counts.
func runInstances(t *testing.T, args ...string) (run, out string, code int) {
	t.Helper()
	dir := t.TempDir()
	server := filepath.Join(dir, "counting")
	require.NoError(t, os.Mkdir(server, 0o755))
	profile := filepath.Join(dir, "counting.yaml")
	for name, text := range map[string]string{
		filepath.Join(server, "server.js"): countingServer, filepath.Join(server, "server.yaml"): countingManifest, profile: countingProfile,
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	run = filepath.Join(dir, "run")
	args = append([]string{"run", "--profile", profile, "--server", server, "--arm", "counting:instances=2", "--out", run}, args...)
	printed, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil {
		require.True(t, errors.As(err, &exit), "%v", err)
		code = exit.ExitCode()
	}
	return run, string(printed), code
}

// twoCores are the cores of the servers for two instances. With a third one
// the instances are pinned, else they share the machine with the generator.
func twoCores(t *testing.T) string {
	t.Helper()
	cores, err := host.Allowed()
	if err != nil || len(cores) < 2 {
		t.Skip("needs Linux and two cores")
	}
	return host.FormatCPUs(cores[:2])
}

// TestInstances: each of two instances is asked half of the time, by their own count.
func TestInstances(t *testing.T) {
	for _, engine := range []string{"wire", "vegeta"} {
		t.Run(engine, func(t *testing.T) {
			run, out, code := runInstances(t, "--server-cpus", twoCores(t), "--engine", engine)
			require.Contains(t, []int{0, 4}, code, out) // on a busy machine all windows may have failed a gate
			data, err := os.ReadFile(filepath.Join(run, "run.json"))
			require.NoError(t, err)
			valid(t, "run", data)
			data, err = os.ReadFile(filepath.Join(run, "trials.jsonl"))
			require.NoError(t, err)
			for line := range bytes.Lines(data) {
				valid(t, "trial", line)
			}
			trials, err := record.ReadTrials(run)
			require.NoError(t, err)
			require.Len(t, trials, 2, "the arm and its replicate")
			for _, trial := range trials {
				require.Empty(t, trial.Failure)
				require.Len(t, trial.Windows, 1)
				assert.Len(t, strings.Fields(trial.Setup["port"]), 2)
				assert.Equal(t, 2, trial.Idle.Processes)
				m := trial.Windows[0].Load
				assert.Zero(t, m.Errors)
				assert.Equal(t, engine == "vegeta", m.FirstByte != nil, "wire knows that every response came in one piece")
				total := 0
				for _, n := range asked(t, filepath.Join(run, "logs", strings.ReplaceAll(trial.Arm, ":", "_")+".log")) {
					total += n
					assert.InEpsilon(t, float64(m.Requests)/2, n, 0.15, "requests to one of two")
				}
				// Each is asked a few times before, until it answers and to be verified.
				assert.GreaterOrEqual(t, total, int(m.Requests)+6)
				assert.Less(t, total, int(m.Requests)+100)
			}
		})
	}
}

// asked are the counts that two instances printed at their ends, each to its own log.
func asked(t *testing.T, log string) (counts []int) {
	t.Helper()
	printed, err := os.ReadFile(log)
	require.NoError(t, err)
	second, err := os.ReadFile(log + ".2")
	require.NoError(t, err)
	printed = append(printed, second...)
	for _, line := range regexp.MustCompile(`(?m)^asked (\d+)$`).FindAllStringSubmatch(string(printed), -1) {
		n, err := strconv.Atoi(line[1])
		require.NoError(t, err)
		counts = append(counts, n)
	}
	require.Len(t, counts, 2, "%s", printed)
	return counts
}

// TestInstancesNeedCores: where there is no core for each, there is no figure.
func TestInstancesNeedCores(t *testing.T) {
	twoCores(t)
	_, out, code := runInstances(t)
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "without counting:instances=2: not testable here: 2 instances on 1 core(s)\nhint: give the servers 2 cores with --server-cpus")
}
