package bench

import (
	"context"
	"time"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/record"
)

// settle waits until a server that nobody asks anything is at rest, and returns
// what it has used by then, and whether it was still at work. Some thousands of
// connections that were closed keep Node.js busy for 150 ms, which would stand in
// the next window as a stall; as many that were opened are taken up one at a time
// between the requests, so that the last of them would wait as long as the window
// lasts.
func settle(ctx context.Context, server Server) (usage record.Usage, restless bool) {
	usage, err := server.Usage()
	for began := time.Now(); err == nil && time.Since(began) < method.restMost; {
		from, before := time.Now(), usage.CPU
		select {
		case <-ctx.Done():
			return usage, false
		case <-time.After(method.restSlice):
		}
		if usage, err = server.Usage(); err != nil {
			break
		}
		if used := usage.CPU.Sub(before).Total(); float64(used) <= method.restShare*float64(time.Since(from)) {
			return usage, false
		}
	}
	return usage, err == nil // without a meter nothing is known
}

// beginning is what is read when a window begins, to be compared with its end.
type beginning struct {
	at       time.Time
	server   record.Usage
	restless bool // it was still at work
	self     record.CPU
	noise    host.Noise
	other    *beside  // nil: nothing is asked beside
	middle   *reading // of the window
}

// begin takes the readings once the server has taken up its connections, and
// begins what is asked beside the window.
func (r *trialRun) begin(ctx context.Context, beside string, window time.Duration) (begin beginning) {
	begin.server, begin.restless = settle(ctx, r.server)
	if beside != "" {
		begin.other = startBeside(ctx, r.server.URLs(beside)[0], r.server.Status(beside))
	}
	begin.noise, begin.self, begin.at = r.noise(), host.SelfCPU(), time.Now().UTC()
	begin.middle = readAfter(r.server, window/2)
	return begin
}
