package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/hold"
	"github.com/hellobench/hellobench/internal/load/vegeta"
	"github.com/hellobench/hellobench/internal/load/wire"
	"github.com/hellobench/hellobench/internal/record"
)

// window is load that this machine generates.
type window struct {
	begin  func() // the connections are open on all machines
	opened chan struct{}
	done   chan struct{}
	cancel context.CancelFunc
	result *record.Measurement
	err    error
}

// Open opens the connections of a window, which begins with Begin.
func (a *Agent) Open(asked Window, r *Reply[None]) error {
	engine := load.Engine(wire.New())
	if asked.Engine == "vegeta" {
		engine = vegeta.New(vegeta.Options{})
	}
	if err := host.PinProcess(asked.Spec.CPUs); err != nil {
		return r.set(None{}, err)
	}
	ctx, cancel := context.WithCancel(a.ctx)
	begun := make(chan struct{})
	w := &window{begin: sync.OnceFunc(func() { close(begun) }), opened: make(chan struct{}), done: make(chan struct{}), cancel: cancel}
	a.mu.Lock()
	a.window = w
	a.mu.Unlock()
	spec := asked.Spec
	spec.Opened = func() {
		close(w.opened)
		select {
		case <-begun:
		case <-ctx.Done():
		}
	}
	go func() {
		defer close(w.done)
		w.result, w.err = engine.Run(ctx, spec)
	}()
	select {
	case <-w.opened:
		return nil
	case <-w.done:
		return r.set(None{}, w.err)
	}
}

func (a *Agent) current() (*window, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.window == nil {
		return nil, errors.New("no window was opened")
	}
	return a.window, nil
}

// Begin begins the window that was opened.
func (a *Agent) Begin(_ None, r *Reply[None]) error {
	w, err := a.current()
	if err == nil {
		w.begin()
	}
	return r.set(None{}, err)
}

// Result waits for the end of the window.
func (a *Agent) Result(_ None, r *Reply[*record.Measurement]) error {
	w, err := a.current()
	if err != nil {
		return r.set(nil, err)
	}
	<-w.done
	w.cancel()
	return r.set(w.result, w.err)
}

// Abort ends a window, whether it has begun or not.
func (a *Agent) Abort(_ None, _ *Reply[None]) error {
	if w, err := a.current(); err == nil {
		w.cancel()
		<-w.done
	}
	return nil
}

// keep keeps what is asked or held beside a window, and returns its identity.
func (a *Agent) keep(end func() int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	a.kept[a.last] = end
	return a.last
}

// Beside asks one thing over and over, until End.
func (a *Agent) Beside(x http1.Exchange, r *Reply[int]) error {
	return r.set(a.keep(hold.Beside(a.ctx, &x)), nil)
}

// Hold opens idle connections, until End.
func (a *Agent) Hold(h Hold, r *Reply[int]) error {
	c, err := hold.Open(a.ctx, &h.Exchange, h.N, h.Timeout)
	if err != nil {
		return r.set(0, err)
	}
	return r.set(a.keep(c.End), nil)
}

// End ends what is asked or held, and says how often it was answered, or how many were still open.
func (a *Agent) End(id int, r *Reply[int]) error {
	a.mu.Lock()
	end := a.kept[id]
	delete(a.kept, id)
	a.mu.Unlock()
	if end == nil {
		return r.set(0, fmt.Errorf("nothing %d is kept", id))
	}
	return r.set(end(), nil)
}
