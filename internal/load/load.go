// Package load states what a load generator is asked and what it answers.
// The engines stand in its subpackages: wire (an event loop of our own) and
// vegeta (the library). Nothing here opens a connection, and nothing here or
// below prints.
package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/record"
)

// Engine generates the load of one window.
//
// Run returns a measurement for every window that could begin, however many
// of its requests failed: failures are counts, not errors. It returns an error
// only if the window could not be set up, or if ctx ended; in the latter case
// the measurement covers what was done and the error is ctx's.
// An Engine may be used for one window after the other, not for two at once.
type Engine interface {
	Name() string
	Run(ctx context.Context, spec Spec) (*record.Measurement, error)
}

// Spec describes one window. The zero value of Timeout means 10 s.
//
// With a LeadIn the window begins in the middle of a load. A request belongs to
// the window if it was intended to be sent inside it; one of the lead-in counts
// only in what is a rate of the window: Completed and Bins if its response ends
// inside it, and InFlight for the time that it spends there. In a closed loop one that
// fails once the window has begun is a request of the window, because to a server that
// hangs nothing else is sent. So a closed loop of N connections to a server that waits
// D has a throughput of N/D, best with a LeadIn of 6/5 D; without, the first D of the
// window has no response.
type Spec struct {
	Exchanges   []http1.Exchange // sent round-robin; a closed loop also distributes its connections round-robin over their servers
	Socket      string           // a Unix socket to connect to in the place of the URLs' servers; empty: none
	Connections int              // closed loop: requests in flight; open loop: most connections, 0 for as many as it takes
	Schedule    *Schedule        // nil: closed loop
	Duration    time.Duration    // of the window
	LeadIn      time.Duration    // the load goes on for so long before the window begins; 0: not at all
	Timeout     time.Duration    // of one request, from its send
	Close       bool             // a new connection for every request
	CPUs        []int            // the generator's cores: one event loop each; empty: one loop, not pinned
	Sleep       bool             // while it waits, instead of polling: where the server calculates on the same cores

	// Opened, if set, is called once in every window that begins: when the
	// connections that it begins with are open, and before its first request. The
	// window waits for it. If Run returns an error it may not have been called.
	Opened func() `json:"-"`

	// Began and Ended, if set, are called once each, as the window begins and as it
	// ends, while the load goes on: readings taken there are of the window and of
	// nothing else. The engine sends nothing until they return, so they must take
	// no longer than some 100 us. Neither is called if ctx ends before.
	Began, Ended func() `json:"-"`

	// Bin, if set, is called with each quarter second of the window as soon as it is
	// complete, in order: what was completed in it, by its latency. It must not wait, and
	// the histogram is used again afterwards.
	Bin func(i int, h *Coarse) `json:"-"`
}

// DefaultTimeout is the timeout of one request unless the spec says otherwise.
const DefaultTimeout = 10 * time.Second

// ErrUnsupported is wrapped by an engine's error where the engine cannot do
// what was asked at all, on this system or of its kind (TLS with wire).
var ErrUnsupported = errors.New("not supported by this engine")

// Grace is how much longer than its length and one timeout Run may take: it opens
// its connections beforehand, within a timeout, and what that takes beyond
// Grace is missing for the last responses.
const Grace = 500 * time.Millisecond

// Drain is how long after the window responses are waited for: one timeout, unless it
// took long to open the connections.
func (s *Spec) Drain(opening time.Duration) time.Duration {
	return min(s.Timeout, max(s.Timeout-opening, 0)+Grace)
}

// Entry is when the i-th connection of a closed loop sends its first request,
// counted from the start of the load. A lead-in spreads them over 5/6 of it:
// connections that begin together are answered together where a server waits, and
// whether the last answers of a window fall inside it would then be one chance
// for all. They are spread evenly where the server takes those 5/6.
func (s *Spec) Entry(i int) time.Duration {
	return s.LeadIn / 6 * 5 * time.Duration(i) / time.Duration(s.Connections)
}

// mostSocket is how long the name of a Unix socket may be, in bytes, on all systems.
const mostSocket = 103

// mostScheduled bounds a schedule: each of its times is looked at, whether a
// request is sent or not.
const mostScheduled = 1e8

// Normalize fills in the defaults and checks the ranges.
func (s *Spec) Normalize() error {
	servers, err := s.Servers()
	switch {
	case err != nil:
		return err
	case s.Schedule != nil && !(s.Schedule.Rate > 0 && s.Schedule.Rate <= MostRate):
		return fmt.Errorf("rate %g: must be above 0 and at most %g requests a second", s.Schedule.Rate, MostRate)
	case s.Schedule != nil && s.Schedule.Rate*(s.LeadIn+s.Duration).Seconds() > mostScheduled:
		return fmt.Errorf("rate %g for %v: must be at most %.0f requests", s.Schedule.Rate, s.LeadIn+s.Duration, mostScheduled)
	case s.Duration <= 0:
		return fmt.Errorf("duration %v: must be above 0", s.Duration)
	case len(s.Socket) > mostSocket:
		return fmt.Errorf("socket %q: the name of a Unix socket has at most %d bytes", s.Socket, mostSocket)
	case s.LeadIn < 0:
		return fmt.Errorf("lead-in %v: must not be negative", s.LeadIn)
	case s.Timeout < 0:
		return fmt.Errorf("timeout %v: must not be negative", s.Timeout)
	case s.Timeout > record.MaxLatency:
		return fmt.Errorf("timeout %v: must be at most %v, the longest latency that is recorded", s.Timeout, record.MaxLatency)
	case s.Connections < 0 || s.Schedule == nil && s.Connections == 0:
		return fmt.Errorf("connections %d: must be at least 1", s.Connections)
	case s.Schedule == nil && s.Connections < servers:
		return fmt.Errorf("connections %d: must be at least 1 for each of the %d servers", s.Connections, servers)
	}
	s.Timeout = cmp.Or(s.Timeout, DefaultTimeout)
	for _, call := range []*func(){&s.Opened, &s.Began, &s.Ended} {
		if *call == nil {
			*call = func() {}
		}
	}
	if s.LeadIn == 0 { // there is no load yet that must not be stopped
		opened, began := s.Opened, s.Began
		s.Opened, s.Began = func() { opened(); began() }, func() {}
	}
	return nil
}

// firstConnections is how many connections an open loop without a bound opens
// before the window, at most.
const firstConnections = 64

// Preopened is how many connections are opened before the window. An open loop
// without a bound opens as many as are busy at once where an answer takes a
// millisecond. More would not be free: a server of threads may wait on each of
// them for a first request, and answer the others late meanwhile.
func (s *Spec) Preopened() int {
	switch {
	case s.Close:
		return 0
	case s.Connections > 0 || s.Schedule == nil:
		return s.Connections
	default:
		return min(1+int(s.Schedule.Rate/1000), firstConnections)
	}
}

// Servers checks the exchanges, and says of how many servers they are. A schedule is
// for one of them: which server is to get a request would depend on which connection
// is free when it is due.
func (s *Spec) Servers() (int, error) {
	if len(s.Exchanges) == 0 {
		return 0, errors.New("no target URL")
	}
	scheme, servers := "", map[string]bool{}
	for i := range s.Exchanges {
		r, err := http1.NewRequest(&s.Exchanges[i], s.Close)
		if err != nil {
			return 0, err
		}
		if scheme != "" && r.Scheme() != scheme {
			return 0, fmt.Errorf("target URL %q: the scheme of all targets must be one", r.URL())
		}
		scheme, servers[cmp.Or(s.Socket, r.HostPort())] = r.Scheme(), true
	}
	if len(servers) > 1 && s.Schedule != nil {
		return 0, fmt.Errorf("a schedule for %d servers: only a closed loop can use several", len(servers))
	}
	return len(servers), nil
}

// CheckLocal refuses a target that is not on this machine: neither a loopback
// address nor one of its own. The unspecified address leads to this machine, too.
func CheckLocal(ctx context.Context, target string) error {
	r, err := http1.NewRequest(&http1.Exchange{URL: target}, false)
	if err != nil {
		return err
	}
	host, _ := r.Address()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return fmt.Errorf("target %q: %w (and a target that is not on this machine needs --allow-remote)", host, err)
	}
	own, err := ownAddresses()
	if err != nil {
		return fmt.Errorf("target %q: %w", host, err)
	}
	for _, a := range addrs {
		if a = a.WithZone("").Unmap(); !a.IsLoopback() && !a.IsUnspecified() && !own[a] {
			return fmt.Errorf("target %q is %v, which is not on this machine: loading somebody else's server needs --allow-remote", host, a)
		}
	}
	return nil
}

// ownAddresses are those of this machine's interfaces.
func ownAddresses() (map[netip.Addr]bool, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this machine's addresses: %w", err)
	}
	own := map[netip.Addr]bool{}
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own[prefix.Addr().Unmap()] = true
		}
	}
	return own, nil
}
