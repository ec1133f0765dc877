// Package vegeta runs the window of a load with the Attacker of
// github.com/tsenart/vegeta: the engine that users know, the one for TLS and
// HTTP/2, and the cross-check of the event loop in package wire.
//
// The library paces, counts and times; this package holds what the library
// leaves to its caller. The send times come from a schedule that is fixed
// before the window, and every latency counts from the time that the schedule
// intended, so that a stalled server cannot slow down the asking (coordinated
// omission). Connections are opened before the window. Failures are classed by
// the error itself and never counted as fast responses. Nothing is sent twice:
// a request that net/http would repeat by itself is a failed one.
//
// It refuses to decide what is correct (the specification does, not the
// library's range of status codes), to follow redirects, to decompress, to
// take a proxy from the environment and to summarize with the library's
// Metrics. It does not pin: Spec.CPUs is ignored, because the Go scheduler
// places the workers wherever the process may run, so pinning the process is
// the caller's business.
//
// Several servers get the requests in turn, not the connections: the library
// does not tell which worker asks. Each has its share of the connections from
// the beginning, and gets more where more requests are under way to it.
//
// A request costs 20 to 40 us of CPU here, so a fast server outruns this
// engine: whoever publishes its figures measures the engine's ceiling first.
package vegeta

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// Options are what the engine does beyond a specification. The zero value
// verifies certificates, speaks HTTP/1.1 and writes no results.
type Options struct {
	InsecureSkipVerify bool // accept any certificate: for a server of one's own with a self-signed one
	HTTP2              bool // offer HTTP/2 to an https server, and take HTTP/1.1 if it declines

	// Results, if not nil, receives every result in vegeta's own (gob)
	// encoding, readable by `vegeta report` and `vegeta plot`: Timestamp is the
	// intended send, Latency counts from it, Error is set for whatever was not
	// correct, Attack numbers the windows, and bodies and headers are left out.
	// It is written to by one goroutine during Run and flushed when Run returns.
	Results io.Writer
}

// maxWorkers bounds the memory of an open loop that the server cannot follow.
// The library makes a tick wait when all workers are busy; since latency
// counts from the intended send, that wait is in the latency and in the slip.
const maxWorkers = 1 << 15

// gcPercent is how much garbage a window may make before it is collected: net/http
// makes some KiB a request, and to collect them at the usual 100% takes a tenth of
// the generator's time.
const gcPercent = 800

// Engine is a load.Engine. It is for one window at a time.
type Engine struct {
	opts    Options
	buf     *bufio.Writer
	encode  vegeta.Encoder
	windows int
}

var _ load.Engine = (*Engine)(nil)

// New returns an engine.
func New(o Options) *Engine {
	e := &Engine{opts: o}
	if o.Results != nil {
		// One encoder for all windows: gob refuses a second stream in one file.
		e.buf = bufio.NewWriterSize(o.Results, 64<<10)
		e.encode = vegeta.NewEncoder(e.buf)
	}
	return e
}

// Name is "vegeta".
func (*Engine) Name() string { return "vegeta" }

// Run generates the load of one window, see load.Engine. With HTTP/2 the
// requests in flight share a connection, as far as the server's limit of
// streams allows, so that Established is 1; one request that is not counted
// goes over it before the window, else each of the first requests would open
// a connection of its own.
//
// A request of an open loop that finds no connection free waits, until one
// timeout after the window. Those left then were never sent: they are missing
// in Requests and count as timeouts, so that Scheduled is always OK plus the
// errors.
//
// An error in writing Options.Results is returned beside the measurement.
func (e *Engine) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	if err := spec.Normalize(); err != nil {
		return nil, fmt.Errorf("vegeta: %w", err)
	}
	e.windows++
	requests := make([]*http1.Request, len(spec.Exchanges))
	for i := range spec.Exchanges {
		var err error
		if requests[i], err = http1.NewRequest(&spec.Exchanges[i], spec.Close); err != nil {
			return nil, fmt.Errorf("vegeta: %w", err)
		}
	}
	if e.opts.HTTP2 && requests[0].Scheme() != "https" {
		return nil, fmt.Errorf("vegeta: HTTP/2 without TLS to %s: %w", requests[0].URL(), load.ErrUnsupported)
	}
	alarm, err := newAlarm()
	if err != nil {
		return nil, fmt.Errorf("vegeta: %w", err)
	}
	defer alarm.close()
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	conns := newPool(ctx, &spec, requests, e.opts)
	defer conns.close()
	opening := time.Now()
	established := conns.open(conns.preopened(&spec))
	trips := newTripper(ctx, &spec, requests, conns)
	trips.opening = time.Since(opening)

	out := e.newResults()
	m := attack(ctx, trips, alarm, out)
	m.Engine, m.Established = e.Name(), established
	m.Reconnects, m.BytesIn = conns.reconnects.Load(), conns.bytesIn.Load()
	if err := out.close(); err != nil {
		return m, fmt.Errorf("vegeta: write results: %w", err)
	}
	return m, ctx.Err() // the contract is ctx's own error
}

// attack runs the window once the connections are open.
func attack(ctx context.Context, trips *tripper, alarm *alarm, out *results) *record.Measurement {
	spec := trips.spec
	defer trips.transport.CloseIdleConnections()
	if trips.conns.http2() {
		trips.prime()
	}
	opts := []func(*vegeta.Attacker){vegeta.Client(trips.client()), vegeta.MaxBody(0)}
	if spec.Schedule == nil {
		n := uint64(spec.Connections)
		opts = append(opts, vegeta.Workers(n), vegeta.MaxWorkers(n))
	} else {
		opts = append(opts, vegeta.MaxWorkers(maxWorkers))
	}
	attacker := vegeta.NewAttacker(opts...)
	defer attacker.Stop()
	defer context.AfterFunc(ctx, func() { attacker.Stop(); alarm.stop() })()
	if ctx.Err() == nil {
		spec.Opened()
	}

	begin := time.Now().Add(spec.LeadIn) // of the window
	t := newTally(spec, begin)
	trips.last = begin.Add(spec.Duration + spec.Drain(trips.opening))
	var pacer vegeta.Pacer = closedPacer{begin.Add(spec.Duration)}
	idled := func() time.Duration { return 0 }
	if spec.Schedule != nil {
		open := newOpenPacer(spec, begin.Add(-spec.LeadIn), alarm)
		pacer, idled = open, func() time.Duration { return time.Duration(open.idled.Load()) }
	}
	edges := newEdges(t, trips.conns, idled)
	defer edges.close()
	answers := attacker.Attack(targeter(ctx, spec, begin, trips.requests[0].URL()), pacer, 0, "")
	done := ctx.Done()
	for answers != nil || edges.next != nil {
		select {
		case r, ok := <-answers:
			if !ok {
				answers = nil
				break
			}
			if c := trips.take(r.Seq); c != nil { // else the window is over
				out.write(r, c, t.add(r, c))
			}
		case <-edges.next:
			edges.pass()
		case <-done:
			done = nil
			t.cancel(time.Since(begin)) // what is in flight is given up
			edges.cancel()
		}
	}
	return t.measurement()
}
