package runners

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/record"
)

// Options says how a server is started. The zero value starts it with its
// manifest's defaults on a free port of 127.0.0.1.
type Options struct {
	Workers, Threads int               // 0: the manifest's default
	Variant          string            // of the manifest; empty: the server as it is
	CPUs             []int             // cores of the server and all its children; empty: any
	Address          string            // at which it listens; empty: 127.0.0.1
	Env              map[string]string // more environment variables
	LogFile          string            // what the server prints is appended here, bounded; empty: to a file without a name
	Deadline         time.Duration     // for becoming ready; 0: 30 s
	Guard            []string          // a command that calls GuardMain with the arguments that follow it

	port int // that is free; 0: Start finds one
}

// loopback is where a server listens unless told otherwise.
const loopback = "127.0.0.1"

const defaultDeadline = 30 * time.Second

// Process is a running server that has answered once.
type Process struct {
	ctx     context.Context // of the whole run: once it has ended there is little time to stop
	in      *Installed
	opts    Options
	cmd     *exec.Cmd // what runs under the guard
	log     *os.File
	startup time.Duration
	*guarded
	once    sync.Once
	stopErr error
	pids    atomic.Pointer[[]int] // of the processes that Usage found last
}

// Start starts an installed server and waits until it answers its ready path
// with a status of success (2xx). On failure nothing is left running and the error holds the
// end of what the server printed.
func Start(ctx context.Context, in *Installed, opts Options) (*Process, error) {
	return startWithin(ctx, ctx, in, opts)
}

// startWithin waits until the server answers or ctx ends; run is the context of Process.
func startWithin(ctx, run context.Context, in *Installed, opts Options) (*Process, error) {
	p := &Process{ctx: run, in: in, opts: opts}
	if err := p.start(ctx); err != nil {
		return nil, fmt.Errorf("start server %q: %w", in.Name, err)
	}
	return p, nil
}

func (p *Process) start(ctx context.Context) error {
	if err := p.configure(); err != nil {
		return err
	}
	if err := p.launch(); err != nil {
		_ = p.log.Close()
		return err
	}
	if err := p.awaitReady(ctx); err != nil {
		return errors.Join(err, p.Stop())
	}
	p.startup = time.Since(p.began)
	return nil
}

// configure chooses port and parameters and builds the command.
func (p *Process) configure() error {
	workers, err := parameter("workers", p.in.Workers, p.opts.Workers)
	if err != nil {
		return err
	}
	threads, err := parameter("threads", p.in.Threads, p.opts.Threads)
	if err != nil {
		return err
	}
	p.opts.Address = cmp.Or(p.opts.Address, loopback)
	if p.opts.port == 0 {
		ports, err := freePorts(p.opts.Address, 1)
		if err != nil {
			return err
		}
		p.opts.port = ports[0]
	}
	values := map[string]string{"host": p.opts.Address, "port": strconv.Itoa(p.opts.port), "workers": workers, "threads": threads}
	command, variant := p.in.Command, p.in.Variants[p.opts.Variant]
	if len(variant.Command) > 0 {
		command = variant.Command
	}
	argv := p.in.expand(command, values)
	p.cmd = exec.Command(p.in.program(argv[0]), argv[1:]...) //nolint:noctx // outlives Start; Stop ends it
	p.cmd.Dir, p.cmd.Env = p.in.Src, p.in.environment(variant, values)
	for k, v := range p.opts.Env {
		p.cmd.Env = append(p.cmd.Env, k+"="+v)
	}
	if p.log, err = openLog(p.opts.LogFile); err != nil {
		return err
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	return nil
}

func parameter(name string, p *Parameter, asked int) (string, error) {
	switch {
	case p == nil && asked > 1:
		return "", fmt.Errorf("%s %d: this server has no such parameter", name, asked)
	case p == nil:
		return "", nil
	case asked > p.Max || asked < 0:
		return "", fmt.Errorf("%s %d: at most %d", name, asked, p.Max)
	case asked == 0:
		asked = p.Default
	}
	return strconv.Itoa(asked), nil
}

// inherited are the environment variables that reach a server. Everything
// else is left out, since variables such as NODE_OPTIONS, PYTHONOPTIMIZE or
// WEB_CONCURRENCY would change what is measured without a trace.
var inherited = []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYENV_ROOT", "PYENV_VERSION"}

func cleanEnvironment() []string {
	var env []string
	for _, k := range inherited {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	return env
}

// freePorts finds n ports that are free at the same time, so that no two are the same.
func freePorts(address string, n int) ([]int, error) {
	var ports []int
	for range n {
		ln, err := listen(address)
		if err != nil {
			return nil, err
		}
		defer func() { _ = ln.Close() }()
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// listen listens on a port of its choice. Those that the kernel hands to outgoing
// connections are avoided: the generator uses thousands.
func listen(address string) (net.Listener, error) {
	for range 200 {
		candidate := 10000 + int(time.Now().UnixNano()/1000%20000)
		if ln, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(candidate))); err == nil { //nolint:noctx // it does not wait
			return ln, nil
		}
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(address, "0")) //nolint:noctx // it does not wait
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", address, err)
	}
	return ln, nil
}

// launch starts the command on its cores, which a child inherits from the thread
// that starts it.
func (p *Process) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the pinned thread ends with this goroutine
		err := host.PinThread(p.opts.CPUs)
		if err == nil {
			p.guarded, err = startGuarded(p.opts.Guard, p.cmd)
		}
		started <- err
	}()
	return <-started
}

// awaitReady polls the ready path, slower and slower, until it answers with its status,
// that of its route, or one of success.
func (p *Process) awaitReady(ctx context.Context) error {
	ready := p.in.Ready
	if route := p.in.Routes[ready.Path]; route.Method == "" {
		ready.Status = cmp.Or(ready.Status, route.Status)
	}
	deadline := cmp.Or(p.opts.Deadline, defaultDeadline)
	wait := time.Millisecond
	var last error
	for {
		a, err := get(ctx, &http1.Exchange{URL: p.URL(ready.Path)}, true)
		if err == nil && (a.status == ready.Status || ready.Status == 0 && a.status/100 == 2) {
			return p.inForeground()
		}
		if last = err; err == nil {
			last = fmt.Errorf("%s answers status %d", ready.Path, a.status)
		}
		if time.Since(p.began) > deadline {
			return record.Fault{Err: fmt.Errorf("not ready after %v (%w)%s", deadline, last, p.logTail())}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.exited:
			return p.ended(fmt.Errorf("it ended before it was ready (%s)%s", p.reason, p.logTail()))
		case <-time.After(wait):
			wait = min(wait*5/4, 2*time.Millisecond) // the answer is not to be timed by the question
		}
	}
}

// inForeground refuses a server that answers although the process that was
// started has ended: it could neither be metered nor stopped.
func (p *Process) inForeground() error {
	if p.Alive() == nil {
		return nil
	}
	return p.ended(fmt.Errorf("it answers, but the process that was started has ended (%s): its command must stay in the foreground", p.reason))
}

// logTail is the most telling line that the server printed, ready to be appended to a message.
func (p *Process) logTail() string {
	st, err := p.log.Stat()
	if err != nil || st.Size() == 0 {
		return "; it printed nothing"
	}
	buf := make([]byte, min(st.Size(), tailBytes))
	if _, err := p.log.ReadAt(buf, st.Size()-int64(len(buf))); err != nil {
		return ""
	}
	return fmt.Sprintf("; it printed: %s", LastLine(buf))
}

// URL is the address of a path on the server.
func (p *Process) URL(path string) string {
	return "http://" + net.JoinHostPort(p.opts.Address, strconv.Itoa(p.opts.port)) + path
}

// Port is where the server listens.
func (p *Process) Port() int { return p.opts.port }

// Startup is the time from exec to the first correct answer.
func (p *Process) Startup() time.Duration { return p.startup }

// Alive is nil while the server runs; else it says how it ended.
func (p *Process) Alive() error {
	select {
	case <-p.exited:
		return p.ended(fmt.Errorf("server %q ended by itself (%s)%s", p.in.Name, p.reason, p.logTail()))
	default:
		return nil
	}
}

// ended is the error of a server that has ended: its own fault, unless what
// watched it was taken away.
func (p *Process) ended(err error) error {
	if p.lost {
		return fmt.Errorf("server %q ended: %s", p.in.Name, p.reason)
	}
	return record.Fault{Err: err}
}

// Usage is what the server's process tree has used since it was started, and
// its threads and, if asked for, its memory now, which takes longer to read.
func (p *Process) Usage(memory bool) (record.Usage, error) {
	u, pids, err := treeUsage(p.guard.Process.Pid, memory)
	if err == nil {
		p.pids.Store(&pids)
	}
	return u, err
}

// Clock is the processor time of the processes that Usage found last; it
// costs microseconds.
func (p *Process) Clock() (sum time.Duration) {
	if pids := p.pids.Load(); pids != nil {
		for _, pid := range *pids {
			d, _ := processClock(pid)
			sum += d
		}
	}
	return sum
}

// Stop ends the server and everything that it started: SIGTERM to the server, and
// once it has ended, or after a grace period, SIGKILL to what is left of it. It returns once nothing of it runs
// any more, and an error if that cannot be had.
func (p *Process) Stop() error {
	p.once.Do(func() {
		grace := stopGrace
		if p.ctx.Err() != nil {
			grace = orphanGrace
		}
		if err := p.stop(grace); err != nil {
			p.stopErr = fmt.Errorf("stop server %q: %w", p.in.Name, err)
		}
		_ = p.log.Close()
	})
	return p.stopErr
}
