//go:build !linux

package null

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// serve answers with net/http; cores cannot be chosen here.
func (s *Server) serve(ln *net.TCPListener, _ []int) error {
	var count atomic.Uint64
	srv := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := route(r.RequestURI)
			w.Header().Set("Content-Type", a.kind)
			w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
			status, _ := strconv.Atoi(a.status[:3])
			w.WriteHeader(status)
			_, _ = io.WriteString(w, a.body) // the client is gone: its own business
			count.Add(1)
		}),
	}
	s.requests = count.Load
	s.stop = func() { _ = srv.Close() }
	go func() {
		defer close(s.done)
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.err = err
		}
	}()
	return nil
}
