package runners

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/record"
)

// Group is instances of one server that know nothing of each other: processes
// of their own, each with its port. Who deals the requests to them is not
// its business.
type Group struct{ all []*Process }

// StartGroup starts n instances at the same time, on free ports, and waits until
// all of them answer. The i-th has the i-th core for itself; with n = 0 it is one
// that may use all of them. On failure nothing is left running.
func StartGroup(ctx context.Context, in *Installed, opts Options, n int) (*Group, error) {
	each := n > 0 && len(opts.CPUs) > 0
	n = max(n, 1)
	if cores := len(opts.CPUs); each && cores < n {
		return nil, fmt.Errorf("start server %q: %d instances need a core each, and there are %d", in.Name, n, cores)
	}
	ports, err := freePorts(cmp.Or(opts.Address, loopback), n)
	if err != nil {
		return nil, fmt.Errorf("start server %q: %w", in.Name, err)
	}
	all, cancel := context.WithCancel(ctx)
	defer cancel()
	g := &Group{all: make([]*Process, n)}
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		o := opts
		o.port = ports[i]
		if i > 0 && o.LogFile != "" { // each guard cuts its own
			o.LogFile = fmt.Sprintf("%s.%d", opts.LogFile, i+1)
		}
		if each {
			o.CPUs = opts.CPUs[i : i+1]
		}
		wg.Go(func() {
			if g.all[i], errs[i] = startWithin(all, ctx, in, o); errs[i] != nil {
				cancel() // nobody needs the others any more
			}
		})
	}
	wg.Wait()
	if err := firstCause(errs); err != nil {
		g.all = slices.DeleteFunc(g.all, func(p *Process) bool { return p == nil })
		return nil, errors.Join(err, g.Stop())
	}
	return g, nil
}

// firstCause is the first error that is not the end of the others' context,
// or that if there is no other.
func firstCause(errs []error) (cause error) {
	for _, err := range errs {
		if err != nil && (cause == nil || errors.Is(cause, context.Canceled)) {
			cause = err
		}
	}
	return cause
}

// Ports is where the instances listen.
func (g *Group) Ports() []int {
	var ports []int
	for _, p := range g.all {
		ports = append(ports, p.Port())
	}
	return ports
}

// Startup is the time from exec until all answered: that of the slowest, for
// they are started at the same time.
func (g *Group) Startup() time.Duration {
	var slowest time.Duration
	for _, p := range g.all {
		slowest = max(slowest, p.Startup())
	}
	return slowest
}

// Verify checks the answers of every instance, which must all be the same; see
// Process.Verify. The requests are those to all instances, in turn.
func (g *Group) Verify(ctx context.Context, route string) ([]http1.Exchange, error) {
	var all []http1.Exchange
	for i, p := range g.all {
		exchanges, err := p.Verify(ctx, route)
		if err != nil {
			return nil, err
		}
		if i > 0 && !exchanges[0].Want.Equal(&all[0].Want) {
			return nil, fmt.Errorf("verify server %q: route %s: two instances answer differently", p.in.Name, route)
		}
		all = append(all, exchanges...)
	}
	return all, nil
}

// Runtime is what the first instance says of itself; the others are the same program.
func (g *Group) Runtime(ctx context.Context) map[string]string { return g.all[0].Runtime(ctx) }

// Usage is what all instances together have used; see Process.Usage.
func (g *Group) Usage(memory bool) (sum record.Usage, err error) {
	for _, p := range g.all {
		u, err := p.Usage(memory)
		if err != nil {
			return record.Usage{}, err
		}
		sum.Add(u)
	}
	return sum, nil
}

// PIDs are the processes of all instances, each server's first before its children.
func (g *Group) PIDs() ([]int, error) {
	var all []int
	for _, p := range g.all {
		if _, err := p.Usage(false); err != nil {
			return nil, err
		}
		all = append(all, slices.Sorted(slices.Values(*p.pids.Load()))...)
	}
	return all, nil
}

// Clock reads the instances' clocks; what it returns gives their sum. See Process.Clock.
func (g *Group) Clock() func() time.Duration {
	var sum time.Duration
	for _, p := range g.all {
		sum += p.Clock()
	}
	return func() time.Duration { return sum }
}

// Alive is nil while all instances run; else it says how the first of those that do not ended.
func (g *Group) Alive() error {
	for _, p := range g.all {
		if err := p.Alive(); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends all instances; see Process.Stop.
func (g *Group) Stop() error {
	errs := make([]error, len(g.all))
	var wg sync.WaitGroup
	for i, p := range g.all {
		wg.Go(func() { errs[i] = p.Stop() })
	}
	wg.Wait()
	return errors.Join(errs...)
}
