package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hellobench/hellobench/internal/agent"
	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/hold"
	"github.com/hellobench/hellobench/internal/machine"
	"github.com/hellobench/hellobench/internal/record"
)

// machines are those that take part: this one, and others where the servers run or the
// load is generated.
type machines struct {
	local   *machine.Local
	servers *agent.Host       // nil: they run here
	loads   []agent.Generator // none: the load is generated here
	address string            // at which servers listen; empty: loopback

	cancel context.CancelCauseFunc // of what is being done
	lost   error                   // the connection to one of them
}

// apart says whether servers and generator have a machine each.
func (m *machines) apart() bool { return m.servers != nil || len(m.loads) > 0 }

// connect reaches the other machines of a run.
func (s *Session) connect(ctx context.Context, o Options) (err error) {
	if o.ServerHost == "" && o.ServerAddress != "" && len(o.LoadHosts) == 0 {
		return UsageError{errors.New("--server-address: has a meaning only with --server-host or --load-host")}
	}
	if ip := net.ParseIP(o.ServerAddress); o.ServerAddress != "" && ip.To4() == nil {
		return UsageError{fmt.Errorf("--server-address %q: want an IPv4 address of the servers' machine, such as 192.0.2.7", o.ServerAddress)}
	}
	if o.Explain && o.ServerHost != "" {
		return UsageError{errors.New("--explain: profiles servers of this machine only, not those of --server-host")}
	}
	if o.ServerHost != "" {
		if err := agent.Check(o.ServerHost); err != nil {
			return UsageError{fmt.Errorf("--server-host: %w", err)}
		}
	}
	for i, target := range o.LoadHosts {
		err := agent.Check(target)
		if target == o.ServerHost || slices.Contains(o.LoadHosts[:i], target) {
			err = fmt.Errorf("%s has a part already", target)
		}
		if err != nil {
			return UsageError{fmt.Errorf("--load-host: %w", err)}
		}
	}
	dial := func(target string) (h *agent.Host) {
		if err == nil {
			h, err = agent.Dial(ctx, target, s.loose, s.say)
		}
		return h
	}
	if o.ServerHost != "" {
		s.servers = dial(o.ServerHost)
	}
	for _, target := range o.LoadHosts {
		s.loads = append(s.loads, agent.Generator{Host: dial(target)})
	}
	if err != nil {
		return err
	}
	if s.address = o.ServerAddress; s.apart() && s.address == "" {
		s.address, err = s.findAddress()
	}
	return err
}

// loose ends what is being done when the connection to a machine has ended.
func (s *Session) loose(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost = reason; s.cancel != nil {
		s.cancel(reason)
	}
}

// within is a context that also ends with the connection to a machine.
func (s *Session) within(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel = cancel; s.lost != nil {
		cancel(s.lost)
	}
	return ctx
}

// whyEnded puts a lost connection in the place of what it caused.
func (s *Session) whyEnded(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || s.lost == nil {
		return err
	}
	if _, none := os.Stat(filepath.Join(s.Dir, record.RunFile)); s.Dir == "" || none != nil {
		return s.lost
	}
	return fmt.Errorf("%w\nhint: the blocks that were measured are kept: hellobench run --resume %s", s.lost, s.Dir)
}

// findAddress is where the generators reach the servers, as far as ssh tells.
func (s *Session) findAddress() (string, error) {
	address := ""
	if s.servers != nil {
		address = s.servers.Facts.Address
	} else if len(s.loads) > 0 { // the servers are here: where the load hosts see this machine
		address = s.loads[0].Facts.Peer
	}
	if ip := net.ParseIP(address); ip == nil || ip.To4() == nil {
		return "", UsageError{fmt.Errorf("at which IPv4 address the generators reach the servers is not known (ssh says %q); give it with --server-address", address)}
	}
	return address, nil
}

// leave ends what runs on the other machines.
func (m *machines) leave() error {
	var errs []error
	if m.servers != nil {
		errs = append(errs, m.servers.Close())
	}
	for _, g := range m.loads {
		if g.Host != nil {
			errs = append(errs, g.Close())
		}
	}
	return errors.Join(errs...)
}

// start is the one door through which servers are started.
func (s *Session) start(ctx context.Context, st machine.Start) (bench.Server, error) {
	st.Address = s.address
	if s.servers != nil {
		return s.servers.Start(ctx, st)
	}
	return s.local.Start(ctx, st)
}

// startOf is how an arm's server is started, on the cores of the servers.
func (s *Session) startOf(arm record.Arm, env map[string]string, log string) machine.Start {
	st := machine.Start{
		Server: arm.Server, Workers: arm.Workers, Threads: arm.Threads, Instances: arm.Instances, Variant: arm.Variant,
		CPUs: s.cpusOf(arm), Env: env, LogFile: log,
	}
	if arm.Canary() { // no more loops than the generator has, for it would not see any of them slow down
		st.Loops = s.Run.ServerCPUs[:min(len(s.Run.ServerCPUs), max(s.Run.GeneratorCores(), 1))]
	}
	return st
}

// newEngine makes the engine of a name where the load is generated.
func (s *Session) newEngine(name string) load.Engine {
	engine := NewEngine(name, "")
	if len(s.loads) > 0 {
		return agent.NewEngine(engine.Name(), s.loads, s.toServers())
	}
	return engine
}

// toServers is how long a question takes to where the servers run.
func (s *Session) toServers() time.Duration {
	if s.servers == nil {
		return 0
	}
	return s.servers.Way
}

// hold opens idle connections from where the load is generated.
func (s *Session) hold(ctx context.Context, x *http1.Exchange, n int) (end func() int, err error) {
	if len(s.loads) > 0 {
		return s.loads[0].Hold(ctx, x, n, s.Run.Timeout)
	}
	c, err := hold.Open(ctx, x, n, s.Run.Timeout)
	if err != nil {
		return nil, err
	}
	return c.End, nil
}

// beside asks one thing over and over from where the load is generated.
func (s *Session) beside(ctx context.Context, x *http1.Exchange) (end func() int) {
	if len(s.loads) > 0 {
		return s.loads[0].Beside(ctx, x)
	}
	return hold.Beside(ctx, x)
}

// site is a machine that takes part, by how it is read.
type site struct {
	here    bool  // it is this machine
	servers bool  // the servers run there
	used    []int // the run's cores that it has
	cores   func([]int) (host.Reading, error)
	network func() (record.Network, error)
}

// sites are the machines that take part. This one is among them where a part of
// the run is here.
func (s *Session) sites() (all []site) {
	here := site{true, true, slices.Sorted(slices.Values(slices.Concat(s.Run.ServerCPUs, s.Run.LoadCPUs))), host.Read, host.ReadNetwork}
	if h := s.servers; h != nil {
		all = append(all, site{false, true, s.Run.ServerCPUs, h.Cores, h.Network})
		here.servers, here.used = false, s.Run.LoadCPUs
	}
	for _, g := range s.loads {
		all = append(all, site{false, false, g.CPUs, g.Cores, g.Network})
	}
	if s.servers == nil || len(s.loads) == 0 {
		all = append(all, here)
	}
	return all
}

// readCores reads what the run's cores do on each machine, where there are cores of its own.
func (s *Session) readCores() func() ([]host.Reading, error) {
	none := func(m site) bool { return len(m.used) == 0 }
	sites := slices.DeleteFunc(s.sites(), func(m site) bool { return m.here && none(m) })
	if len(sites) == 0 || slices.ContainsFunc(sites, none) {
		return nil
	}
	return func() ([]host.Reading, error) {
		all := make([]host.Reading, len(sites))
		for i, m := range sites {
			var err error
			if all[i], err = m.cores(m.used); err != nil {
				return nil, err
			}
			all[i].Servers = m.servers
		}
		return all, nil
	}
}

// readNetwork reads what the network of the run's machines does.
func (s *Session) readNetwork() (sum record.Network, err error) {
	for _, m := range s.sites() {
		n, err := m.network()
		if err != nil {
			return sum, err
		}
		sum = sum.Add(n)
	}
	return sum, nil
}

// coresApart decides on which cores of which machine what runs, where servers and
// generator have a machine each: all that there are, unless they are named.
func (s *Session) coresApart(server, gen []int) (err error) {
	own, err := machine.ReadFacts()
	if err != nil {
		return err
	}
	const here = "this machine"
	name, of := here, own
	if h := s.servers; h != nil {
		name, of = h.Name, h.Facts.Facts
	}
	if s.Run.ServerCPUs, err = s.allOf("--server-cpus", name, server, of); err != nil {
		return err
	}
	parts := []part{{name, of.Boot, s.Run.ServerCPUs}}
	if len(s.loads) == 0 {
		if s.Run.LoadCPUs, err = s.allOf("--load-cpus", here, gen, own); err != nil {
			return err
		}
		parts = append(parts, part{here, own.Boot, s.Run.LoadCPUs})
	}
	for i := range s.loads {
		g := &s.loads[i]
		if g.CPUs, err = s.allOf("--load-cpus", g.Name, gen, g.Facts.Facts); err != nil {
			return err
		}
		parts = append(parts, part{g.Name, g.Facts.Boot, g.CPUs})
	}
	s.overlapping(parts)
	return nil
}

// part is a machine by its name, its start, and the cores that are used of it.
type part struct {
	name, boot string
	cores      []int
}

// overlapping notices that two names stand for one machine.
func (s *Session) overlapping(parts []part) {
	for i, a := range parts {
		for _, b := range parts[:i] {
			if a.boot != "" && a.boot == b.boot && slices.ContainsFunc(a.cores, func(c int) bool { return slices.Contains(b.cores, c) }) {
				s.notice(fmt.Sprintf("%s and %s are one machine and share cores (%s and %s): give them different ones with --server-cpus and --load-cpus. Figures of this run are not for quoting.",
					b.name, a.name, host.FormatCPUs(b.cores), host.FormatCPUs(a.cores)))
				s.Run.Quotable = false
			}
		}
	}
}

func (s *Session) allOf(flag, name string, wanted []int, f machine.Facts) ([]int, error) {
	if f.Unpinned != "" {
		s.notice(fmt.Sprintf("On %s nothing can be pinned to cores (%s). Figures of this run are not for quoting.", name, f.Unpinned))
		s.Run.Quotable = false
		return nil, nil
	}
	for _, c := range wanted {
		if !slices.Contains(f.Cores, c) {
			return nil, UsageError{fmt.Errorf("%s: core %d: %s has only %s", flag, c, name, host.FormatCPUs(f.Cores))}
		}
	}
	if len(wanted) > 0 {
		return wanted, nil
	}
	return f.Cores, nil
}

func (s *Session) notice(text string) {
	if !slices.Contains(s.Run.Notices, text) {
		s.Run.Notices = append(s.Run.Notices, text)
	}
}

// describe writes down which machines take part.
func (s *Session) describe() {
	here := host.Environment()
	s.Run.Environment, s.Run.ServerHost, s.Run.ServerAddress = here, "", s.address
	if h := s.servers; h != nil {
		s.Run.Environment, s.Run.ServerHost = h.Facts.Environment, h.Name
		s.Run.Environment.Argv = os.Args
		if len(s.loads) == 0 {
			s.Run.Generators = []record.Generator{{CPUs: s.Run.LoadCPUs, Environment: here}}
		}
	}
	for i, g := range s.loads {
		if i == 0 {
			s.Run.Generators = nil
		}
		s.Run.Generators = append(s.Run.Generators, record.Generator{Host: g.Name, CPUs: g.CPUs, Environment: g.Facts.Environment})
	}
}

// mostLate is the share of a window by which its readings of processor time may be late.
const mostLate = 0.01

// checkDistance notices what the way to the machines makes wrong, and what may run out.
func (s *Session) checkDistance() {
	if !s.Run.Apart() {
		return
	}
	shortest := s.Run.Window
	for i := range s.Run.Experiments {
		shortest = min(shortest, s.Run.Experiments[i].Window)
	}
	if way := s.toServers(); len(s.loads) == 0 && float64(way) > mostLate*float64(shortest) {
		s.notice(fmt.Sprintf("A question to %s takes %v, so the processor time of a window of %v is up to %.0f%% wrong: start the run from a machine that is nearer. Figures of this run are not for quoting.",
			s.Run.ServerHost, way.Round(10*time.Microsecond), shortest, 100*float64(way)/float64(shortest)))
		s.Run.Quotable = false
	}
	closing := slices.ContainsFunc(s.Run.Arms, func(a record.Arm) bool { return a.Close })
	for i := range s.Run.Generators {
		g := &s.Run.Generators[i]
		if reuse := g.Environment.Sysctls["net.ipv4.tcp_tw_reuse"]; closing && reuse != "" && reuse != "1" {
			s.notice(fmt.Sprintf("Arms that close their connections may use up the ports of %s: sysctl -w net.ipv4.tcp_tw_reuse=1 there, as root.", g.Name()))
		}
	}
}

// roundTripWindow is how long one connection asks the null server to know the way there.
const roundTripWindow = 300 * time.Millisecond

// measureRoundTrips measures the way from each generator to the servers.
func (s *Session) measureRoundTrips(ctx context.Context, name string) error {
	s.checkDistance()
	for i := range s.Run.Generators {
		engine := NewEngine(name, "")
		if len(s.loads) > 0 {
			engine = agent.NewEngine(name, s.loads[i:i+1], s.toServers())
		}
		m, err := s.LoadNull(ctx, engine, 1, roundTripWindow)
		if err != nil {
			return err
		}
		g := &s.Run.Generators[i]
		if m.OK == 0 {
			return fmt.Errorf("%s answers over there at %s, and nothing comes of what is sent to it from %s: %s\nhint: is there a firewall, or another address (--server-address)?", "the null server", s.address, g.Name(), m.FirstError)
		}
		h, err := m.Latency.Histogram()
		if err != nil {
			return err
		}
		g.RoundTrip, g.Jitter = h.Quantile(0.5), h.Quantile(0.99)-h.Quantile(0.5)
		s.say("round trip from %s to the null server: %v, and %v more at the p99", g.Name(), g.RoundTrip.Round(time.Microsecond), g.Jitter.Round(time.Microsecond))
	}
	return nil
}
