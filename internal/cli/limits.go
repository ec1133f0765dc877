package cli

import (
	"cmp"
	"fmt"
	"net"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/profile"
	"github.com/hellobench/hellobench/internal/record"
)

const (
	// spareFiles are the open files of this program that are no connections.
	spareFiles = 64
	// What the numbers of the command line may be at most, and a rate at least:
	// what is beyond is a slip of the keyboard.
	mostConnections = 10_000_000
	mostDuration    = 24 * time.Hour
	leastDuration   = time.Millisecond
	leastRate       = 0.001
	mostMargin      = 10
)

// within checks the number of a flag; NaN is within nothing.
func within[T cmp.Ordered](flag string, value, least, most T) error {
	if value >= least && value <= most {
		return nil
	}
	return usageError{fmt.Errorf("--%s %v: want a value from %v to %v", flag, value, least, most)}
}

// oneAddress is how many connections an engine opens from one local address to
// one of a server. Wire takes another local address for each few thousand
// connections to 127.0.0.0/8.
func oneAddress(engine, target string, connections int) uint64 {
	if engine == "wire" {
		if r, err := http1.NewRequest(target, false); err == nil {
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

// refuse is an error where this machine does not allow what a command needs. It
// raises the limit of open files.
func refuse(what string, n host.Need) error {
	limits, err := host.ReadLimits()
	if err != nil {
		return err
	}
	if reason, hint := limits.Refuse(n); reason != "" {
		return exitError{exitUsage, fmt.Sprintf("%s %s\nhint: %s", what, reason, hint)}
	}
	return nil
}

// needOf is what the window of one URL takes.
func needOf(spec *load.Spec, engine string) host.Need {
	n := max(spec.Connections, spec.Preopened())
	return host.Need{OpenFiles: uint64(n) + spareFiles, Ports: oneAddress(engine, spec.URLs[0], n), Connections: uint64(n)}
}

// needOfLevel is what a level of a run takes. Memory is left out: what is
// available changes, and shards must leave out the same levels.
func needOfLevel(l record.Level, engine string) host.Need {
	return host.Need{OpenFiles: l.OpenFiles(), Ports: oneAddress(engine, localTarget, l.Connections)}
}

// dropLevels leaves out the levels with more connections than the machine allows:
// they would fail for a reason that has nothing to do with the servers.
func (s *session) dropLevels(p *profile.Profile, engine string) error {
	limits, err := host.ReadLimits()
	if err != nil {
		return err
	}
	for _, l := range p.Levels {
		reason, hint := limits.Refuse(needOfLevel(l, engine))
		if reason == "" {
			continue
		}
		u := record.Unreachable{Level: l, Reason: fmt.Sprintf("not testable here: %v %s", l, reason), Hint: hint}
		p.Drop(l)
		s.run.Unreachable = append(s.run.Unreachable, u)
		s.say("partial run, without %v: %s\nhint: %s", l, u.Reason, u.Hint)
	}
	if u := s.run.Unreachable; len(u) > 0 && len(u) == len(p.Levels) {
		return exitError{exitUsage, fmt.Sprintf("profile %s: this machine allows none of its levels\nhint: %s", p.Name, u[0].Hint)}
	}
	return nil
}

// checkResumable refuses to go on with levels that the machine allowed when
// the run began, and does not any more.
func (s *session) checkResumable(dir string) error {
	for _, l := range s.run.Levels {
		if s.unreachable(l) {
			continue
		}
		if err := refuse(fmt.Sprintf("resume %s: %v", dir, l), needOfLevel(l, s.run.Engine.Name)); err != nil {
			return err
		}
	}
	return nil
}
