package cli_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"
)

// fault is something that happens to a run.
type fault struct {
	name   string
	codes  []int // how the run may end
	polite bool  // the run ends itself
	excuse bool  // a trial may fail of it
	strike func(s *survival, in *invocation, pause time.Duration) (hit bool)
}

// faults holds the most important one several times.
var faults = []fault{
	sigkill, sigkill, sigkill, sigkill, sigkill, sigkill,
	signals("SIGTERM", 143, syscall.SIGTERM), signals("SIGINT", 130, syscall.SIGINT),
	signals("SIGTERM twice", 143, syscall.SIGTERM, syscall.SIGTERM), signals("SIGINT twice", 130, syscall.SIGINT, syscall.SIGINT),
	victim("SIGKILL of the guard", process.guard), victim("SIGKILL of a server", process.server),
	{name: "SIGKILL of all but guards", codes: []int{137}, strike: func(s *survival, in *invocation, _ time.Duration) bool {
		_ = in.cmd.Process.Kill()
		for _, p := range s.processes() {
			if !p.guard() {
				_ = syscall.Kill(p.pid, syscall.SIGKILL)
			}
		}
		return true
	}},
}

var sigkill = fault{name: "SIGKILL", codes: []int{137}, strike: func(_ *survival, in *invocation, _ time.Duration) bool {
	_ = in.cmd.Process.Kill()
	return true
}}

// signals sends signals to the run with a pause before each but the first.
func signals(name string, code int, all ...syscall.Signal) fault {
	return fault{name: name, codes: []int{code}, polite: true, strike: func(_ *survival, in *invocation, pause time.Duration) bool {
		for i, sig := range all {
			if i > 0 {
				time.Sleep(pause)
			}
			_ = in.cmd.Process.Signal(sig)
		}
		return true
	}}
}

// victim kills one process of the run and ends the run some time later.
func victim(name string, is func(process) bool) fault {
	return fault{name: name, codes: []int{143, 1}, polite: true, excuse: true, strike: func(s *survival, in *invocation, pause time.Duration) bool {
		found := slices.DeleteFunc(s.processes(), func(p process) bool { return !is(p) })
		if len(found) == 0 {
			return false
		}
		_ = syscall.Kill(found[s.rng.IntN(len(found))].pid, syscall.SIGKILL)
		time.Sleep(pause)
		_ = in.cmd.Process.Signal(syscall.SIGTERM)
		return true
	}}
}

// survivalProfile is a run of a few seconds. The arms that the servers of
// hostileServers add come last.
const survivalProfile = `schema: 1
name: survival
description: Few short trials.
arms: [node-http, ARM]
connections: [1]
window: 20ms
passes: 1
warmup: 20ms
timeout: 2s
canary: false
blocks: {min: 3, max: 3}
`

const survivalManifest = `schema: 1
name: NAME
title: A server that does not want to end
runtime: node
needs:
  - {executable: node, oldest: "20.0", install: apt-get install nodejs}
prepare:
  lock: [server.js]
  commands:
    - [sh, -c, "INSTALL"]
command: [node, server.js]
environment: {HOST: "{host}", PORT: "{port}"}
ready: /
routes:
  /: {body: "hello\n"}
`

// A daemon forks twice, each time into a session of its own, keeps the
// listening socket, ignores the polite signals and has an empty environment:
// MARK in its command line is all that says whose it is.
const (
	daemonize    = `trap '' TERM INT HUP; setsid sh -c 'setsid sh -c \"exec tail -f MARK\" & exit 0'`
	daemonServer = `const { spawn } = require('node:child_process');
const server = require('node:http').createServer((req, res) => res.end('hello\n'));
server.listen(Number(process.env.PORT), process.env.HOST, () => spawn('setsid', ['sh', '-c', "` + daemonize + `"],
  { env: { PATH: process.env.PATH }, stdio: ['ignore', 'ignore', 'ignore', server._handle.fd] }));
`
	stubbornServer = `for (const s of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(s, () => {});
require('node:http').createServer((req, res) => res.end('hello\n')).listen(Number(process.env.PORT), process.env.HOST);
`
)

// tally is what make survive prints at the end.
type tally struct {
	faults, resumed, startedOver int
	planned, lost, doubled, left int
	slowestEnd, slowestGone      slowest
	by                           map[string]int
}

// slowest is what took longest.
type slowest struct {
	time.Duration
	what string
}

func (s slowest) String() string {
	return fmt.Sprintf("%v (%s)", s.Round(time.Millisecond), s.what)
}

func newTally() *tally { return &tally{by: map[string]int{}} }

func (f *tally) String() string {
	return fmt.Sprintf("%d resumed, %d started over; of %d trials %d lost, %d doubled; %d processes left", f.resumed, f.startedOver, f.planned, f.lost, f.doubled, f.left)
}

func (f *tally) table() string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%d faults: %v\n", f.faults, f)
	for _, name := range slices.Sorted(maps.Keys(f.by)) {
		_, _ = fmt.Fprintf(&b, "%5d %s\n", f.by[name], name)
	}
	_, _ = fmt.Fprintf(&b, "slowest from a signal to the end: %v\nslowest from the end until no process was left: %v", f.slowestEnd, f.slowestGone)
	return b.String()
}
