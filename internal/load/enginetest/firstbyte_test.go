package enginetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
)

// testFirstByte has the server send the beginning of a response at once and
// the rest a while later.
func testFirstByte(t *testing.T, newEngine func() load.Engine) {
	const rest = 50 * time.Millisecond
	inPieces := func(x *exchange) bool {
		x.server.answered.Add(1)
		x.part("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nHello, \r\n")
		time.Sleep(rest)
		return x.part("7\r\nWorld!\n\r\n0\r\n\r\n")
	}
	t.Run("closed loop", func(t *testing.T) {
		s := newServer(t, inPieces)
		m := measure(t, newEngine(), spec(s.url(), 4, 400*time.Millisecond))
		checkAllOK(t, m, s)
		require.NotNil(t, m.FirstByte)
		assert.Less(t, *m.FirstByte.P50, rest/2)
		assert.GreaterOrEqual(t, *m.Latency.P50, rest)
	})
	t.Run("open loop", func(t *testing.T) {
		// More than the connection can carry: the wait for it counts, too.
		s := newServer(t, inPieces)
		sp := spec(s.url(), 1, 400*time.Millisecond)
		sp.Schedule = &load.Schedule{Rate: 50}
		m := measure(t, newEngine(), sp)
		checkAllOK(t, m, s)
		require.NotNil(t, m.FirstByte)
		assert.Greater(t, *m.FirstByte.P50, 4*rest, "it counts from the intended send")
		assert.InDelta(t, (m.Latency.Mean - m.FirstByte.Mean).Seconds(), rest.Seconds(), within(5*time.Millisecond, 30*time.Millisecond).Seconds())
	})
	t.Run("some in pieces", func(t *testing.T) {
		s := newServer(t, func(x *exchange) bool {
			if x.nth%4 == 0 {
				return inPieces(x)
			}
			return x.after(rest/2, okay)
		})
		m := measure(t, newEngine(), spec(s.url(), 4, 600*time.Millisecond))
		checkAllOK(t, m, s)
		require.NotNil(t, m.FirstByte)
		assert.GreaterOrEqual(t, *m.FirstByte.P50, rest/2, "most responses came in one piece")
		assert.Less(t, m.FirstByte.Mean, m.Latency.Mean-rest/10)
	})
	t.Run("none in pieces", func(t *testing.T) {
		s := newServer(t, func(x *exchange) bool { return x.after(pause, okay) })
		m := measure(t, newEngine(), spec(s.url(), 2, short))
		checkAllOK(t, m, s)
		if m.FirstByte != nil { // an engine that cannot tell
			assert.InDelta(t, m.Latency.P50.Seconds(), m.FirstByte.P50.Seconds(), within(time.Millisecond, 20*time.Millisecond).Seconds())
		}
	})
}
