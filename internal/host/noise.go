package host

import "time"

// Noise is one reading of what this machine did besides, or instead of, the
// work that is measured. Every duration and count has grown since the machine
// or its control group was started: take a reading before and after a window
// and Sub them. The kernel counts processor time in ticks of 10 ms, so a
// window much shorter than a second says little.
type Noise struct {
	// User, System and IRQ are what the cores did, for whomever: nice time is
	// part of User, interrupts and soft interrupts are IRQ.
	User   time.Duration `json:"user_ns"`
	System time.Duration `json:"system_ns"`
	IRQ    time.Duration `json:"irq_ns"`
	// Idle holds the wait for disks too.
	Idle time.Duration `json:"idle_ns"`
	// Steal is what the hypervisor gave to other machines while these cores
	// had work to do.
	Steal time.Duration `json:"steal_ns"`
	// Throttled is how long this process's control groups, its own and those
	// above it, stood still because their quota was used up. Cores that stand
	// still together count each, so it can exceed the wall time.
	Throttled time.Duration `json:"throttled_ns"`
}

// MaxNoise is the share of the cores' time from where on what goes elsewhere spoils a
// measurement: of a window's gate, and of the checks.
const MaxNoise = 0.10

// Busy is the time that the cores worked for anybody on this machine. Less
// what the servers and the generator are known to have used, it is the work
// of others.
func (n Noise) Busy() time.Duration { return n.User + n.System + n.IRQ }

// Total is the time of all cores together, idle and stolen time included:
// about the wall time times the number of cores.
func (n Noise) Total() time.Duration { return n.Busy() + n.Idle + n.Steal }

// Sub is what happened since an earlier reading of the same cores. Nothing in
// it is negative: some kernels let single counters go back, and a core that
// was away begins anew.
func (n Noise) Sub(before Noise) Noise {
	return Noise{
		User: since(n.User, before.User), System: since(n.System, before.System), IRQ: since(n.IRQ, before.IRQ),
		Idle: since(n.Idle, before.Idle), Steal: since(n.Steal, before.Steal), Throttled: since(n.Throttled, before.Throttled),
	}
}

func since[T time.Duration | uint64](now, before T) T {
	if now < before {
		return 0
	}
	return now - before
}
