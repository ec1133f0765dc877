package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func measured(latencies ...time.Duration) *Measurement {
	h := NewHistogram()
	for _, l := range latencies {
		h.Record(l)
	}
	n := uint64(len(latencies))
	return &Measurement{Engine: "wire", Connections: 2, Established: 2, Duration: time.Second, Requests: n, Sent: n, OK: n, Completed: n, InFlight: time.Second, Latency: h.Distribution(), Accepted: time.Millisecond}
}

func TestTogether(t *testing.T) {
	a, b := measured(1*time.Millisecond, 2*time.Millisecond), measured(3*time.Millisecond)
	a.Bins, b.Bins = []Bin{{OK: 1, P50: 1000}, {OK: 1, P50: 3000}}, []Bin{{OK: 3, P50: 2000}}
	b.Errors.Reset, b.FirstError, b.Accepted = 2, "reset", 5*time.Millisecond
	m, err := Together([]*Measurement{a, b})
	require.NoError(t, err)
	assert.Equal(t, 4, m.Connections)
	assert.EqualValues(t, 3, m.OK)
	assert.EqualValues(t, 3, m.Latency.Count)
	assert.InEpsilon(t, 2e6, float64(*m.Latency.P50), 0.01)
	assert.InDelta(t, 3, m.Throughput(), 1e-9, "in one second, not in two")
	assert.Equal(t, 2*time.Second, m.InFlight)
	assert.Equal(t, 5*time.Millisecond, m.Accepted, "until all were accepted")
	assert.EqualValues(t, 2, m.Errors.Total())
	assert.Equal(t, "reset", m.FirstError)
	assert.Equal(t, []Bin{{OK: 4, P50: 1750}, {OK: 1, P50: 3000}}, m.Bins)
	assert.Nil(t, m.FirstByte, "it is the latency")

	a.FirstByte = measured(time.Microsecond, time.Microsecond).Latency
	b.Accepted = 0
	m, err = Together([]*Measurement{a, b})
	require.NoError(t, err)
	assert.EqualValues(t, 3, m.FirstByte.Count, "of b it is the latency")
	assert.Zero(t, m.Accepted, "not all were accepted")
}

// TestUnfinished: a window that is short against the latencies of some holds only the
// others, and their mean is no mean.
func TestUnfinished(t *testing.T) {
	m := measured(10*time.Millisecond, 10*time.Millisecond) // of two connections, one of which waits for seconds
	m.Duration, m.InFlight = 20*time.Millisecond, 40*time.Millisecond
	assert.Equal(t, []Oddity{Unfinished}, m.Oddities())
	m.InFlight = 21 * time.Millisecond
	assert.Empty(t, m.Oddities())
	m.InFlight, m.Errors.Timeout = 40*time.Millisecond, 1
	assert.Empty(t, m.Oddities(), "the errors took the time")
}
