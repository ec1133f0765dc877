package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
)

// turncoat is a server that answers as it should, until it does not any more.
const turncoat = `'use strict';
const net = require('node:net');
let asked = 0;
const kinds = {
  switches: (c) => c.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
  endless: (c) => { c.write('HTTP/1.1 200 OK\r\n\r\n'); setInterval(() => c.write('x'), 100).unref(); },
};
net.createServer((c) => {
  let head = '';
  c.on('error', () => {});
  c.on('data', (data) => {
    head += data;
    for (let end; (end = head.indexOf('\r\n\r\n')) >= 0; head = head.slice(end + 4)) {
      const close = /connection: close/i.test(head.slice(0, end));
      if (++asked > 100) kinds[process.env.KIND](c);
      else c.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n' + (close ? 'Connection: close\r\n' : '') + '\r\nhi', () => close && c.end());
    }
  });
}).listen(Number(process.env.PORT), process.env.HOST);
`

// TestRunOfTurncoats: a run ends, whatever its server answers under load.
func TestRunOfTurncoats(t *testing.T) {
	dir := t.TempDir()
	profile := filepath.Join(dir, "p.yaml")
	require.NoError(t, os.WriteFile(profile, []byte(`schema: 1
name: p
description: Short.
arms: [node-http]
connections: [4]
rates: [100]
window: 300ms
passes: 1
warmup: 0s
timeout: 1s
canary: false
blocks: {min: 1, max: 1}
`), 0o644))
	for kind, class := range map[string]func(record.Errors) uint64{
		"switches": func(e record.Errors) uint64 { return e.Status },
		"endless":  func(e record.Errors) uint64 { return e.Timeout },
	} {
		for _, engine := range []string{"wire", "vegeta"} {
			t.Run(kind+"/"+engine, func(t *testing.T) {
				name := kind + "-" + engine
				server, run := filepath.Join(dir, name), filepath.Join(dir, "run-"+name)
				require.NoError(t, os.Mkdir(server, 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(server, "server.js"), []byte(turncoat), 0o644))
				require.NoError(t, os.WriteFile(filepath.Join(server, "server.yaml"), fmt.Appendf(nil, `schema: 1
name: %s
title: A turncoat
runtime: node
needs:
  - {executable: node, oldest: "20.0", install: apt-get install nodejs}
command: [node, server.js]
environment: {HOST: "{host}", PORT: "{port}", KIND: %s}
ready: /
routes:
  /: {type: text/plain}
keep_alive: both
`, name, kind), 0o644))
				began := time.Now()
				out, err := exec.CommandContext(t.Context(), binary, "run", "--profile", profile, "--server", server, "--arm", name, "--engine", engine, "--out", run).CombinedOutput()
				assert.Less(t, time.Since(began), 90*time.Second)
				var exit *exec.ExitError
				if err != nil {
					require.ErrorAs(t, err, &exit, "%s", out)
					assert.Contains(t, []int{3, 4}, exit.ExitCode(), "%s", out)
				}
				assert.NotContains(t, string(out), "panic: ")
				trials, err := record.ReadTrials(run)
				require.NoError(t, err)
				var failed uint64
				for _, trial := range trials {
					for _, w := range trial.Windows {
						failed += class(w.Load.Errors)
					}
				}
				assert.Positive(t, failed, "%s", out)
			})
		}
	}
}
