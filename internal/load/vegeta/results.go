package vegeta

import (
	"fmt"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// backlog is how many results may wait for a slow writer. Beyond it the
// workers wait as well; a sent request's latency is not touched by that.
const backlog = 1 << 14

// results writes the results of one window in a goroutine of its own.
type results struct {
	name  string
	queue chan *vegeta.Result // nil: nothing is written
	err   chan error
}

func (e *Engine) newResults() *results {
	if e.encode == nil {
		return &results{}
	}
	out := &results{
		name:  fmt.Sprintf("window %d", e.windows),
		queue: make(chan *vegeta.Result, backlog),
		err:   make(chan error, 1),
	}
	go func() {
		var err error
		for r := range out.queue {
			if err == nil {
				err = e.encode(r)
			}
		}
		if err == nil {
			err = e.buf.Flush()
		}
		out.err <- err
	}()
	return out
}

// write passes a result on, corrected to what this engine believes of it.
func (out *results) write(r *vegeta.Result, c *call, v verdict) {
	if out.queue == nil || v.class >= neverSent { // not sent, or not in the window
		return
	}
	r.Attack, r.Method, r.URL = out.name, c.request.Method(), c.request.URL()
	r.Timestamp, r.Latency = v.due, v.answer
	r.Code, r.Error = uint16(c.status), v.why
	if !c.whole {
		r.Code = 0 // as the library has it where there is no response
	}
	r.BytesIn, r.BytesOut = uint64(c.got.Size), uint64(c.request.Size())
	r.Body, r.Headers = nil, nil
	out.queue <- r
}

// close waits until everything is written and returns the first error.
func (out *results) close() error {
	if out.queue == nil {
		return nil
	}
	close(out.queue)
	return <-out.err
}
