package hold

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/hellobench/hellobench/internal/http1"
)

// Beside asks one thing over and over on one connection while something else is
// measured, until end, which says how often it was answered: what a calculation does to
// the answers beside it. It is so little traffic that it needs no engine.
func Beside(ctx context.Context, x *http1.Exchange) (end func() int) {
	request, err := http1.NewRequest(x, false)
	if err != nil {
		return func() int { return 0 } // the URL is the launcher's, and the server was verified at it
	}
	ctx, stop := context.WithCancel(ctx)
	var answers atomic.Int64
	var done sync.WaitGroup
	transport := &http.Transport{DisableCompression: true}
	done.Go(func() {
		defer transport.CloseIdleConnections()
		for ctx.Err() == nil && ask(transport, request.HTTP(ctx), request.Want.Status) {
			answers.Add(1)
		}
	})
	return func() int {
		stop()
		done.Wait()
		return int(answers.Load())
	}
}

// ask is false if there was no answer, so that a server which refuses is not
// asked without end.
func ask(transport *http.Transport, req *http.Request, status int) bool {
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != status {
		return false // and not read: what follows a 101 has no end
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil
}
