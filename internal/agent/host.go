package agent

import (
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/machine"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/runners"
)

// Host is another machine that takes part in a run.
type Host struct {
	Name  string // as ssh knows it
	Facts Facts

	Way time.Duration // over ssh: half of the shortest round trip of a ping

	client *rpc.Client
	pipe   *pipe
	ping   *time.Ticker

	closing atomic.Bool
	silent  atomic.Bool   // it did not answer
	gone    chan struct{} // closed when the connection has ended, and lost has been told
}

// Check refuses what ssh would not take for a machine.
func Check(target string) error {
	if target == "" || strings.HasPrefix(target, "-") || strings.ContainsAny(target, " \t\n'") {
		return fmt.Errorf("%q is no machine: want [USER@]HOST as ssh takes it", target)
	}
	return nil
}

// Dial has an agent run on a machine, USER@HOST as ssh takes it. note is told what
// takes long, and what the agent prints; lost, when the connection has ended before Close.
func Dial(ctx context.Context, target string, lost func(reason error), note func(format string, args ...any)) (*Host, error) {
	hash, err := equip(ctx, target, note)
	if err != nil {
		return nil, err
	}
	p, err := connect(ctx, target, hash, note)
	if err != nil {
		return nil, err
	}
	h := &Host{Name: target, pipe: p, ping: time.NewTicker(pingEvery), gone: make(chan struct{})}
	go h.await(lost)
	h.client = rpc.NewClientWithCodec(jsonrpc.NewClientCodec(p))
	go h.keepAlive()
	if h.Facts, err = call[Facts](ctx, h, "Facts", None{}); err == nil {
		err = h.measureWay(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// measureWay takes the shortest of some pings: what makes one longer is no part of the way.
func (h *Host) measureWay(ctx context.Context) error {
	for range 10 {
		began := time.Now()
		if _, err := call[None](ctx, h, "Ping", None{}); err != nil {
			return err
		}
		if way := time.Since(began) / 2; h.Way == 0 || way < h.Way {
			h.Way = way
		}
	}
	return nil
}

// keepAlive tells the agent that somebody is there, and ends an ssh over which no answer comes.
func (h *Host) keepAlive() {
	for {
		select {
		case <-h.pipe.ended:
			return
		case <-h.ping.C:
		}
		late := time.AfterFunc(silence, func() {
			h.silent.Store(true)
			h.pipe.kill()
		})
		_, _ = call[None](context.Background(), h, "Ping", None{})
		late.Stop()
	}
}

// await tells when the connection has ended, before any call of it returns.
func (h *Host) await(lost func(error)) {
	<-h.pipe.ended
	if !h.closing.Load() {
		reason := h.pipe.reason
		if h.silent.Load() {
			reason = fmt.Errorf("it did not answer for %v", silence)
		}
		said := ""
		if last := h.pipe.said.lastLine(); last != "" {
			said = "; the last that came from there: " + last
		}
		lost(fmt.Errorf("the connection to %s was lost (%w)%s", h.Name, reason, said))
	}
	close(h.gone)
}

// Close ends the agent, and with it all that it has started.
func (h *Host) Close() error {
	h.closing.Store(true)
	h.ping.Stop()
	return h.client.Close() // closes the pipe
}

// ask begins a call; what it returns waits for what it comes to.
func ask[T any](h *Host, method string, args any) func(ctx context.Context) (T, error) {
	var r Reply[T]
	c := h.client.Go("Agent."+method, args, &r, make(chan *rpc.Call, 1))
	return func(ctx context.Context) (T, error) {
		select {
		case <-c.Done:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
		if c.Error != nil {
			select { // so that whoever gets this error knows the reason
			case <-h.gone:
			case <-time.After(silence):
			}
			return r.Value, fmt.Errorf("%s: %w", h.Name, c.Error)
		}
		return r.Value, r.Error.err()
	}
}

func call[T any](ctx context.Context, h *Host, method string, args any) (T, error) {
	return ask[T](h, method, args)(ctx)
}

// Install installs a server over there.
func (h *Host) Install(ctx context.Context, m *runners.Manifest) (*record.ServerVersion, error) {
	v, err := call[*record.ServerVersion](ctx, h, "Install", m.Source())
	var u *runners.Unavailable
	if errors.As(err, &u) {
		return nil, &runners.Unavailable{Server: u.Server, Reason: h.Name + ": " + u.Reason, Hint: "on " + h.Name + ": " + u.Hint}
	}
	return v, err
}

// Cores reads what cores over there did.
func (h *Host) Cores(cores []int) (host.Reading, error) {
	return call[host.Reading](context.Background(), h, "Cores", cores)
}

// Network reads what the network over there did.
func (h *Host) Network() (record.Network, error) {
	return call[record.Network](context.Background(), h, "Network", None{})
}

// Start starts a server over there. What it prints comes here when it is stopped.
func (h *Host) Start(ctx context.Context, s machine.Start) (*Server, error) {
	started, err := call[Started](ctx, h, "Start", s)
	if err != nil {
		return nil, err
	}
	return &Server{ctx: ctx, host: h, started: started, log: s.LogFile}, nil
}

// Server is a server on another machine; see runners.Group.
type Server struct {
	ctx     context.Context // of the run: once it has ended there is little time to stop
	host    *Host
	started Started
	log     string
}

// Ports is where its instances listen.
func (s *Server) Ports() []int { return s.started.Ports }

// Startup is the time from exec until it answered over there.
func (s *Server) Startup() time.Duration { return s.started.Startup }

// Verify checks the answers of a route over there.
func (s *Server) Verify(ctx context.Context, route string) ([]http1.Exchange, error) {
	return call[[]http1.Exchange](ctx, s.host, "Verify", About{ID: s.started.ID, Route: route})
}

// Runtime is what the server says of itself.
func (s *Server) Runtime(ctx context.Context) map[string]string {
	m, _ := call[map[string]string](ctx, s.host, "Runtime", About{ID: s.started.ID})
	return m
}

// Usage is what the process tree has used.
func (s *Server) Usage(memory bool) (record.Usage, error) {
	return call[record.Usage](context.Background(), s.host, "Usage", About{ID: s.started.ID, Memory: memory})
}

// Clock asks for the processor time and does not wait for the answer. The reading is
// taken when the question arrives: Host.Way later.
func (s *Server) Clock() func() time.Duration {
	answer := ask[time.Duration](s.host, "Clock", About{ID: s.started.ID})
	return func() time.Duration {
		d, _ := answer(context.Background())
		return d
	}
}

// Alive is nil while the server runs.
func (s *Server) Alive() error {
	_, err := call[None](context.Background(), s.host, "Alive", About{ID: s.started.ID})
	return err
}

// Stop stops the server and fetches what it printed.
func (s *Server) Stop() error {
	logs, err := call[Logs](context.Background(), s.host, "Stop", About{ID: s.started.ID, Hurry: s.ctx.Err() != nil})
	if s.log == "" {
		return err
	}
	for suffix, text := range logs {
		err = errors.Join(err, appendTo(s.log+suffix, text))
	}
	return err
}

func appendTo(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
