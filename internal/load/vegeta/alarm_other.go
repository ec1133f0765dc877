//go:build !linux

package vegeta

import (
	"runtime"
	"sync"
	"time"
)

// alarm wakes a goroutine at a time: where the runtime's poller takes
// nanoseconds (kqueue does), by a timer.
type alarm struct {
	timer   *time.Timer
	stopped chan struct{}
	once    sync.Once
}

func newAlarm() (*alarm, error) {
	return &alarm{timer: time.NewTimer(time.Hour), stopped: make(chan struct{})}, nil
}

// sleep waits for d, or is false if the alarm was stopped.
func (a *alarm) sleep(d time.Duration) bool {
	a.timer.Reset(d)
	select {
	case <-a.timer.C:
		return true
	case <-a.stopped:
		return false
	}
}

// poll lets all goroutines run that can; it is false if the alarm was stopped.
func (a *alarm) poll() bool {
	runtime.Gosched()
	select {
	case <-a.stopped:
		return false
	default:
		return true
	}
}

// stop ends a sleep and all later ones. It may be called by any goroutine.
func (a *alarm) stop() { a.once.Do(func() { close(a.stopped) }) }

func (a *alarm) close() { a.timer.Stop() }
