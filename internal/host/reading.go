package host

import (
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// Reading is what cores did, and how much of it was hellobench's own work. Take one
// before and one after what is measured.
type Reading struct {
	Noise    Noise      `json:"noise"`
	Self     record.CPU `json:"self"`     // of this process
	Children record.CPU `json:"children"` // of those that it started and that have ended
}

// Read reads what these cores did.
func Read(cores []int) (Reading, error) {
	n, err := ReadNoise(cores)
	return Reading{Noise: n, Self: SelfCPU(), Children: ChildrenCPU()}, err
}

// Add counts what other cores did, too. PressureAvg10 is that of the busier machine.
func (r Reading) Add(o Reading) Reading {
	a, b := r.Noise, o.Noise
	return Reading{
		Noise: Noise{
			User: a.User + b.User, System: a.System + b.System, IRQ: a.IRQ + b.IRQ, Idle: a.Idle + b.Idle, Steal: a.Steal + b.Steal,
			Pressure: a.Pressure + b.Pressure, PressureAvg10: max(a.PressureAvg10, b.PressureAvg10),
			ThrottledPeriods: a.ThrottledPeriods + b.ThrottledPeriods, Throttled: a.Throttled + b.Throttled,
			Missing: union(slices.Clone(a.Missing), b.Missing),
		},
		Self: r.Self.Add(o.Self), Children: r.Children.Add(o.Children),
	}
}

// Add counts what the network of another machine did, too.
func (n Network) Add(o Network) Network {
	return Network{
		ListenOverflows: n.ListenOverflows + o.ListenOverflows, ListenDrops: n.ListenDrops + o.ListenDrops,
		RequestQueueDrops: n.RequestQueueDrops + o.RequestQueueDrops, Timeouts: n.Timeouts + o.Timeouts,
		Retransmits: n.Retransmits + o.Retransmits, SYNRetransmits: n.SYNRetransmits + o.SYNRetransmits,
		Resets: n.Resets + o.Resets, ResetsSent: n.ResetsSent + o.ResetsSent, FailedAttempts: n.FailedAttempts + o.FailedAttempts,
		TimeWait: n.TimeWait + o.TimeWait, Sockets: n.Sockets + o.Sockets, EphemeralPorts: n.EphemeralPorts + o.EphemeralPorts,
		Missing: union(n.Missing, o.Missing),
	}
}
