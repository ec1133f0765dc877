package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/machine"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// Facts are those of the agent's machine, and the address at which ssh reached it.
type Facts struct {
	machine.Facts
	Address string `json:"address"` // empty: not known
	Peer    string `json:"peer"`    // that of the other end
}

// Serve does what comes over a connection until that ends, or nothing comes any more;
// then it ends everything that it has started. What takes long is told to note.
func Serve(ctx context.Context, conn io.ReadWriteCloser, note func(format string, args ...any)) error {
	local, err := machine.NewLocal(note)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &Agent{ctx: ctx, cancel: cancel, local: local, running: map[int]*running{}, kept: map[int]func() int{}, heard: make(chan struct{}, 1)}
	if a.scratch, err = os.MkdirTemp("", "hellobench-agent-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(a.scratch) }()
	server := rpc.NewServer()
	if err := server.RegisterName("Agent", a); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(conn, greeting); err != nil {
		return err
	}
	go a.watch(ctx, func() { _ = conn.Close() })
	server.ServeCodec(jsonrpc.NewServerCodec(listening{conn, a})) // waits for what was asked for last
	cancel()
	return a.stopAll()
}

// listening notes that something is heard, and ends what is going on with the connection:
// a server that is not ready yet, or a window that nobody waits for any more.
type listening struct {
	io.ReadWriteCloser
	a *Agent
}

func (l listening) Read(p []byte) (int, error) {
	n, err := l.ReadWriteCloser.Read(p)
	if err != nil {
		l.a.cancel()
	}
	select {
	case l.a.heard <- struct{}{}:
	default:
	}
	return n, err
}

// Agent is what can be called, and what it has started.
type Agent struct {
	ctx     context.Context // until the connection ends
	cancel  context.CancelFunc
	local   *machine.Local
	scratch string // folder of logs
	heard   chan struct{}

	mu      sync.Mutex
	last    int // identity
	running map[int]*running
	window  *window            // of load
	kept    map[int]func() int // what is asked or held beside it; ends it
}

type running struct {
	group *runners.Group
	log   string
	hurry context.CancelFunc // ends the context of its run
}

// watch ends a connection over which nothing is heard.
func (a *Agent) watch(ctx context.Context, end func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.heard:
		case <-time.After(silence):
			end()
			return
		}
	}
}

func (a *Agent) stopAll() error {
	a.mu.Lock()
	all := slices.Collect(maps.Values(a.running))
	a.running = nil
	a.mu.Unlock()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, r := range all {
		wg.Go(func() { errs[i] = r.group.Stop() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (a *Agent) get(id int) (*running, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.running[id]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("no server %d was started", id)
}

// of answers with what a server tells.
func of[T any](a *Agent, about About, r *Reply[T], ask func(*runners.Group) (T, error)) error {
	s, err := a.get(about.ID)
	if err != nil {
		return r.set(r.Value, err)
	}
	return r.set(ask(s.group))
}

// Ping answers.
func (*Agent) Ping(None, *Reply[None]) error { return nil }

// Facts says what this machine is.
func (*Agent) Facts(_ None, r *Reply[Facts]) error {
	f, err := machine.ReadFacts()
	var address, peer string
	if fields := strings.Fields(os.Getenv("SSH_CONNECTION")); len(fields) == 4 {
		peer, address = fields[0], fields[2]
	}
	return r.set(Facts{f, address, peer}, err)
}

// Install installs a server.
func (a *Agent) Install(source runners.Source, r *Reply[*record.ServerVersion]) error {
	m, err := source.Manifest()
	if err != nil {
		return r.set(nil, err)
	}
	return r.set(a.local.Install(a.ctx, m))
}

// Start starts a server.
func (a *Agent) Start(start machine.Start, r *Reply[Started]) error {
	a.mu.Lock()
	a.last++
	id := a.last
	a.mu.Unlock()
	start.LogFile = filepath.Join(a.scratch, fmt.Sprintf("%d.log", id))
	ctx, hurry := context.WithCancel(a.ctx)
	g, err := a.local.Start(ctx, start)
	if err != nil {
		hurry()
		return r.set(Started{}, err)
	}
	started := &running{g, start.LogFile, hurry}
	a.mu.Lock()
	gone := a.running == nil
	if !gone {
		a.running[id] = started
	}
	a.mu.Unlock()
	if gone {
		return r.set(Started{}, errors.Join(errors.New("the connection has ended"), g.Stop()))
	}
	return r.set(Started{id, g.Ports(), g.Startup()}, nil)
}

// Verify checks the answers of a route.
func (a *Agent) Verify(about About, r *Reply[[]http1.Exchange]) error {
	return of(a, about, r, func(g *runners.Group) ([]http1.Exchange, error) { return g.Verify(a.ctx, about.Route) })
}

// Runtime is what a server says of itself.
func (a *Agent) Runtime(about About, r *Reply[map[string]string]) error {
	return of(a, about, r, func(g *runners.Group) (map[string]string, error) { return g.Runtime(a.ctx), nil })
}

// Usage is what a server has used.
func (a *Agent) Usage(about About, r *Reply[record.Usage]) error {
	return of(a, about, r, func(g *runners.Group) (record.Usage, error) { return g.Usage(about.Memory) })
}

// Clock is a server's processor time.
func (a *Agent) Clock(about About, r *Reply[time.Duration]) error {
	return of(a, about, r, func(g *runners.Group) (time.Duration, error) { return g.Clock()(), nil })
}

// Alive fails where a server does not run any more.
func (a *Agent) Alive(about About, r *Reply[None]) error {
	return of(a, about, r, func(g *runners.Group) (None, error) { return None{}, g.Alive() })
}

// Stop stops a server and gives its logs.
func (a *Agent) Stop(about About, r *Reply[Logs]) error {
	s, err := a.get(about.ID)
	if err != nil {
		return r.set(nil, err)
	}
	if about.Hurry {
		s.hurry()
	}
	err = s.group.Stop()
	s.hurry()
	a.mu.Lock()
	delete(a.running, about.ID)
	a.mu.Unlock()
	logs := Logs{}
	files, _ := filepath.Glob(s.log + "*") // its instances have one each
	for _, file := range files {
		if text, rerr := os.ReadFile(file); rerr == nil && len(bytes.TrimSpace(text)) > 0 {
			logs[strings.TrimPrefix(file, s.log)] = text
		}
		_ = os.Remove(file)
	}
	return r.set(logs, err)
}

// Cores reads what cores did.
func (*Agent) Cores(cores []int, r *Reply[host.Reading]) error {
	return r.set(host.Read(cores))
}

// Network reads what the network did.
func (*Agent) Network(_ None, r *Reply[record.Network]) error {
	return r.set(host.ReadNetwork())
}
