// Package record holds the words of hellobench as data: arms, levels, windows,
// trials and runs, exactly as they stand in a run folder. Every
// other package may import it, and it imports only how files are checked.
//
// All times are in nanoseconds, all rates per second, all sizes in bytes.
// Nothing here is derived from anything else here except the percentiles that
// stand beside their histogram so that a reader need not decode it.
package record

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SchemaVersion is the version of run.json and trials.jsonl that this code
// writes. Older versions stay readable; a newer one is refused. In version 1 a
// block held every arm of a run, one after the other, and no rounds.
const SchemaVersion = 2

// Arm is a server in one configuration under one workload.
type Arm struct {
	Name      string `json:"name" yaml:"name"`
	Server    string `json:"server" yaml:"server"`
	Route     string `json:"route" yaml:"route"`                             // path and query; "/" by default
	Workers   int    `json:"workers,omitempty" yaml:"workers,omitempty"`     // 0: the server's default
	Threads   int    `json:"threads,omitempty" yaml:"threads,omitempty"`     // 0: the server's default
	Instances int    `json:"instances,omitempty" yaml:"instances,omitempty"` // processes of their own, each on a core of its own, to which the client deals its connections in turn; 0 and 1: one
	Beside    string `json:"beside,omitempty" yaml:"beside,omitempty"`       // path and query that is asked all the time, one request after the other, beside what is measured
	Close     bool   `json:"close,omitempty" yaml:"close,omitempty"`         // one request a connection
	Variant   string `json:"variant,omitempty" yaml:"variant,omitempty"`     // one of the manifest's; empty: the server as it is
	Shared    bool   `json:"shared,omitempty" yaml:"shared,omitempty"`       // may use every core of the run, the generator's too
	Replicate string `json:"replicate,omitempty" yaml:"replicate,omitempty"` // name of the arm that this one repeats (A/A)
}

// NullServer is the server that no arm competes with. It answers without doing
// anything, so what it reaches is the generator's and the machine's own.
const NullServer = "null"

// Canary says whether the arm is the null server's, of which the answers cost
// nothing: it takes part in the rounds to tell a change of the machine from one of
// the servers. Where the null server calculates, it is an arm like others.
func (a Arm) Canary() bool { return a.Server == NullServer && a.Route == "/" }

// ByLikeness orders arms by whether they do the same work as one arm.
func ByLikeness(one Arm) func(a, b Arm) int {
	like := func(a Arm) int {
		if a.Route == one.Route && a.Beside == one.Beside {
			return 0
		}
		return 1
	}
	return func(a, b Arm) int { return like(a) - like(b) }
}

// Errors counts failed requests by class. A request is in at most one class.
type Errors struct {
	Connect uint64 `json:"connect"` // no connection: refused, unreachable, no address left
	Timeout uint64 `json:"timeout"` // no complete response within the timeout
	Reset   uint64 `json:"reset"`   // the connection ended before the response was complete, or it was not HTTP
	Status  uint64 `json:"status"`  // a complete response with another status than expected
	Body    uint64 `json:"body"`    // the expected status with another body than expected
}

// Total is the number of failed requests.
func (e Errors) Total() uint64 { return e.Connect + e.Timeout + e.Reset + e.Status + e.Body }

// Add counts the errors of o too.
func (e *Errors) Add(o Errors) {
	e.Connect += o.Connect
	e.Timeout += o.Timeout
	e.Reset += o.Reset
	e.Status += o.Status
	e.Body += o.Body
}

// String lists the classes that are not zero, "none" if all are.
func (e Errors) String() string {
	var parts []string
	for _, c := range []struct {
		name string
		n    uint64
	}{{"connect", e.Connect}, {"timeout", e.Timeout}, {"reset", e.Reset}, {"status", e.Status}, {"body", e.Body}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", c.name, c.n))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// CPU is processor time used in an interval.
type CPU struct {
	User   time.Duration `json:"user_ns"`
	System time.Duration `json:"system_ns"`
}

// Total is user and system time together.
func (c CPU) Total() time.Duration { return c.User + c.System }

// Add is the time of both.
func (c CPU) Add(o CPU) CPU { return CPU{User: c.User + o.User, System: c.System + o.System} }

// Sub is the time used since the earlier reading o. The kernel knows the sum
// better than the parts, so a part may seem to have shrunk: it is then 0, and
// the sum is kept. A sum that shrank, for processes ended that nobody waited for, is 0.
func (c CPU) Sub(o CPU) CPU {
	d := CPU{User: c.User - o.User, System: c.System - o.System}
	switch {
	case d.Total() < 0:
		return CPU{}
	case d.User < 0:
		return CPU{System: d.Total()}
	case d.System < 0:
		return CPU{User: d.Total()}
	}
	return d
}

// Less is what remains when d is no work, of user and system time alike.
func (c CPU) Less(d time.Duration) CPU {
	total := c.Total()
	if total <= d {
		return CPU{}
	}
	part := float64(total-d) / float64(total)
	return CPU{User: time.Duration(part * float64(c.User)), System: time.Duration(part * float64(c.System))}
}

// Bin is what was completed in one quarter of a second of a window.
type Bin struct {
	OK  uint64        `json:"ok"`     // correct responses completed in the bin
	P50 time.Duration `json:"p50_ns"` // their median latency, to 1/32 of an octave; 0 if none
}

// BinWidth is the length of a Bin.
const BinWidth = 250 * time.Millisecond

// Measurement is what a load generator saw in one window.
//
// The window is the interval of length Duration that starts once the
// connections are established. A request belongs to the window if it was
// intended to be sent inside it; the generator waits for its response beyond
// the end, up to the timeout. Throughput counts only what completed inside.
type Measurement struct {
	Engine      string        `json:"engine"`
	Connections int           `json:"connections"` // asked for
	Established int           `json:"established"` // open when the window began (keep-alive only)
	Duration    time.Duration `json:"duration_ns"`
	LeadIn      time.Duration `json:"lead_in_ns,omitempty"`  // the load began so long before the window; what was sent then is in no count but Completed, InFlight and Bins
	Accepted    time.Duration `json:"accepted_ns,omitempty"` // from the first attempt to connect until every connection had had a response; 0 if not all had one, and where that is not measured
	Offered     float64       `json:"offered_rps,omitempty"` // open loop: the schedule's rate; 0 in a closed loop
	Scheduled   uint64        `json:"scheduled,omitempty"`   // open loop: requests that the schedule placed in the window
	Requests    uint64        `json:"requests"`              // sent, or tried to be sent, inside the window or after it
	Sent        uint64        `json:"sent,omitempty"`        // those of Requests that were sent before the window ended; 0 in records of before 2026-11-25
	OK          uint64        `json:"ok"`                    // complete and correct
	Completed   uint64        `json:"completed"`             // correct responses that ended inside the window
	Errors      Errors        `json:"errors"`
	BytesIn     uint64        `json:"bytes_in"`
	Reconnects  uint64        `json:"reconnects,omitempty"` // keep-alive connections that the server ended between responses
	Retries     uint64        `json:"retries,omitempty"`    // requests that the client library silently sent again; in records of before 2026-11-25, since nothing is sent twice
	InFlight    time.Duration `json:"in_flight_ns"`         // request-time spent inside the window, summed over all requests (for Little's law)
	Stalled     time.Duration `json:"stalled_ns,omitempty"` // of the window, in which a thread of the generator did not run at all
	Latency     *Distribution `json:"latency"`              // completion - intended send, correct responses only
	Service     *Distribution `json:"service,omitempty"`    // completion - actual send; absent in a closed loop, where it equals Latency
	Slip        *Distribution `json:"slip,omitempty"`       // actual - intended send; absent in a closed loop
	FirstByte   *Distribution `json:"first_byte,omitempty"` // first byte of the response - intended send, correct responses only; nil where it is known that all came in one piece, so that it equals Latency
	Bins        []Bin         `json:"bins,omitempty"`
	CPU         CPU           `json:"cpu"` // of the whole generator process during the window
	FirstError  string        `json:"first_error,omitempty"`
}

// Add counts what another window of the same level counted, so that rates and
// shares are those of both together. Distributions and bins are not merged.
func (m *Measurement) Add(o *Measurement) {
	if o.Offered > 0 {
		m.Offered = (m.Offered*m.Duration.Seconds() + o.Offered*o.Duration.Seconds()) / max((m.Duration+o.Duration).Seconds(), 1e-9)
	}
	m.Connections = o.Connections
	m.Duration += o.Duration
	m.Stalled += o.Stalled
	m.count(o)
}

// count adds the counts of another window, or of another part of this one.
func (m *Measurement) count(o *Measurement) {
	m.Sent = m.sent() + o.sent()
	m.Scheduled += o.Scheduled
	m.Requests += o.Requests
	m.OK += o.OK
	m.Completed += o.Completed
	m.Errors.Add(o.Errors)
	m.BytesIn += o.BytesIn
	m.Reconnects += o.Reconnects
	m.Retries += o.Retries
	m.InFlight += o.InFlight
	m.CPU = m.CPU.Add(o.CPU)
	m.FirstError = cmp.Or(m.FirstError, o.FirstError)
}

// Throughput is the rate of correct responses inside the window.
func (m *Measurement) Throughput() float64 { return perSecond(m.Completed, m.Duration) }

// Achieved is the rate at which requests were sent inside the window. An open
// loop sends its backlog after the window; that is no rate that it kept.
func (m *Measurement) Achieved() float64 { return perSecond(m.sent(), m.Duration) }

// DueRate is the rate at which an open loop's schedule placed requests in the
// window: by chance not just the one that was asked for.
func (m *Measurement) DueRate() float64 { return perSecond(m.Scheduled, m.Duration) }

// Delivered is the share of an open loop's schedule that was sent inside the
// window, from 0 to 1; 1 where nothing was scheduled, as in a closed loop.
func (m *Measurement) Delivered() float64 {
	if m.Scheduled == 0 {
		return 1
	}
	return float64(m.sent()) / float64(m.Scheduled)
}

// sent is Sent, or Requests in records that do not have it: where a schedule
// was kept the two differ by a request at most.
func (m *Measurement) sent() uint64 {
	if m.Sent == 0 {
		return m.Requests
	}
	return m.Sent
}

// Due is how many requests had to be answered: those that were sent, and those of an
// open loop that timed out before there was a connection to send them over.
func (m *Measurement) Due() uint64 { return max(m.Requests, m.OK+m.Errors.Total()) }

// ErrorRate is the share of the due requests that failed, 0 if none was due.
func (m *Measurement) ErrorRate() float64 {
	if m.Due() == 0 {
		return 0
	}
	return float64(m.Errors.Total()) / float64(m.Due())
}

// LittlesLaw is the mean number of requests in flight divided by the number
// of connections: 1 when every connection of a closed loop was always waiting
// for the server, less when the generator was slow to send. It is 0 in an open
// loop, where the law fixes nothing.
func (m *Measurement) LittlesLaw() float64 {
	if m.Offered > 0 || m.Duration <= 0 || m.Connections == 0 {
		return 0
	}
	return float64(m.InFlight) / float64(m.Duration) / float64(m.Connections)
}

func perSecond(n uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// Usage is what a server's whole process tree used in a window.
type Usage struct {
	CPU       CPU    `json:"cpu"`
	RSS       uint64 `json:"rss_bytes"` // resident set, shared pages counted once a process
	PSS       uint64 `json:"pss_bytes"` // resident set, with what its processes share counted once; 0 where the system does not tell
	Threads   int    `json:"threads"`
	Processes int    `json:"processes"`

	MainThread time.Duration            `json:"main_thread_ns,omitempty"`   // CPU of the processes' first threads
	ByThread   map[string]time.Duration `json:"cpu_by_thread_ns,omitempty"` // CPU by the threads' name

	Queued    time.Duration `json:"queued_ns,omitempty"`            // that threads were ready to run and waited for a core
	Slept     uint64        `json:"voluntary_switches,omitempty"`   // a thread gave its core up, to wait for something
	Preempted uint64        `json:"involuntary_switches,omitempty"` // a thread was taken from its core
	Faults    uint64        `json:"page_faults,omitempty"`
}

// Add counts what another part of the server used, too.
func (u *Usage) Add(o Usage) {
	u.CPU = u.CPU.Add(o.CPU)
	u.RSS += o.RSS
	u.PSS += o.PSS
	u.Threads += o.Threads
	u.Processes += o.Processes
	u.MainThread += o.MainThread
	u.Queued += o.Queued
	u.Slept += o.Slept
	u.Preempted += o.Preempted
	u.Faults += o.Faults
	for name, d := range o.ByThread {
		if u.ByThread == nil {
			u.ByThread = map[string]time.Duration{}
		}
		u.ByThread[name] += d
	}
}

// Disturbance is what this machine did besides the measurement, on the cores
// of the servers and the generator, from just before a window until its last response.
type Disturbance struct {
	Elapsed   time.Duration `json:"elapsed_ns"`   // of all those cores together; 0 where the system does not tell
	Others    time.Duration `json:"others_ns"`    // used by processes that are neither server nor generator
	Steal     time.Duration `json:"steal_ns"`     // given by the hypervisor to other machines
	Throttled time.Duration `json:"throttled_ns"` // stood still because a quota was used up
}

// Network is what the counters of this machine's network grew by around a
// window, from before its first connection until its last response. They are
// those of all processes: a busy neighbor counts too.
type Network struct {
	ListenOverflows uint64 `json:"listen_overflows"` // connections for which a server's accept queue had no room
	ListenDrops     uint64 `json:"listen_drops"`     // those, and all others that a listener dropped
	SYNRetransmits  uint64 `json:"syn_retransmits"`  // connection attempts that had to be repeated, after 1 s at least
	Resets          uint64 `json:"resets"`           // established connections that were reset, each end counted
}

// Sub is what happened since an earlier reading. Nothing in it is negative.
func (n Network) Sub(before Network) Network {
	since := func(now, before uint64) uint64 { return now - min(now, before) }
	return Network{
		since(n.ListenOverflows, before.ListenOverflows), since(n.ListenDrops, before.ListenDrops),
		since(n.SYNRetransmits, before.SYNRetransmits), since(n.Resets, before.Resets),
	}
}

// Add counts what the network of another machine did, too.
func (n Network) Add(o Network) Network {
	return Network{n.ListenOverflows + o.ListenOverflows, n.ListenDrops + o.ListenDrops, n.SYNRetransmits + o.SYNRetransmits, n.Resets + o.Resets}
}

// Window is one measured interval of one level.
type Window struct {
	Level    Level         `json:"level"`
	Pass     int           `json:"pass,omitempty"` // from 0, within the block; pass and level are the round
	Start    time.Time     `json:"start"`
	Warmup   bool          `json:"warmup,omitempty"`   // recorded, not part of any result
	Restless bool          `json:"restless,omitempty"` // the server was still at work by itself when it began
	Load     Measurement   `json:"load"`
	Server   Usage         `json:"server"`
	Host     Disturbance   `json:"host"`
	Network  *Network      `json:"network,omitempty"`      // nil where the system does not tell
	Beside   int           `json:"beside,omitempty"`       // answers of the route that was asked beside
	Others   time.Duration `json:"residents_ns,omitempty"` // processor time that the servers used which were not asked
	Held     int           `json:"held,omitempty"`         // idle connections that were still open at the end
	Probes   []Probe       `json:"probes,omitempty"`       // of a search under the SLO, in order; Load is a window at the largest rate that passed
	Gates    []Gate        `json:"gates,omitempty"`        // the gates that this window failed
}

// Probe is one rate of a search.
type Probe struct {
	Rate   float64 `json:"rate"`
	Trials int     `json:"trials"` // windows at this rate
	Passed bool    `json:"passed"` // most of them held the SLO
}

// IdleOf is the share of so many cores that nobody had in the window, from 0 to 1.
func (w *Window) IdleOf(cores int) float64 {
	if w.Load.Duration <= 0 || cores == 0 {
		return 0
	}
	return max(1-w.Taken(cores)-w.Server.CPU.Total().Seconds()/(w.Load.Duration.Seconds()*float64(cores)), 0)
}

// Taken is the share of so many cores that the generator, other processes and the
// hypervisor had in the window, from 0 to 1: what a server that shares them could not have.
func (w *Window) Taken(cores int) float64 {
	if w.Load.Duration <= 0 || cores == 0 {
		return 0
	}
	taken := w.Load.CPU.Total().Seconds() / w.Load.Duration.Seconds() / float64(cores)
	if w.Host.Elapsed > 0 {
		taken += (w.Host.Others + w.Host.Steal + w.Host.Throttled).Seconds() / w.Host.Elapsed.Seconds()
	}
	return min(taken, 1)
}

// HeldSLO says whether a search under the SLO found a rate that holds it. Where
// it did not, the window is one at the lowest rate and has no value for the level.
func (w *Window) HeldSLO() bool {
	return slices.ContainsFunc(w.Probes, func(p Probe) bool { return p.Passed })
}

// Gate is a validity check that failed.
type Gate struct {
	Name   string `json:"name"`
	Detail string `json:"detail"`
}

// TooShort is what is said of a warm-up with too few bins for a label.
const TooShort = "too short to tell"

// Trial is one fresh process start of an arm with all its windows.
type Trial struct {
	Schema   int               `json:"schema"`
	Block    int               `json:"block"`    // from 0
	Position int               `json:"position"` // order inside the block, from 0
	Arm      string            `json:"arm"`
	Start    time.Time         `json:"start"`
	End      time.Time         `json:"end"`
	Startup  time.Duration     `json:"startup_ns,omitempty"` // from exec to the first correct response
	Setup    map[string]string `json:"setup,omitempty"`      // randomized nuisance factors
	Runtime  map[string]string `json:"runtime,omitempty"`    // what the server says of itself, and its threads by name
	Idle     Usage             `json:"idle"`                 // after the first response, before any load; CPU since exec
	Steady   string            `json:"steady,omitempty"`     // what the warm-up came to: flat, warm-up, slowdown, no steady state, or TooShort; none without a warm-up
	Windows  []Window          `json:"windows"`
	Failure  string            `json:"failure,omitempty"` // why there are fewer windows than planned
	Fault    string            `json:"fault,omitempty"`   // whose the failure is: ServerFault, or none that is known
}

// ServerFault is the fault of a failure that the server itself made: it did not
// start, answered wrongly, or ended.
const ServerFault = "server"

// Fault is an error that the server made, and neither this program nor the machine.
type Fault struct{ Err error }

func (f Fault) Error() string { return f.Err.Error() }

func (f Fault) Unwrap() error { return f.Err }
