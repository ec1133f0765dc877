package bench

import (
	"time"

	"github.com/hellobench/hellobench/internal/record"
)

// reading is the server's memory and threads in the middle of a window. After it
// they say nothing of the level: a server with a thread a connection has one
// thread again once the connections are closed.
type reading struct {
	timer *time.Timer
	usage record.Usage
	err   error
	done  chan struct{}
}

// readAfter reads the meter once d has passed.
func readAfter(server Server, d time.Duration) *reading {
	r := &reading{done: make(chan struct{})}
	r.timer = time.AfterFunc(d, func() {
		defer close(r.done)
		r.usage, r.err = server.Usage(true)
	})
	return r
}

// take returns what was read, and false where the window ended before that or
// the system does not tell. Of no reading it takes nothing.
func (r *reading) take() (record.Usage, bool) {
	if r == nil || r.timer.Stop() {
		return record.Usage{}, false
	}
	<-r.done
	return r.usage, r.err == nil
}
