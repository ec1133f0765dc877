package runners

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/host"
)

// How long what runs under a guard may take to end by itself after SIGTERM.
const (
	stopGrace   = 3 * time.Second
	orphanGrace = 500 * time.Millisecond // where nobody waits for it: the harness ends or has ended
	killTime    = 10 * time.Second       // for what was killed to be gone
)

// exitZero is how a command that succeeded ended.
const exitZero = "exit status 0"

// guarded is a command that runs under a guard: a small process of its own
// between the harness and the command. Whatever the command starts, daemons that
// fork twice included, stays below the guard, so that all of it can be
// metered and ended. The guard learns that the harness is gone by its standard
// input coming to an end, which no way of dying can prevent.
type guarded struct {
	guard  *exec.Cmd
	life   io.WriteCloser // its standard input
	leader int            // pid of the command, which leads a process group
	exited chan struct{}  // closed when the command has ended
	began  time.Time      // just before the command was started
	reason string         // how it ended, such as "exit status 1"; valid once exited is closed
	lost   bool           // the guard was killed, and the command with it; valid once exited is closed
}

// startGuarded starts cmd under the guard that argv leads to; argv has to end
// in a call of GuardMain with the arguments that follow.
func startGuarded(argv []string, cmd *exec.Cmd) (*guarded, error) {
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	report, child, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = child.Close() }()
	guard := exec.Command(argv[0], append(argv[1:], append([]string{cmd.Path}, cmd.Args[1:]...)...)...) //nolint:noctx // ends with its standard input
	guard.Dir, guard.Stdout, guard.Stderr = cmd.Dir, cmd.Stdout, cmd.Stderr
	guard.Env = []string{"GOMAXPROCS=1"} // the command's own, which may have options for a Go program, comes by its input
	guard.ExtraFiles = []*os.File{child}
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // out of reach of what a terminal sends
	g := &guarded{guard: guard, exited: make(chan struct{})}
	env, err := json.Marshal(cmd.Env)
	if err == nil {
		g.life, err = guard.StdinPipe()
	}
	if err == nil {
		err = guards.start(guard)
	}
	if err != nil {
		_ = report.Close()
		return nil, fmt.Errorf("start guard: %w", err)
	}
	_, _ = g.life.Write(append(env, '\n')) // a guard that is gone reports nothing
	lines := bufio.NewReader(report)
	word, rest := reported(lines)
	var began int64
	if _, err = fmt.Sscan(rest, &g.leader, &began); word != "started" || err != nil {
		_ = report.Close()
		_ = g.life.Close()
		_ = guards.wait(guard)
		if word == "failed" {
			return nil, errors.New(rest)
		}
		return nil, errors.New("start guard: it ended at once")
	}
	g.began = time.Now().Add(time.Duration(began - monotonic()))
	go func() {
		if word, rest := reported(lines); word == "exited" {
			g.reason = rest
		} else {
			g.reason, g.lost = "hellobench's own process that watches it was killed", true
		}
		_ = report.Close()
		close(g.exited)
	}()
	return g, nil
}

// guards are those of this process that run: all its children while servers do.
var guards = roster{running: map[int]bool{}}

type roster struct {
	mu      sync.Mutex
	running map[int]bool // by pid
}

// start starts a guard, whose orphans come to this process should it be killed.
func (r *roster) start(guard *exec.Cmd) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := adoptOrphans()
	if err == nil {
		err = guard.Start()
	}
	if err == nil {
		r.running[guard.Process.Pid] = true
	}
	return err
}

// wait waits for a guard. Of one that was killed it ends what is left.
func (r *roster) wait(guard *exec.Cmd) error {
	err := guard.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, guard.Process.Pid)
	if err != nil {
		killStrays(r.running)
	}
	return err
}

// reported reads a line of what a guard reports: a word and the rest.
func reported(r *bufio.Reader) (word, rest string) {
	line, _ := r.ReadString('\n')
	word, rest, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	return word, rest
}

// stop ends the command and everything that it started: SIGTERM to the command,
// and once that has ended, or after the grace period, SIGKILL to what is left. It returns once nothing of it runs
// any more, and an error if that cannot be had.
func (g *guarded) stop(grace time.Duration) error {
	_, _ = fmt.Fprintln(g.life, grace)
	_ = g.life.Close()
	late := time.AfterFunc(grace+killTime+time.Second, func() { _ = g.guard.Process.Kill() })
	defer late.Stop()
	err := guards.wait(g.guard)
	<-g.exited
	if err != nil {
		_ = syscall.Kill(-g.leader, syscall.SIGKILL)
		return fmt.Errorf("process %d or one that it started does not end: %w", g.leader, err)
	}
	return nil
}

// runGuarded runs a command under a guard until it or ctx ends. Daemons that it started end with it.
func runGuarded(ctx context.Context, argv []string, cmd *exec.Cmd) error {
	g, err := startGuarded(argv, cmd)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-g.exited:
	}
	if err := g.stop(orphanGrace); err != nil {
		return err
	}
	if g.reason != exitZero {
		return errors.New(g.reason)
	}
	return nil
}

// GuardMain is the whole life of a guard: it starts the command, reports how it
// begins and ends, and when its input ends, or says after which grace period,
// ends all that is left. The result is the exit code.
func GuardMain(argv []string) int {
	runtime.LockOSThread()                                                                // the parent-death signal is bound to the thread
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // not ignored: the command would inherit that
	const reports = 3
	syscall.CloseOnExec(reports)
	report := os.NewFile(reports, "reports")
	input := bufio.NewReader(os.Stdin)
	began, leader, err := startLeader(argv, input)
	if err != nil {
		_, _ = fmt.Fprintf(report, "failed %v\n", err)
		return 1
	}
	_, _ = fmt.Fprintf(report, "started %d %d\n", leader, began)
	exited, childless := make(chan struct{}), make(chan struct{})
	go reap(leader, func(reason string) {
		_, _ = fmt.Fprintf(report, "exited %s\n", reason)
		close(exited)
	}, childless)
	stopBounding := boundLog(os.Stdout)

	grace := orphanGrace
	line, _ := input.ReadString('\n')
	if d, err := time.ParseDuration(strings.TrimSpace(line)); err == nil {
		grace = d
	}
	select {
	case <-exited:
	default:
		_ = syscall.Kill(leader, syscall.SIGTERM)
	}
	select {
	case <-exited:
	case <-time.After(grace):
	}
	defer stopBounding()
	for end := time.Now().Add(killTime); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		left := killBelow(leader)
		select {
		case <-childless:
			if !left {
				return 0
			}
		default:
		}
	}
	return 1
}

// startLeader starts the command as the leader of a group, and as the guard's own
// child. The first line of input is the command's environment. began is monotonic.
func startLeader(argv []string, input *bufio.Reader) (began int64, pid int, err error) {
	if len(argv) == 0 {
		return 0, 0, errors.New("guard: no command")
	}
	var env []string
	line, err := input.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &env)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("guard: read the environment: %w", err)
	}
	if err := adoptOrphans(); err != nil {
		return 0, 0, err
	}
	if _, err := host.RaiseOpenFiles(); err != nil { // thousands of connections are no matter of a shell's default
		return 0, 0, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = null.Close() }()
	began = monotonic()
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{Env: env, Files: []*os.File{null, os.Stdout, os.Stderr}, Sys: leaderAttributes()})
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = p.Release() }()
	return began, p.Pid, nil
}

// monotonic is a clock that two processes have in common, in ns.
func monotonic() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return now.Nano()
}

// reap waits for every child, those that were adopted included: the kernel then
// adds their processor time to the guard's account of its children. It closes
// childless when there is none left.
func reap(leader int, exited func(reason string), childless chan<- struct{}) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			close(childless)
			return
		case pid == leader && status.Signaled():
			exited("signal: " + status.Signal().String())
		case pid == leader:
			exited("exit status " + strconv.Itoa(status.ExitStatus()))
		}
	}
}
