package bench

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// A gate checks one window. It returns a text with the figure and the
// threshold if the window fails, else "".
type gate struct {
	name  string
	check func(w *record.Window, run *record.Run) string
}

var windowGates = []gate{
	{record.GateGeneratorCPU, func(w *record.Window, run *record.Run) string {
		cores := run.GeneratorCores()
		share := w.Load.CPU.Total().Seconds() / (w.Load.Duration.Seconds() * float64(cores))
		if share < method.maxGeneratorCPU {
			return ""
		}
		return fmt.Sprintf("the generator used %.0f%% of its cores (limit %.0f%%)", 100*share, 100*method.maxGeneratorCPU)
	}},
	{record.GateCeiling, func(w *record.Window, run *record.Run) string {
		x, ceiling := w.Load.Throughput(), run.Engine.CeilingAt(w.Level)
		if ceiling == 0 || x*method.minHeadRoom <= ceiling {
			return ""
		}
		return fmt.Sprintf("%.0f req/s is more than half of the generator's ceiling of %.0f req/s", x, ceiling)
	}},
	{record.GateConnections, func(w *record.Window, _ *record.Run) string {
		if w.Load.Established == 0 || w.Load.Established >= w.Level.Connections {
			return ""
		}
		return fmt.Sprintf("%d of %d connections were established", w.Load.Established, w.Level.Connections)
	}},
	{record.GateIdleConnections, func(w *record.Window, _ *record.Run) string {
		if float64(w.Held) >= method.minHeld*float64(w.Level.Idle) {
			return ""
		}
		return fmt.Sprintf("%d of %d idle connections were open at the end (limit %.0f%%)", w.Held, w.Level.Idle, 100*method.minHeld)
	}},
	{record.GateErrors, func(w *record.Window, _ *record.Run) string {
		switch {
		case w.Load.Requests == 0 && w.Load.InFlight == 0 && w.Load.Offered == 0: // an open loop may have had nothing to send
			return "no request was sent"
		case w.Load.Offered == 0 && 2*w.Load.Errors.Timeout > uint64(w.Level.Connections):
			// A server that hangs leaves each connection one request, which is few of all.
		case w.Load.ErrorRate() <= method.maxErrorRate:
			return ""
		}
		return fmt.Sprintf("%d of %d requests failed (%v; first: %s)", w.Load.Errors.Total(), w.Load.Due(), w.Load.Errors, w.Load.FirstError)
	}},
	{record.GateWindow, func(w *record.Window, _ *record.Run) string {
		if w.Load.Completed > 0 || w.Load.InFlight == 0 || w.Load.Offered > 0 || w.Load.Errors.Total() > 0 {
			return ""
		}
		return fmt.Sprintf("no response came within the window of %v", w.Load.Duration)
	}},
	{record.GateLittlesLaw, func(w *record.Window, _ *record.Run) string {
		ratio := w.Load.LittlesLaw()
		if w.Level.Open() || math.Abs(ratio-1) <= method.maxLittleError {
			return ""
		}
		return fmt.Sprintf("requests in flight were %.3f of the connections (N = X R within %.0f%%)", ratio, 100*method.maxLittleError)
	}},
	{record.GateHostNoise, hostNoise},
	{record.GateNetwork, networkLoss},
	{record.GateOfferedRate, offeredRate},
}

// offeredRate checks an open loop: all that was scheduled has to be sent, and
// in time.
func offeredRate(w *record.Window, _ *record.Run) string {
	m := &w.Load
	if m.Offered == 0 {
		return ""
	}
	if m.Delivered() < method.minDelivered {
		return fmt.Sprintf("%.1f%% of the scheduled requests were sent in the window (limit %.0f%%)", 100*m.Delivered(), 100*method.minDelivered)
	}
	if m.Slip == nil || m.Latency == nil || m.Latency.P50 == nil {
		return ""
	}
	// With few samples the highest percentile that is known stands in for p99.
	late := cmp.Or(m.Slip.P99, m.Slip.P90, m.Slip.P50)
	if limit := max(method.maxSlip, *m.Latency.P50/10); late != nil && *late >= limit {
		return fmt.Sprintf("requests were sent %v late (limit %v)", *late, limit)
	}
	return ""
}

// residents checks that the servers which got no load left the cores to the one that did.
func residents(w *record.Window, cores int) (failed []record.Gate) {
	used := w.Others.Seconds() / max(w.Load.Duration.Seconds()*float64(cores), 1e-9)
	if used > method.maxResidents {
		failed = append(failed, record.Gate{Name: record.GateResident, Detail: fmt.Sprintf("the idle servers used %.1f%% of the server's cores (limit %.0f%%)", 100*used, 100*method.maxResidents)})
	}
	return failed
}

// sharedCores checks a server that may use every core: nearly all of them have to be
// its own, and where it has several processes, it has to keep them busy.
func sharedCores(w *record.Window, arm record.Arm, cores int) (failed []record.Gate) {
	taken := w.Taken(cores)
	if taken > method.maxTaken {
		failed = append(failed, record.Gate{Name: record.GateShared, Detail: fmt.Sprintf("the generator and others took %.1f%% of the cores that the server shares with them (limit %.0f%%)", 100*taken, 100*method.maxTaken)})
	}
	idle := w.IdleOf(cores)
	if parallel := max(arm.Workers, arm.Instances); parallel >= cores && idle > method.maxIdle {
		failed = append(failed, record.Gate{Name: record.GateShared, Detail: fmt.Sprintf("the cores were idle for %.1f%% of the window (limit %.0f%%)", 100*idle, 100*method.maxIdle)})
	}
	return failed
}

func hostNoise(w *record.Window, _ *record.Run) string {
	d := &w.Host
	if stood := w.Load.Stalled; stood > time.Duration(method.maxHostNoise*float64(w.Load.Duration)) {
		return fmt.Sprintf("the generator did not run for %v of the window of %v: it was stopped, or had no core", stood.Round(time.Millisecond), w.Load.Duration)
	}
	if !Noisy(*d) {
		return ""
	}
	return fmt.Sprintf("%.0f%% of the cores' time went elsewhere (limit %.0f%%): other processes %v, hypervisor %v, throttled %v",
		100*float64(lost(*d))/float64(max(d.Elapsed, 1)), 100*method.maxHostNoise, d.Others.Round(time.Millisecond), d.Steal.Round(time.Millisecond), d.Throttled.Round(time.Millisecond))
}

// Noisy says whether so much of the cores' time went elsewhere that no figure
// of that time can be used.
func Noisy(d record.Disturbance) bool {
	return float64(lost(d)) > method.maxHostNoise*float64(d.Elapsed)
}

func lost(d record.Disturbance) time.Duration { return d.Others + d.Steal + d.Throttled }

func gates(w *record.Window, arm record.Arm, run *record.Run) []record.Gate {
	var failed []record.Gate
	for _, g := range windowGates {
		if detail := g.check(w, run); detail != "" {
			failed = append(failed, record.Gate{Name: g.name, Detail: detail})
		}
	}
	if !arm.Shared || run.Apart() {
		return append(failed, residents(w, max(len(run.ServerCPUs), 1))...)
	}
	cores := len(run.ServerCPUs) + len(run.LoadCPUs)
	return append(append(failed, residents(w, max(cores, 1))...), sharedCores(w, arm, cores)...)
}
