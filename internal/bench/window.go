package bench

import (
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// windowAt is the length of an arm's windows at a level; rate is that of an open
// loop, in requests a second. An answer beside a calculation is as late as that
// is long, so it takes as long a window, too. An open loop lasts until its p99
// is known, where that is within TailWindow, and as long as the long ones: of a
// short window one pause of some milliseconds is a hundredth, and would be its
// p99. Each of the many windows of a search is short.
func windowAt(r *record.Run, a record.Arm, l record.Level, rate float64) time.Duration {
	window := r.Window
	if r.LongWindow > 0 && (l.Connections >= method.manyConnections || l.Kind == record.Idle || a.Beside != "") {
		window = r.LongWindow
	}
	if rate <= 0 || l.Kind == record.SLO {
		return window
	}
	if tail := time.Duration(method.tailRequests / rate * float64(time.Second)); tail <= r.TailWindow {
		window = max(window, tail, r.LongWindow)
	}
	return window
}
