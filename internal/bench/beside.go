package bench

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/hellobench/hellobench/internal/http1"
)

// beside asks one route over and over on one connection while something else
// is measured: what a calculation does to the answers beside it. It is so
// little traffic that it needs no engine.
type beside struct {
	answers atomic.Int64
	stop    context.CancelFunc
	done    sync.WaitGroup
}

func startBeside(ctx context.Context, x *http1.Exchange) *beside {
	ctx, cancel := context.WithCancel(ctx)
	b := &beside{stop: cancel}
	request, err := http1.NewRequest(x, false)
	if err != nil {
		return b // the URL is the launcher's, and the server was verified at it
	}
	transport := &http.Transport{DisableCompression: true}
	b.done.Add(1)
	go func() {
		defer b.done.Done()
		defer transport.CloseIdleConnections()
		for ctx.Err() == nil && ask(transport, request.HTTP(ctx), request.Want.Status) {
			b.answers.Add(1)
		}
	}()
	return b
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

// end stops asking and returns how many answers there were; of nothing, none.
func (b *beside) end() int {
	if b == nil {
		return 0
	}
	b.stop()
	b.done.Wait()
	return int(b.answers.Load())
}
