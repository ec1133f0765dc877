package bench

import (
	"fmt"

	"github.com/hellobench/hellobench/internal/record"
)

// network reads the counters of the network; what it returns reads them again
// and says by how much they grew. That is nil where the system does not tell.
func (b *Bench) network() func() *record.Network {
	if b.Network == nil {
		return func() *record.Network { return nil }
	}
	before, err := b.Network()
	return func() *record.Network {
		after, again := b.Network()
		if err != nil || again != nil {
			return nil
		}
		d := after.Sub(before)
		return &d
	}
}

// networkLoss checks that connections were not lost on their way: each one
// that is costs its client a second or more, by the kernel's timer and not by
// the server's speed.
//
// The counters begin before the window, when its connections are opened all
// at once, and a burst that overflows a server's queue then is over when the
// window begins: one loss for each connection is that burst and none of the
// window's. The kernel counts a drop at each try of one connection: at its
// SYN, its ACK, and its first data, which is sent again after 0.2 and 0.4 s.
// Resets that the generator saw are errors, of which each end
// counts one; a connection that is closed with a response on its way, at the
// end, may count two as well. What is left are connections that died unseen,
// such as those on which a library silently repeats its request.
func networkLoss(w *record.Window, _ *record.Run) string {
	n := w.Network
	if n == nil {
		return ""
	}
	opened := uint64(w.Level.Connections + w.Level.Idle)
	limit := method.strayLosses + uint64(method.maxLost*float64(w.Load.Requests))
	if n.SYNRetransmits > opened+limit || n.ListenDrops > method.dropsPerLoss*opened+limit {
		return fmt.Sprintf("%d connections were dropped by a full queue and %d attempts repeated (limit %d, and one for each connection that is opened)",
			n.ListenDrops, n.SYNRetransmits, limit)
	}
	seen := w.Load.Errors.Reset + w.Load.Errors.Timeout + opened
	if n.Resets > 2*seen+limit {
		return fmt.Sprintf("%d ends of connections were reset, and %d resets are accounted for (limit %d more; the counter is the whole machine's)", n.Resets, 2*seen, limit)
	}
	return ""
}
