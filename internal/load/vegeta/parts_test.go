package vegeta

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
)

func TestIntendedInAnyOrder(t *testing.T) {
	s := &load.Schedule{Rate: 1000, Poisson: true, Seed: 3}
	const n, apart = 5000, 50
	want := make([]time.Duration, n)
	for times, i := s.Times(), 0; i < n; i++ {
		want[i] = times.Next()
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { // out of order by at most apart
		return a/apart*apart + (a*37+11)%apart - b/apart*apart - (b*37+11)%apart
	})
	require.False(t, slices.IsSorted(order))
	planned := newIntended(s)
	for _, i := range order {
		require.Equal(t, want[i], planned.at(uint64(i)), "request %d", i)
		require.LessOrEqual(t, len(planned.pending), apart, "memory is what is in flight")
	}
	assert.Empty(t, planned.pending)
}

func TestScheduledBefore(t *testing.T) {
	constant := &load.Schedule{Rate: 10}
	for d, want := range map[time.Duration]uint64{0: 0, 1: 1, 100 * time.Millisecond: 1, 100*time.Millisecond + 1: 2, time.Second: 10} {
		assert.Equal(t, want, scheduledBefore(constant, d), "%v", d)
	}
}

// TestPacerIsOnTime checks that no tick is early, and that the pacer ends
// where the window does. That ticks are not late depends on the machine; the
// bound is far above what the pacer does (tens of microseconds).
func TestPacerIsOnTime(t *testing.T) {
	begin := time.Now()
	s := &load.Schedule{Rate: 300, Poisson: true, Seed: 1}
	spec := &load.Spec{Schedule: s, Duration: 200 * time.Millisecond, Timeout: time.Second}
	a, err := newAlarm()
	require.NoError(t, err)
	defer a.close()
	p := newOpenPacer(spec, begin, a)
	assert.InDelta(t, 300, p.Rate(0), 1e-9)
	var late []time.Duration
	for times := s.Times(); ; {
		wait, stop := p.Pace(0, 0)
		now, due := time.Since(begin), times.Next()
		if stop {
			assert.GreaterOrEqual(t, due, spec.Duration)
			break
		}
		assert.Zero(t, wait)
		assert.GreaterOrEqual(t, now, due, "a tick before its time")
		late = append(late, now-due)
	}
	assert.EqualValues(t, scheduledBefore(s, spec.Duration), len(late))
	slices.Sort(late)
	assert.Less(t, late[len(late)/2], 5*time.Millisecond)
}

func TestPacerStops(t *testing.T) {
	a, err := newAlarm()
	require.NoError(t, err)
	defer a.close()
	spec := &load.Spec{Schedule: &load.Schedule{Rate: 0.1}, Duration: time.Hour, Timeout: time.Second}
	p := newOpenPacer(spec, time.Now(), a)
	_, stop := p.Pace(0, 0)
	assert.False(t, stop)
	defer time.AfterFunc(20*time.Millisecond, a.stop).Stop()
	begin := time.Now()
	_, stop = p.Pace(0, 1) // due in ten seconds
	assert.True(t, stop)
	assert.Less(t, time.Since(begin), time.Second)
	_, stop = p.Pace(0, 1)
	assert.True(t, stop)
}

func TestClasses(t *testing.T) {
	live, cancel := context.WithCancel(t.Context())
	dead, kill := context.WithCancel(t.Context())
	defer cancel()
	kill()
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want class
	}{
		{live, fmt.Errorf("wrapped: %w", &dialError{refused}), badConnect},
		{live, &dialError{&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}}, badConnect},
		{live, &dialError{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}}, badTimeout},
		{live, context.DeadlineExceeded, badTimeout},
		{live, fmt.Errorf("wrapped: %w", context.DeadlineExceeded), badTimeout},
		{live, io.ErrUnexpectedEOF, badReset},
		{live, io.EOF, badReset},
		{live, &net.OpError{Op: "read", Err: syscall.ECONNRESET}, badReset},
		{dead, context.Canceled, aborted},
		{dead, io.ErrUnexpectedEOF, aborted},
	} {
		call := &call{trip: &tripper{ctx: c.ctx, spec: &load.Spec{}}}
		call.fail(c.err)
		call.fail(io.EOF) // the first one counts
		got, why := call.outcome()
		assert.Equal(t, c.want, got, "%v", c.err)
		assert.Equal(t, c.err.Error(), why)
	}
}

func TestBodyIsComparedInParts(t *testing.T) {
	for _, c := range []struct {
		want  string
		parts []string
		wrong bool
	}{
		{"abc", []string{"abc"}, false},
		{"abc", []string{"a", "", "bc"}, false},
		{"abc", []string{"a", "b"}, true},
		{"abc", []string{"abc", "d"}, true},
		{"abc", []string{"abcd", "e"}, true},
		{"abc", []string{"x", "abc"}, true},
		{"", nil, false},
		{"", []string{"a"}, true},
	} {
		want := http1.Expectation{Status: 200, Exact: []byte(c.want)}
		call := &call{status: 200, request: &http1.Request{Want: want}, trip: &tripper{ctx: t.Context(), spec: &load.Spec{}}}
		for _, p := range c.parts {
			call.got.Add([]byte(p), &want)
		}
		call.end()
		got, _ := call.outcome()
		assert.Equal(t, c.wrong, got == badBody, "%q of %q", c.parts, c.want)
	}
}
