package bench

import (
	"context"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/record"
)

// settle waits until servers without load are at rest, by the sum of their processor
// time, and says whether they were still at work when the patience ended. Some thousands of connections that were closed keep
// Node.js busy for 150 ms, which would be a stall in the next window; as many
// that were opened are taken up one at a time between the requests, so that the
// last of them would wait as long as the window lasts.
func settle(ctx context.Context, clock func() time.Duration) (restless bool, err error) {
	for began, before := time.Now(), clock(); time.Since(began) < method.restMost; {
		from := time.Now()
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(method.restSlice):
		}
		now := clock()
		if float64(now-before) <= method.restShare*float64(time.Since(from)) {
			return false, nil
		}
		before = now
	}
	return true, nil
}

// watch is what is read around a window and inside it.
type watch struct {
	trial  *trialRun
	window time.Duration
	beside *http1.Exchange // is asked beside the window; nil: nothing
	memory bool            // is to be read in the middle

	at       time.Time  // the window began
	restless bool       // the server was still at work before it
	other    func() int // ends what is asked beside; nil: nothing is
	middle   *reading   // of the window

	before, after readings      // of all that the engine did, from its connections to its last response
	begin, end    func() clocks // of the window alone; nil: it did not come so far
}

// readings take milliseconds, so that none is taken inside a window.
type readings struct {
	at     time.Time
	clocks clocks
	server record.Usage
	cores  []host.Reading
}

// clocks take microseconds to ask for.
type clocks struct{ server, others time.Duration }

func (c clocks) sum() time.Duration { return c.server + c.others }

func (t *trialRun) askClocks() func() clocks {
	server, others := t.server.Clock(), t.residents(t)
	return func() clocks { return clocks{server(), others()} }
}

func (t *trialRun) clocks() clocks { return t.askClocks()() }

// read reads the clocks first: CPU finds the processes anew that Clock is of.
func (t *trialRun) read() readings {
	r := readings{clocks: t.clocks()}
	r.server, _ = t.server.Usage(false)
	r.cores, r.at = t.cores(), time.Now()
	return r
}

// opened waits until the server has taken up its connections, and begins what is
// asked beside the window.
func (w *watch) opened(ctx context.Context) {
	t := w.trial
	w.restless, _ = settle(ctx, func() time.Duration { return t.server.Clock()() }) // the engine sees that ctx ended
	if w.beside != nil {
		w.other = t.Beside(ctx, w.beside)
	}
	if _, err := t.server.Usage(false); err == nil {
		w.before = t.read()
	}
}

func (w *watch) began() {
	w.begin, w.at = w.trial.askClocks(), time.Now().UTC()
	if w.memory {
		w.middle = readAfter(w.trial.server, w.window/2)
	}
}

func (w *watch) ended() { w.end = w.trial.askClocks() }

// used adds the processor time of the server in the window, and of the others: that of the processes that
// run all the time by their clocks, and of those that came or went, which only the
// longer reading has, their part by the time. Kinds and threads have their share of it
// by the longer reading.
func (w *watch) used(u *record.Usage) (others time.Duration) {
	begin, end := w.begin(), w.end()
	others = end.others - begin.others
	whole := w.after.server.CPU.Sub(w.before.server.CPU)
	total := end.server - begin.server
	passing := whole.Total() - (w.after.clocks.server - w.before.clocks.server)
	if elapsed := w.after.at.Sub(w.before.at); elapsed > 0 && passing > 0 {
		total += time.Duration(float64(passing) * float64(w.window) / float64(elapsed))
	}
	if whole.Total() <= 0 {
		return others
	}
	part := func(d time.Duration) time.Duration {
		return time.Duration(float64(total) * float64(max(d, 0)) / float64(whole.Total()))
	}
	u.CPU = record.CPU{User: part(whole.User), System: total - part(whole.User)}
	after, before := &w.after.server, &w.before.server
	u.MainThread = part(after.MainThread - before.MainThread)
	u.Queued = part(after.Queued - before.Queued)
	count := func(after, before uint64) uint64 { // threads that have ended are in the first reading only
		return uint64(part(time.Duration(after) - time.Duration(min(after, before))))
	}
	u.Slept, u.Preempted, u.Faults = count(after.Slept, before.Slept), count(after.Preempted, before.Preempted), count(after.Faults, before.Faults)
	u.ByThread = map[string]time.Duration{}
	for name, d := range after.ByThread {
		if d = part(d - before.ByThread[name]); d > 0 {
			u.ByThread[name] = d
		}
	}
	return others
}

// disturbance is what other processes and the hypervisor took, of the machine on which
// that is the largest share: quiet cores elsewhere do not make up for it.
func (w *watch) disturbance() (worst record.Disturbance) {
	if len(w.before.cores) != len(w.after.cores) {
		return worst
	}
	share := -1.0
	for i := range w.after.cores {
		before, after := &w.before.cores[i], &w.after.cores[i]
		own := after.Self.Sub(before.Self).Total()
		if after.Servers {
			own += w.after.server.CPU.Sub(w.before.server.CPU).Total() + w.after.clocks.others - w.before.clocks.others
		}
		d := Disturbance(before.Noise, after.Noise, own)
		if s := float64(lost(d)) / float64(max(d.Elapsed, 1)); s > share {
			worst, share = d, s
		}
	}
	return worst
}
