package runners

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A server's log keeps its first and its last logPart bytes: a server that
// prints a line for every request would fill the disk otherwise.
const (
	logPart   = 256 << 10
	logPeriod = 250 * time.Millisecond // how often its size is looked at
)

// boundLog keeps a log within its bounds while a server writes to it. It is cut
// in place, for the server holds it open: what is written between the reading of
// the tail and the cut is lost. The result stops it.
func boundLog(log *os.File) (stop func()) {
	if st, err := log.Stat(); err != nil || !st.Mode().IsRegular() {
		return func() {}
	}
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				cutLog(log)
				return
			case <-time.After(logPeriod):
				cutLog(log)
			}
		}
	}()
	return func() { close(done); <-stopped }
}

// cutLog leaves out the middle of a log that has grown to more than twice what is kept of it.
func cutLog(log *os.File) {
	st, err := log.Stat()
	if err != nil || st.Size() <= 4*logPart {
		return
	}
	tail := make([]byte, logPart)
	n, err := log.ReadAt(tail, st.Size()-logPart)
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	if log.Truncate(logPart) != nil {
		return
	}
	_, _ = fmt.Fprintf(log, "\n... the middle of this log was left out ...\n%s", tail[:n])
}

// openLog opens a log to be appended to, or one without a name that ends with
// the last process that has it open.
func openLog(file string) (*os.File, error) {
	if file != "" {
		return os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	}
	f, err := os.CreateTemp("", "hellobench-*.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }()
	return os.OpenFile(f.Name(), os.O_APPEND|os.O_RDWR, 0)
}
