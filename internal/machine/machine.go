// Package machine is a machine on which servers run: it installs them, starts them on
// the cores that it is told, and reads what else its cores do. Local is this machine;
// package agent reaches one over the network.
package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// Facts are what a machine is, and what it allows this program.
type Facts struct {
	Environment record.Environment `json:"environment"`
	Limits      host.Limits        `json:"limits"`
	Cores       []int              `json:"cores"`              // on which processes may be kept
	Unpinned    string             `json:"unpinned,omitempty"` // why there are none
	Boot        string             `json:"boot,omitempty"`     // identity of the system's start, which two names of one machine share; empty: not told
}

// ReadFacts reads those of this machine. It raises the limit of open files.
func ReadFacts() (f Facts, err error) {
	if f.Limits, err = host.ReadLimits(); err != nil {
		return f, err
	}
	f.Environment, f.Boot = host.Environment(), host.Boot()
	var forbidden host.Forbidden
	if f.Cores, err = host.Pinnable(nil); errors.As(err, &forbidden) {
		f.Unpinned, err = forbidden.Reason, nil
	}
	return f, err
}

// Start says which server is to be started, and how.
type Start struct {
	Server    string            `json:"server"` // that was installed, or record.NullServer
	Workers   int               `json:"workers,omitempty"`
	Threads   int               `json:"threads,omitempty"`
	Instances int               `json:"instances,omitempty"` // 0: one, which may use all cores
	Variant   string            `json:"variant,omitempty"`
	CPUs      []int             `json:"cpus,omitempty"`    // none: not pinned
	Loops     []int             `json:"loops,omitempty"`   // of the null server: the cores of its event loops; none: one loop
	Address   string            `json:"address,omitempty"` // at which it listens; empty: 127.0.0.1
	Env       map[string]string `json:"env,omitempty"`
	LogFile   string            `json:"log_file,omitempty"` // on the machine that asks
}

// Local is this machine. Its methods may be called from several goroutines.
type Local struct {
	self string // this program
	note func(format string, args ...any)

	mu        sync.Mutex
	preparer  *runners.Preparer
	installed map[string]*runners.Installed // by server
}

// NewLocal installs into the user's cache, and tells what takes long.
func NewLocal(note func(format string, args ...any)) (*Local, error) {
	self := "/proc/self/exe" // the file may be replaced while a run goes on
	if runtime.GOOS != "linux" {
		var err error
		if self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("start servers: %w", err)
		}
	}
	return &Local{self: self, note: note, installed: map[string]*runners.Installed{}}, nil
}

// guard is this program as the guard of what it starts; see runners.GuardMain.
func (l *Local) guard() []string { return []string{l.self, "guard"} }

// Prepare installs a server, or what a profiler needs. It may be a *runners.Unavailable error.
func (l *Local) Prepare(ctx context.Context, m *runners.Manifest) (*runners.Installed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.preparer == nil {
		cache, err := runners.DefaultCache()
		if err != nil {
			return nil, err
		}
		p := &runners.Preparer{Cache: cache, Guard: l.guard()}
		p.Note = func(server string) { l.note("installing %s (once; log: %s)", server, p.LogName()) }
		l.preparer = p
	}
	in, err := l.preparer.Prepare(ctx, m)
	if err == nil {
		l.installed[m.Name] = in
	}
	return in, err
}

// Installed is a server that was prepared.
func (l *Local) Installed(server string) *runners.Installed {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.installed[server]
}

// Install prepares a server and says what stands behind its name.
func (l *Local) Install(ctx context.Context, m *runners.Manifest) (*record.ServerVersion, error) {
	in, err := l.Prepare(ctx, m)
	if err != nil {
		return nil, err
	}
	return &record.ServerVersion{
		Server: in.Name, Title: in.Title, Runtime: in.Runtime, Versions: in.Versions, Executables: in.Executables, Lock: in.Key, Command: in.Command, Size: in.Size(), Requests: in.Requests(),
	}, nil
}

// Start starts a server in fresh processes, and returns once it answers.
func (l *Local) Start(ctx context.Context, s Start) (*runners.Group, error) {
	in := l.Installed(s.Server)
	if s.Server == record.NullServer {
		in = l.null(s.Loops)
	}
	if in == nil {
		return nil, fmt.Errorf("start server %q: it is not installed", s.Server)
	}
	return runners.StartGroup(ctx, in, runners.Options{
		Workers: s.Workers, Threads: s.Threads, Variant: s.Variant, CPUs: s.CPUs, Address: s.Address, Env: s.Env, LogFile: s.LogFile, Guard: l.guard(),
	}, s.Instances)
}

// null is this program as the null server, in a process of its own as any other server.
func (l *Local) null(loops []int) *runners.Installed {
	command := []string{l.self, "null", "--addr", "{host}:{port}"}
	if len(loops) > 0 {
		command = append(command, "--server-cpus", host.FormatCPUs(loops))
	}
	return &runners.Installed{Manifest: &runners.Manifest{
		Name: record.NullServer, Title: "The null server", Runtime: "other", Ready: runners.Ready{Path: "/"},
		Command: command,
		Routes:  map[string]runners.Route{"/": {Path: "/", Body: runners.Exactly(null.Body)}},
	}, Src: os.TempDir()}
}
