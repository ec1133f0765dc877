package session

import (
	"cmp"
	"fmt"
	"net"
	"slices"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/profile"
	"github.com/hellobench/hellobench/internal/record"
)

// spareFiles are the open files of this program that are no connections.
const spareFiles = 64

// oneAddress is how many connections an engine opens from one local address to
// one of a server. Wire takes another local address for each few thousand
// connections to 127.0.0.0/8.
func oneAddress(engine, target string, connections int) uint64 {
	if engine == "wire" {
		if r, err := http1.NewRequest(&http1.Exchange{URL: target}, false); err == nil {
			name, _ := r.Address()
			if ip := net.ParseIP(name); name == "localhost" || ip.To4() != nil && ip.IsLoopback() {
				return 0
			}
		}
	}
	return uint64(connections)
}

// Refuse is an error where this machine does not allow what a command needs. It
// raises the limit of open files.
func Refuse(what string, n host.Need) error {
	limits, err := host.ReadLimits()
	if err != nil {
		return err
	}
	if reason, hint := limits.Refuse(n); reason != "" {
		return LimitError{fmt.Sprintf("%s %s\nhint: %s", what, reason, hint)}
	}
	return nil
}

// NeedOf is what the window of one server takes.
func NeedOf(spec *load.Spec, engine string) host.Need {
	n := max(spec.Connections, spec.Preopened())
	need := host.Need{OpenFiles: uint64(n) + spareFiles, Connections: uint64(n)}
	if spec.Socket == "" {
		need.Ports = oneAddress(engine, spec.Exchanges[0].URL, n)
	}
	return need
}

// needOfLevel is what a level of a run takes. Memory is left out: what is
// available changes, and shards must leave out the same levels.
func (s *Session) needOfLevel(l record.Level, engine string) host.Need {
	return host.Need{OpenFiles: l.OpenFiles(), Ports: oneAddress(engine, "http://"+cmp.Or(s.address, "127.0.0.1")+"/", l.Connections)}
}

// dropLevels leaves out the levels with more connections than the machine allows:
// they would fail for a reason that has nothing to do with the servers.
func (s *Session) dropLevels(p *profile.Profile, engine string) error {
	for _, l := range p.Levels {
		reason, hint, err := s.Refuses(l, engine)
		if err != nil {
			return err
		}
		if reason == "" {
			continue
		}
		u := record.Unreachable{Level: l, Reason: fmt.Sprintf("not testable here: %v %s", l, reason), Hint: hint}
		p.Drop(l)
		s.Run.Unreachable = append(s.Run.Unreachable, u)
		s.say("partial run, without %v: %s\nhint: %s", l, u.Reason, u.Hint)
	}
	if u := s.Run.Unreachable; len(u) > 0 && len(u) == len(p.Levels) {
		return LimitError{fmt.Sprintf("profile %s: this machine allows none of its levels\nhint: %s", p.Name, u[0].Hint)}
	}
	return nil
}

// checkResumable refuses to go on with levels that the machine allowed when
// the run began, and does not any more.
func (s *Session) checkResumable(dir string) error {
	for _, l := range s.Run.Levels {
		if s.unreachable(l) {
			continue
		}
		reason, hint, err := s.Refuses(l, s.Run.Engine.Name)
		if err != nil {
			return err
		}
		if reason != "" {
			return LimitError{fmt.Sprintf("resume %s: %v %s\nhint: %s", dir, l, reason, hint)}
		}
	}
	return nil
}

// Refuses says why one of the run's machines does not allow a level, and what to do; "" if
// all do. Those that generate load share the connections.
func (s *Session) Refuses(l record.Level, engine string) (reason, hint string, err error) {
	need := s.needOfLevel(l, engine)
	idle := host.Need{OpenFiles: uint64(l.Idle), Ports: uint64(l.Idle)} // one machine opens them
	if s.address == "" {
		idle.Ports = 0 // loopback has more addresses
	}
	if s.servers == nil || len(s.loads) == 0 {
		limits, err := host.ReadLimits()
		if err != nil {
			return "", "", err
		}
		if len(s.loads) == 0 {
			need.Ports += idle.Ports
		}
		if reason, hint = limits.Refuse(need); reason != "" {
			return reason, hint, nil
		}
	}
	if h := s.servers; h != nil {
		if reason, hint = h.Facts.Limits.Refuse(host.Need{OpenFiles: need.OpenFiles}); reason != "" {
			return reason, "on " + h.Name + ": " + hint, nil
		}
	}
	for i, g := range s.loads {
		n := uint64(len(s.loads))
		part := host.Need{OpenFiles: need.OpenFiles/n + spareFiles, Ports: need.Ports / n}
		if i == 0 {
			part.OpenFiles, part.Ports = part.OpenFiles+idle.OpenFiles, part.Ports+idle.Ports
		}
		if reason, hint = g.Facts.Limits.Refuse(part); reason != "" {
			return reason, "on " + g.Name + ": " + hint, nil
		}
	}
	return "", "", nil
}

// noticeTooFewCores names the experiments that need more cores than the servers have.
func (s *Session) noticeTooFewCores() error {
	for _, e := range s.Run.Experiments {
		cores := len(s.Run.ServerCPUs)
		if cores == 0 || e.Cores <= cores {
			continue
		}
		what := fmt.Sprintf("the experiment %q needs %d server cores, and the servers have %d", e.Name, e.Cores, cores)
		if len(s.Run.Plan) == 0 {
			return LimitError{what + "\nhint: give them more with --server-cpus, where the machine has them"}
		}
		s.notice("Not measured: " + what + ".")
	}
	return nil
}

// tooFewCores refuses an arm that asks for more instances, or workers, than the
// servers have cores: they would take turns, and the figure would be of nothing.
// An arm that does not ask has as many workers as the manifest says and the
// cores allow, of which an instance has one.
func (s *Session) tooFewCores(arm *record.Arm) *record.Missing {
	cores := len(s.cpusOf(*arm))
	if cores == 0 {
		return nil
	}
	asked, what, each := arm.Instances, "instances", 1
	if asked == 0 {
		what, each = "workers", cores
	}
	if p := s.manifests[arm.Server].Workers; p != nil {
		if arm.Workers == 0 {
			arm.Workers = min(p.Default, each)
		}
		asked = max(asked, arm.Workers) // one where there are instances
	}
	if asked <= cores {
		return nil
	}
	return &record.Missing{
		Arm: arm.Name, Reason: fmt.Sprintf("not testable here: %d %s on %d core(s)", asked, what, cores),
		Hint: fmt.Sprintf("give the servers %d cores with --server-cpus, where the machine has them", asked),
	}
}

// unreachable says whether a level was left out.
func (s *Session) unreachable(l record.Level) bool {
	return slices.ContainsFunc(s.Run.Unreachable, func(u record.Unreachable) bool { return u.Level == l })
}
