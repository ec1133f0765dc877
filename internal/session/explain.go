package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/explain"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// What a server that is explained gets: the load of the calibration, after a warm-up.
const (
	explainWarmup = 2 * time.Second
	explainWindow = 5 * time.Second
	explainRate   = 500             // samples a second, of py-spy and perf
	explainWait   = 5 * time.Second // for a profile to be written
)

// Explain starts each server once more, under load and a sampling profiler, and writes
// what was seen into the run folder. Nothing of it enters a figure. Where a server cannot be
// profiled, its profile says why.
func (s *Session) Explain(ctx context.Context) error { return s.whyEnded(s.explainAll(s.within(ctx))) }

func (s *Session) explainAll(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(s.Dir, explain.Folder), 0o755); err != nil {
		return fmt.Errorf("explain: %w", err)
	}
	var all []explain.Profile
	for _, arm := range present(s.Run.Arms, s.Run.Missing) {
		if arm.Server == record.NullServer || arm.Replicate != "" || arm.Beside != "" || arm.Instances > 1 {
			continue
		}
		s.say("explaining %s", arm.Name)
		p := explain.Profile{Arm: arm.Name, Connections: calibrationConnections, Layers: []explain.Layer{}}
		err := s.explain(ctx, arm, &p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p.Reason = err.Error()
			s.say("no profile of %s: %v", arm.Name, err)
		}
		all = append(all, p)
	}
	if err := explain.Save(s.Dir, all); err != nil {
		return fmt.Errorf("explain: %w", err)
	}
	return nil
}

// explain profiles one arm.
func (s *Session) explain(ctx context.Context, arm record.Arm, p *explain.Profile) (err error) {
	in := s.local.Installed(arm.Server)
	scratch, err := os.MkdirTemp("", "hellobench-explain-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	profiler, err := s.profiler(ctx, in, scratch)
	if err != nil {
		return err
	}
	p.Profiler, p.UserOnly = profiler.name, profiler.user
	started, err := s.start(ctx, s.startOf(arm, profiler.env, s.logFile(arm)))
	if err != nil {
		return err
	}
	g := started.(*runners.Group) // of this machine; see connect
	defer func() { err = errors.Join(err, g.Stop()) }()
	exchanges, err := g.Verify(ctx, arm.Route)
	if err != nil {
		return err
	}
	spec := load.Spec{
		Exchanges: exchanges, Connections: calibrationConnections, Duration: explainWarmup, Timeout: s.Run.Timeout,
		Close: arm.Close, CPUs: s.Run.LoadCPUs, Sleep: arm.Shared,
	}
	if _, err := s.engine.Run(ctx, spec); err != nil {
		return err
	}
	pids, err := g.PIDs()
	if err != nil {
		return err
	}
	finish, err := profiler.begin(ctx, pids)
	if err != nil {
		return err
	}
	var cpu [2]record.Usage
	spec.Duration = explainWindow
	spec.Began = func() { cpu[0], _ = g.Usage(false) }
	spec.Ended = func() { cpu[1], _ = g.Usage(false) }
	m, err := s.engine.Run(ctx, spec)
	stacks, ferr := finish()
	if err := errors.Join(err, ferr); err != nil {
		return err
	}
	if p.Profiler == perf {
		p.UserOnly = !stacks.Kernel()
	}
	stacks = stacks.Rename(strings.NewReplacer(in.Src+"/", "", in.Env+"/", ""))
	used := cpu[1].CPU.Sub(cpu[0].CPU)
	p.Throughput = m.Throughput()
	if total := used.Total().Seconds(); total > 0 && m.Completed > 0 {
		p.CPU, p.Kernel = total/float64(m.Completed), used.System.Seconds()/total
	}
	if p.Samples = stacks.Total(); p.Samples == 0 {
		return errors.New("the profiler saw no stack")
	}
	p.Layers = explain.LayersOf(stacks, explain.RulesOf(in.Runtime))
	p.Stacks = strings.TrimSuffix(logName(arm.Name), ".log") + ".folded"
	f, err := os.Create(filepath.Join(s.Dir, explain.Folder, p.Stacks))
	if err != nil {
		return err
	}
	return errors.Join(stacks.Write(f), f.Close())
}

// profiler samples the stacks of a server's processes from begin until what it returns is called.
type profiler struct {
	name  string
	user  bool              // it sees no time in the kernel
	env   map[string]string // of the server
	begin func(ctx context.Context, pids []int) (finish func() (explain.Stacks, error), err error)
}

// profiler is the one for a server: the manifest's own, or that of its runtime.
func (s *Session) profiler(ctx context.Context, in *runners.Installed, scratch string) (*profiler, error) {
	env := map[string]string{"HELLOBENCH_RUN": s.Dir}
	out := filepath.Join(scratch, "stacks")
	seconds := strconv.Itoa(int(explainWindow / time.Second))
	switch {
	case len(in.Explain) > 0:
		return &profiler{in.Explain[0], false, env, func(ctx context.Context, pids []int) (func() (explain.Stacks, error), error) {
			argv := slices.Clone(in.Explain)
			for i := range argv {
				argv[i] = strings.NewReplacer("{pid}", strconv.Itoa(pids[0]), "{seconds}", seconds, "{out}", out).Replace(argv[i])
			}
			return sampler(ctx, filepath.Base(argv[0]), argv, out, explain.ReadFolded)
		}}, nil
	case in.Runtime == "node":
		hook := filepath.Join(scratch, "node.cjs")
		if err := os.WriteFile(hook, fixtures.NodeProfiler, 0o644); err != nil {
			return nil, err
		}
		env["NODE_OPTIONS"], env["HELLOBENCH_PROFILE"] = "--require="+strconv.Quote(hook), scratch
		return &profiler{"V8's sampling profiler", false, env, func(_ context.Context, pids []int) (func() (explain.Stacks, error), error) {
			return v8(pids, scratch)
		}}, nil
	case in.Runtime == "cpython":
		spy, err := s.pySpy(ctx)
		if err != nil {
			return nil, err
		}
		return &profiler{"py-spy", true, env, func(ctx context.Context, pids []int) (func() (explain.Stacks, error), error) {
			return sampler(ctx, "py-spy", []string{
				spy, "record", "--pid", strconv.Itoa(pids[0]), "--subprocesses", "--gil", // a thread that waits for the lock looks busy otherwise
				"--duration", seconds, "--rate", strconv.Itoa(explainRate),
				"--format", "raw", "--full-filenames", "--output", out,
			}, out, explain.ReadFolded)
		}}, nil
	}
	if _, err := exec.LookPath(perf); err != nil {
		return nil, fmt.Errorf("servers of the runtime %q are profiled with perf, which is not in PATH; the manifest may name another profiler (explain)", in.Runtime)
	}
	return &profiler{perf, false, env, func(ctx context.Context, pids []int) (func() (explain.Stacks, error), error) {
		return sampler(ctx, perf, perfCommand(pids, seconds, out), out, explain.ReadPerf)
	}}, nil
}

// perf is Linux's own profiler.
const perf = "perf"

// perfCommand samples processes with Linux's own profiler, and has it name what it saw.
func perfCommand(pids []int, seconds, out string) []string {
	list := strings.ReplaceAll(strings.Trim(fmt.Sprint(pids), "[]"), " ", ",")
	const script = `perf record --quiet --freq "$1" --call-graph fp --pid "$2" --output "$4.data" -- sleep "$3" &&
		perf script --input "$4.data" --fields ip,sym,dso --no-inline >"$4"`
	return []string{"sh", "-c", script, "perf", strconv.Itoa(explainRate), list, seconds, out}
}

// pySpy installs the profiler of CPython, from its lock, into the cache.
func (s *Session) pySpy(ctx context.Context) (string, error) {
	m, err := runners.Load(fixtures.Profilers(), "py-spy")
	if err != nil {
		return "", err
	}
	in, err := s.local.Prepare(ctx, m)
	if err != nil {
		return "", err
	}
	return filepath.Join(in.Env, "venv", "bin", "py-spy"), nil
}

// sampler runs a profiler that ends by itself and leaves stacks in a file.
func sampler(ctx context.Context, name string, argv []string, out string, read func(io.Reader) (explain.Stacks, error)) (func() (explain.Stacks, error), error) {
	ctx, cancel := context.WithTimeout(ctx, explainWindow+2*explainWait)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start the profiler: %w", err)
	}
	return func() (explain.Stacks, error) {
		defer cancel()
		if err := cmd.Wait(); err != nil {
			return nil, fmt.Errorf("the profiler %s: %w: %s", name, err, runners.LastLine(said.Bytes()))
		}
		f, err := os.Open(out)
		if err != nil {
			return nil, fmt.Errorf("the profiler %s left no file {out}: %s", name, runners.LastLine(said.Bytes()))
		}
		defer func() { _ = f.Close() }()
		stacks, err := read(f)
		if err != nil {
			return nil, fmt.Errorf("what the profiler %s wrote: %w", name, err)
		}
		return stacks, nil
	}, nil
}

// v8 has the server's processes sample themselves, and ends them to have what they saw.
func v8(pids []int, dir string) (func() (explain.Stacks, error), error) {
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGUSR2); err != nil {
			return nil, fmt.Errorf("begin to sample process %d: %w", pid, err)
		}
	}
	return func() (explain.Stacks, error) {
		for _, pid := range pids { // all at once: the end of a process may be that of its parent or child
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
		all := explain.Stacks{}
		for _, pid := range pids {
			file := filepath.Join(dir, strconv.Itoa(pid)+".cpuprofile")
			for end := time.Now().Add(explainWait); !whole(file) && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond)
			}
			f, err := os.Open(file)
			if err != nil {
				return nil, fmt.Errorf("process %d wrote no profile within %v", pid, explainWait)
			}
			stacks, err := explain.ReadCPUProfile(f)
			_ = f.Close()
			if err != nil {
				return nil, fmt.Errorf("process %d: %w", pid, err)
			}
			for stack, n := range stacks {
				all[stack] += n
			}
		}
		return all, nil
	}, nil
}

// whole says whether a profile is written to its end.
func whole(file string) bool {
	data, err := os.ReadFile(file)
	return err == nil && bytes.HasSuffix(bytes.TrimSpace(data), []byte("}"))
}
