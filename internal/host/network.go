package host

// Network is one reading of the counters of this network namespace that tell
// of connections which were refused, lost or repeated. They are those of all
// its processes, the generator's and the servers' among them: take a reading
// before and after a window and Sub them.
type Network struct {
	// ListenOverflows are connections that a server's full accept queue
	// turned away, ListenDrops those and all others that a listener dropped,
	// RequestQueueDrops those that found the queue of half-open ones full.
	ListenOverflows   uint64 `json:"listen_overflows"`
	ListenDrops       uint64 `json:"listen_drops"`
	RequestQueueDrops uint64 `json:"request_queue_drops"`
	// Timeouts are retransmission timers that ran out, Retransmits the
	// segments sent again, SYNRetransmits those of them that opened a
	// connection: one of these costs a client a second or more.
	Timeouts       uint64 `json:"timeouts"`
	Retransmits    uint64 `json:"retransmits"`
	SYNRetransmits uint64 `json:"syn_retransmits"`
	// Resets are established connections that were reset, ResetsSent the
	// segments with RST sent, FailedAttempts connections that were never
	// established.
	Resets         uint64 `json:"resets"`
	ResetsSent     uint64 `json:"resets_sent"`
	FailedAttempts uint64 `json:"failed_attempts"`
	// TimeWait are the sockets in TIME_WAIT, Sockets the TCP sockets in use,
	// EphemeralPorts the ports that a client may be given. These three are
	// levels, no counters.
	TimeWait       uint64 `json:"time_wait"`
	Sockets        uint64 `json:"sockets"`
	EphemeralPorts uint64 `json:"ephemeral_ports"`
	// Missing names what this kernel does not tell and is zero for that
	// reason, by the kernel's names.
	Missing []string `json:"missing,omitempty"`
}

// Sub is what happened since an earlier reading; levels stay those of the
// later one. Nothing in it is negative.
func (n Network) Sub(before Network) Network {
	return Network{
		ListenOverflows:   since(n.ListenOverflows, before.ListenOverflows),
		ListenDrops:       since(n.ListenDrops, before.ListenDrops),
		RequestQueueDrops: since(n.RequestQueueDrops, before.RequestQueueDrops),
		Timeouts:          since(n.Timeouts, before.Timeouts),
		Retransmits:       since(n.Retransmits, before.Retransmits),
		SYNRetransmits:    since(n.SYNRetransmits, before.SYNRetransmits),
		Resets:            since(n.Resets, before.Resets),
		ResetsSent:        since(n.ResetsSent, before.ResetsSent),
		FailedAttempts:    since(n.FailedAttempts, before.FailedAttempts),
		TimeWait:          n.TimeWait, Sockets: n.Sockets, EphemeralPorts: n.EphemeralPorts,
		Missing: union(n.Missing, before.Missing),
	}
}
