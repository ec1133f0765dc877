package session

import (
	"fmt"
	"net"

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

// localTarget is where a run's servers listen.
const localTarget = "http://127.0.0.1/"

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
	return host.Need{OpenFiles: uint64(n) + spareFiles, Ports: oneAddress(engine, spec.Exchanges[0].URL, n), Connections: uint64(n)}
}

// needOfLevel is what a level of a run takes. Memory is left out: what is
// available changes, and shards must leave out the same levels.
func needOfLevel(l record.Level, engine string) host.Need {
	return host.Need{OpenFiles: l.OpenFiles(), Ports: oneAddress(engine, localTarget, l.Connections)}
}

// dropLevels leaves out the levels with more connections than the machine allows:
// they would fail for a reason that has nothing to do with the servers.
func (s *Session) dropLevels(p *profile.Profile, engine string) error {
	var err error
	if s.limits, err = host.ReadLimits(); err != nil {
		return err
	}
	for _, l := range p.Levels {
		reason, hint := s.Refuses(l, engine)
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
		if err := Refuse(fmt.Sprintf("resume %s: %v", dir, l), needOfLevel(l, s.Run.Engine.Name)); err != nil {
			return err
		}
	}
	return nil
}

// Refuses says why this machine does not allow a level, and what to do; "" if it does.
func (s *Session) Refuses(l record.Level, engine string) (reason, hint string) {
	return s.limits.Refuse(needOfLevel(l, engine))
}
