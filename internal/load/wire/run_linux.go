package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/wire/sock"
	"github.com/hellobench/hellobench/internal/record"
)

// Connections of an open loop without a bound.
const (
	mostConnections = 1 << 17
	spareFiles      = 64 // file descriptors left for the rest of the program
)

// window is what the loops of one Run share.
type window struct {
	spec    load.Spec
	targets []target
	wants   []http1.Expectation
	sources *sources
	opened  func()       // spec.Opened, and a look at ctx
	base    time.Time    // all clock readings are ns since base
	absent  atomic.Int32 // loops still connecting
	start   atomic.Int64 // of the load, 0 until all loops are connected; the window begins after the lead-in
	stop    atomic.Bool  // ctx has ended
	ended   atomic.Int64 // when the first loop saw that, 0 if it has not
	loops   int
	bins    *load.Bins
	cpu     [2]record.CPU // at the start and the end; written by the first loop
}

func newWindow(ctx context.Context, spec load.Spec, targets []target, wants []http1.Expectation, s *sources) *window {
	w := &window{spec: spec, targets: targets, wants: wants, sources: s, base: time.Now()}
	w.opened = func() {
		spec.Opened()
		if ctx.Err() != nil {
			w.stop.Store(true) // what watches ctx may come too late
		}
	}
	return w
}

func (w *window) now() int64 { return int64(time.Since(w.base)) }

// run generates the load with one goroutine a core, each on its own thread.
func (e *Engine) run(ctx context.Context, spec load.Spec, targets []target, wants []http1.Expectation) (*record.Measurement, error) {
	w := newWindow(ctx, spec, targets, wants, &e.sources)
	loops, err := w.newLoops()
	if err != nil {
		return nil, err
	}
	release := sock.ReserveProcessors(len(loops))
	defer release()
	unwatch := context.AfterFunc(ctx, func() { w.stop.Store(true) })
	defer unwatch()

	errs := make([]error, len(loops))
	var wg sync.WaitGroup
	for i, l := range loops {
		wg.Go(func() {
			defer l.closeAll()
			unlock, err := sock.LockThread(l.cpu)
			defer unlock()
			if err != nil {
				errs[i] = err
				w.stop.Store(true)
				return
			}
			l.run()
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if w.ended.Load() != 0 {
		return w.measurement(loops), ctx.Err()
	}
	return w.measurement(loops), nil
}

// newLoops deals the connections and the schedule.
func (w *window) newLoops() ([]*loop, error) {
	cpus := w.spec.CPUs
	if len(cpus) == 0 {
		cpus = []int{-1}
	}
	total, open := w.spec.Connections, w.spec.Preopened()
	if total == 0 {
		var err error
		if total, err = freeFiles(); err != nil {
			return nil, err
		}
	}
	n := min(len(cpus), total)
	w.loops, w.bins = n, load.NewBins(w.spec.Duration, n, w.spec.Bin)
	w.absent.Store(int32(n))
	loops := make([]*loop, n)
	for i := range loops {
		l, err := newLoop(w, i, n, share(total, i, n), share(open, i, n))
		if err != nil {
			for _, l := range loops[:i] {
				l.closeAll()
			}
			return nil, err
		}
		l.cpu, l.polls = cpus[i], !w.spec.Sleep
		loops[i] = l
	}
	return loops, nil
}

// share is the i-th of n nearly equal parts of total.
func share(total, i, n int) int {
	s := total / n
	if i < total%n {
		s++
	}
	return s
}

// freeFiles is how many more connections the limit of open files allows.
func freeFiles() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	used, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0, fmt.Errorf("count open files: %w", err)
	}
	free := int(min(limit.Cur, mostConnections)) - len(used) - spareFiles
	return max(free, 1), nil
}

func (w *window) measurement(loops []*loop) *record.Measurement {
	m := &record.Measurement{
		Engine:      Name,
		Connections: w.spec.Connections,
		Duration:    w.spec.Duration,
		LeadIn:      w.spec.LeadIn,
		Accepted:    w.accepted(loops),
	}
	if w.spec.Schedule != nil {
		m.Offered = w.spec.Schedule.Rate
	}
	if ended := w.ended.Load(); ended != 0 {
		m.Duration = min(m.Duration, max(0, time.Duration(ended-w.start.Load())-w.spec.LeadIn))
		if w.start.Load() == 0 {
			m.Duration = 0
		}
	}
	m.Bins = w.bins.Until(m.Duration)
	sum := &loops[0].tally
	for _, l := range loops[1:] {
		sum.merge(&l.tally)
	}
	sum.store(m)
	var idled time.Duration
	for _, l := range loops {
		idled += time.Duration(l.idled)
	}
	m.CPU = w.cpu[1].Sub(w.cpu[0]).Less(idled)
	return m
}

// accepted is the time from the first attempt to connect of all loops until the
// last of all connections had its first response, 0 if one had none.
func (w *window) accepted(loops []*loop) time.Duration {
	first, last := int64(never), int64(0)
	for _, l := range loops {
		if l.close || l.unanswered > 0 {
			return 0
		}
		first, last = min(first, l.connecting), max(last, l.answered)
	}
	return time.Duration(last - first)
}
