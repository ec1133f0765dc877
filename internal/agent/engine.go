package agent

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// Engine generates a window's load on other machines, which share its connections and
// its rate, begin together, and whose counts and histograms become one measurement.
// It implements load.Engine but for Spec.Bin.
type Engine struct {
	name  string
	hosts []Generator
	early time.Duration // how much before the window's edges Began and Ended are called
}

// Generator is a machine that generates load, and the cores that it has for it.
type Generator struct {
	*Host
	CPUs []int // none: not pinned
}

// NewEngine runs the engine of a name, wire or vegeta, on other machines. It calls Began
// and Ended early, by the time that a message takes to the servers' machine, so that
// readings are taken there at the window's edges.
func NewEngine(name string, hosts []Generator, early time.Duration) *Engine {
	return &Engine{name, hosts, early}
}

// Name is that of the engine which runs over there.
func (e *Engine) Name() string { return e.name }

// Run implements load.Engine.
func (e *Engine) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	parts, err := e.share(spec)
	if err != nil {
		return nil, err
	}
	if _, err := all[None](ctx, e, "Open", parts); err != nil {
		_, _ = all[None](context.WithoutCancel(ctx), e, "Abort", make([]None, len(parts)))
		return nil, err
	}
	tell(spec.Opened)
	begin := time.Now().Add(e.way(len(parts)) + spec.LeadIn - e.early)
	begun := make(chan error, 1)
	go func() {
		_, err := all[None](ctx, e, "Begin", make([]None, len(parts)))
		begun <- err
	}()
	for _, edge := range []struct {
		at   time.Time
		tell func()
	}{{begin, spec.Began}, {begin.Add(spec.Duration), spec.Ended}} {
		select {
		case <-time.After(time.Until(edge.at)):
			tell(edge.tell)
		case <-ctx.Done():
		}
	}
	if err := <-begun; err != nil || ctx.Err() != nil {
		_, _ = all[None](context.WithoutCancel(ctx), e, "Abort", make([]None, len(parts)))
	}
	results, err := all[*record.Measurement](context.WithoutCancel(ctx), e, "Result", make([]None, len(parts)))
	if err != nil {
		return nil, cmp.Or(ctx.Err(), err)
	}
	m, err := record.Together(results)
	return m, errors.Join(err, ctx.Err())
}

func tell(f func()) {
	if f != nil {
		f()
	}
}

// way is the longest to one of the first n machines.
func (e *Engine) way(n int) (way time.Duration) {
	for _, h := range e.hosts[:n] {
		way = max(way, h.Way)
	}
	return way
}

// share divides a window among the machines. Each has a connection to each server at least.
func (e *Engine) share(spec load.Spec) ([]Window, error) {
	whole := spec
	servers, err := spec.Servers()
	if err = cmp.Or(err, whole.Normalize()); err != nil {
		return nil, err
	}
	n := len(e.hosts)
	if spec.Schedule == nil {
		n = min(n, spec.Connections/servers)
	} else if spec.Connections > 0 {
		n = min(n, spec.Connections)
	}
	parts := make([]Window, n)
	dealt := 0
	for i := range parts {
		p := spec
		p.CPUs, p.Connections = e.hosts[i].CPUs, (spec.Connections+n-1-i)/n
		p.Exchanges = from(spec.Exchanges, dealt)
		dealt += p.Connections
		if spec.Schedule != nil { // Poisson processes together are one of the sum of their rates
			s := *spec.Schedule
			s.Rate, s.Seed = s.Rate/float64(n), s.Seed+uint64(i)<<48
			p.Schedule = &s
		}
		parts[i] = Window{e.name, p}
	}
	return parts, nil
}

// from rotates the exchanges, so that connections go on with the server after the one
// that got the last of those dealt before.
func from(exchanges []http1.Exchange, dealt int) []http1.Exchange {
	var servers []string
	of := map[string][]http1.Exchange{}
	for i := range exchanges {
		server := exchanges[i].URL
		if r, err := http1.NewRequest(&exchanges[i], false); err == nil {
			server = r.HostPort()
		}
		if of[server] == nil {
			servers = append(servers, server)
		}
		of[server] = append(of[server], exchanges[i])
	}
	first := dealt % len(servers)
	var out []http1.Exchange
	for _, s := range slices.Concat(servers[first:], servers[:first]) {
		out = append(out, of[s]...)
	}
	return out
}

// all calls the first machines at the same time, each with its argument.
func all[T, A any](ctx context.Context, e *Engine, method string, args []A) ([]T, error) {
	out, errs := make([]T, len(args)), make([]error, len(args))
	var wg sync.WaitGroup
	for i := range args {
		answer := ask[T](e.hosts[i].Host, method, args[i])
		wg.Go(func() { out[i], errs[i] = answer(ctx) })
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// Hold opens idle connections from over there. end closes them, and says how many were still open.
func (h *Host) Hold(ctx context.Context, x *http1.Exchange, n int, timeout time.Duration) (end func() int, err error) {
	id, err := call[int](ctx, h, "Hold", Hold{*x, n, timeout})
	return h.end(id), err
}

// Beside asks one thing over and over from over there. end ends that, and says how often it was answered.
func (h *Host) Beside(ctx context.Context, x *http1.Exchange) (end func() int) {
	id, _ := call[int](ctx, h, "Beside", *x) // of 0 there is nothing to end
	return h.end(id)
}

func (h *Host) end(id int) func() int {
	return func() int {
		n, _ := call[int](context.Background(), h, "End", id)
		return n
	}
}
