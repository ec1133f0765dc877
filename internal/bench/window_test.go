package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/record"
)

func TestWindowAt(t *testing.T) {
	b := &Bench{Run: &record.Run{LongWindow: 5 * time.Second}}
	e := &record.Experiment{Window: 300 * time.Millisecond}
	for level, want := range map[record.Level]time.Duration{
		{Connections: 1024}:        300 * time.Millisecond,
		{Connections: 10_000}:      5 * time.Second,
		{Rate: 500}:                300 * time.Millisecond,
		{Share: 0.5}:               300 * time.Millisecond,
		{Rate: 2500, Idle: 10_000}: 5 * time.Second,
		{SLO: true}:                time.Second,
	} {
		assert.Equal(t, want, b.windowAt(e, level), "%v", level)
	}
}

// TestSharedCores: of two cores a server of two processes has to have nearly all.
func TestSharedCores(t *testing.T) {
	window := func(server, generator time.Duration) *record.Window {
		return &record.Window{
			Load:   record.Measurement{Duration: time.Second, CPU: record.CPU{User: generator}},
			Server: record.Usage{CPU: record.CPU{User: server}}, Host: record.Disturbance{Elapsed: 2 * time.Second},
		}
	}
	two, one := record.Arm{Workers: 2, Shared: true}, record.Arm{Threads: 4, Shared: true}
	assert.Empty(t, sharedCores(window(1950*time.Millisecond, 30*time.Millisecond), two, 2))
	assert.Empty(t, sharedCores(window(time.Second, 30*time.Millisecond), one, 2), "threads may leave a core idle")
	for _, w := range []*record.Window{window(1800*time.Millisecond, 30*time.Millisecond), window(1890*time.Millisecond, 110*time.Millisecond)} {
		if failed := sharedCores(w, two, 2); assert.Len(t, failed, 1) {
			assert.Equal(t, record.GateShared, failed[0].Name)
		}
	}
}
