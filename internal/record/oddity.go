package record

import "time"

// Oddity is something of a window's latencies that misleads whoever reads one percentile.
type Oddity string

// The oddities.
const (
	Starvation Oddity = "starvation"  // few requests take most of the time
	DelayedACK Oddity = "delayed-ack" // many take just as long as TCP's timer
	Unfinished Oddity = "unfinished"  // many had begun before the window
	Stalled    Oddity = "stalled"     // the generator stood still
)

// Explain says what the oddity is, and what follows.
func (o Oddity) Explain() string {
	switch o {
	case Starvation:
		return "the mean is far above the median: a few requests, or connections that starve, take most of the time, and the median does not show them"
	case DelayedACK:
		return "responses pile up at 40 ms, which is TCP's delayed-ACK timer: the server writes head and body apart without TCP_NODELAY"
	case Unfinished:
		return "throughput times mean latency is less than the requests in flight: the slowest requests had begun before the window, which is short against them, and the mean does not hold them"
	case Stalled:
		return "a thread of the generator did not run for a part of the window: it was stopped, or had no core; a closed loop sends nothing in that time, and what the server answered waits to be read"
	}
	return string(o)
}

const (
	// starved is the mean over the median from where on the median misleads. It is
	// 1 for equal latencies, 1.44 for exponential ones, and 2.5 at the p90 of a
	// busy single-server queue; a server that serves some connections and leaves
	// others waiting has 10 and more.
	starved = 4

	// A delayed ACK is sent after 40 ms on Linux, up to two ticks of 4 ms later, and the response after it.
	delayedFrom, delayedTo = 39 * time.Millisecond, 49 * time.Millisecond
	// nearMean is how far the mean may be from a median that most values equal, and
	// nearNext how far two percentiles in a row: those of a smooth tail are farther apart.
	nearMean, nearNext = 0.2, 0.1

	// leastInside is the share of the time in flight that the requests of a window account
	// for, by Little's law. A window that begins in the middle of long requests has less.
	leastInside = 0.8

	// mostStalled is the share of a window for which the generator may have stood still.
	mostStalled = 0.01
)

// Oddities lists what is odd about the latencies, or in an open loop about the
// service times: behind a queue the latencies show only that.
func (m *Measurement) Oddities() []Oddity {
	var odd []Oddity
	if m.Latency.starves() || m.Service.starves() {
		odd = append(odd, Starvation)
	}
	// A closed loop has its latencies in one place too. What tells the timer from
	// it is that the head of the response had come before.
	waited := m.FirstByte != nil && m.Latency.Mean-m.FirstByte.Mean >= delayedFrom/10
	if waited && (m.Latency.plateau() || m.Service.plateau()) {
		odd = append(odd, DelayedACK)
	}
	if m.unfinished() {
		odd = append(odd, Unfinished)
	}
	if float64(m.Stalled) > mostStalled*float64(m.Duration) {
		odd = append(odd, Stalled)
	}
	return odd
}

// unfinished says whether the requests that belong to a window of a closed loop account for
// much less time than requests spent in it.
func (m *Measurement) unfinished() bool {
	if m.Offered > 0 || m.Latency == nil || m.Completed == 0 || m.Errors.Total() > 0 {
		return false
	}
	return float64(m.Completed)*float64(m.Latency.Mean) < leastInside*float64(m.InFlight)
}

// starves says whether the mean is far above the median.
func (d *Distribution) starves() bool {
	return d != nil && d.P50 != nil && d.Count >= minTail && d.Mean > starved**d.P50
}

// plateau says whether many durations are just as long as the timer: two
// percentiles in a row are, and nearly the same, or the median is, and is nearly
// the mean. A single percentile passes through those 40 ms by chance.
func (d *Distribution) plateau() bool {
	if d == nil || d.P50 == nil {
		return false
	}
	delayed := func(p *time.Duration) bool { return p != nil && *p >= delayedFrom && *p <= delayedTo }
	if delayed(d.P50) && (d.Mean-*d.P50).Abs() < time.Duration(nearMean*float64(*d.P50)) {
		return true
	}
	for _, pair := range [][2]*time.Duration{{d.P50, d.P90}, {d.P90, d.P95}, {d.P95, d.P99}, {d.P99, d.P999}} {
		if delayed(pair[0]) && delayed(pair[1]) && (*pair[1]-*pair[0]).Seconds() < nearNext*pair[0].Seconds() {
			return true
		}
	}
	return false
}
