// Package wire is the load engine that is never what is measured: one event
// loop a generator core, two system calls a request, no allocation and no
// work for the Go scheduler while a window runs.
//
// It speaks HTTP/1.1 in clear text and sends one request after the other; it does
// not pipeline, does not follow redirects, never sends a request twice, and
// refuses TLS. It exists on Linux; elsewhere, and for TLS, Run's error wraps
// load.ErrUnsupported so that the caller can take another engine.
//
// # What is counted
//
// In a closed loop every connection has one request in flight from the start
// of the window to its end. Requests is OK plus the errors. In an open loop
// Scheduled is OK plus the errors: a request that found no connection free
// until the timeout after the window's end was never sent, so it is missing
// in Requests, and counts as a timeout. Where the context ends a window,
// requests that were then in flight have no outcome and are in no count.
//
// A lead-in is a load like the window's, of which only what lies in the window
// is counted, see load.Spec. Its connections are those of the window.
//
// A request begins with its write if its connection is open, else with the
// connect: the time to open a connection is part of the latency of the
// request that needs it. A failed attempt to connect is a failed request, in a
// closed loop also in the connect phase before the window, which is repeated
// until the timeout of a request has passed; in an open loop such an attempt
// has no place in the schedule and shows as a connection that is missing in
// Established.
//
// An open loop opens all Connections before the window, a free one is the one
// that was used last, and so a bound far above the need measures idle
// connections held open beside the load. Without a bound it opens a few, and
// more as they are needed, as far as the limit of open files lets it.
//
// A connection that the server ends between two responses, announced or not,
// is reopened and counts as a reconnect. If a request had been sent on it, it
// is a reset.
//
// Of several servers the i-th connection, counted over all loops, has the one at i
// modulo their number, for as long as the window lasts. What a server is asked goes
// out in turn, over all the connections that a loop has to it.
package wire

import (
	"context"
	"fmt"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// Name is the engine's name in records.
const Name = "wire"

// Engine implements load.Engine.
type Engine struct{ sources sources }

var _ load.Engine = (*Engine)(nil)

// New returns an engine. Consecutive windows should share one: it remembers
// which local addresses still have connections in TIME_WAIT.
func New() *Engine { return &Engine{} }

// Name is "wire".
func (e *Engine) Name() string { return Name }

// Run generates the load of one window.
func (e *Engine) Run(ctx context.Context, spec load.Spec) (*record.Measurement, error) {
	if err := spec.Normalize(); err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	targets, wants, err := newTargets(ctx, &spec)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	m, err := e.run(ctx, spec, targets, wants)
	if err != nil {
		return m, fmt.Errorf("wire: %w", err)
	}
	return m, nil
}
