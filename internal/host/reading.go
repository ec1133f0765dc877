package host

import "github.com/hellobench/hellobench/internal/record"

// Reading is what cores did, and how much of it was hellobench's own work. Take one
// before and one after what is measured.
type Reading struct {
	Noise    Noise      `json:"noise"`
	Self     record.CPU `json:"self"`     // of this process
	Children record.CPU `json:"children"` // of those that it started and that have ended
	Servers  bool       `json:"-"`        // the servers run on these cores
}

// Read reads what these cores did.
func Read(cores []int) (Reading, error) {
	n, err := ReadNoise(cores)
	return Reading{Noise: n, Self: SelfCPU(), Children: ChildrenCPU()}, err
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
