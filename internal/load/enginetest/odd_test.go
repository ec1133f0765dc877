package enginetest_test

import (
	"bytes"
	"log"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// testOddAnswers sends more than one answer to one request. Which bytes belong to
// which request is not known then, so the request is a reset and its connection
// ends (docs/generator.md).
func testOddAnswers(t *testing.T, newEngine func() load.Engine) {
	said := captureLog(t)
	for name, answer := range map[string]string{
		"two answers":               okay + okay,
		"an answer and a half":      okay + okay[:20],
		"a line end after it":       okay + "\r\n",
		"204 with a body":           "HTTP/1.1 204 No Content\r\nContent-Length: 14\r\n\r\n" + hello,
		"304 with a body":           "HTTP/1.1 304 Not Modified\r\n\r\n" + hello,
		"a body longer than it is":  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + hello,
		"bytes after the last part": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n" + hello + "\r\n0\r\n\r\n" + hello,
		"length and 204, announced": "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n" + hello,
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(x *exchange) bool { return x.after(pause, answer) })
			sp := spec(s.url(), 2, short)
			if strings.Contains(answer, " 204 ") {
				sp.Exchanges[0].Want = http1.Expectation{Status: 204}
			}
			m := measure(t, newEngine(), sp)
			checkAllIn(t, m, func(e *record.Errors) *uint64 { return &e.Reset })
			assert.EqualValues(t, m.Requests, s.received.Load(), "sent once each")
		})
	}
	t.Run("another protocol", func(t *testing.T) {
		s := newServer(t, func(x *exchange) bool {
			x.after(pause, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			return x.silence()
		})
		sp := spec(s.url(), 2, short)
		sp.Timeout = time.Second
		began := time.Now()
		m := measure(t, newEngine(), sp)
		checkAllIn(t, m, status)
		assert.Less(t, time.Since(began), time.Second, "it waits for nothing after it")
	})
	assert.Empty(t, said.String(), "a library must not print")
}

// captureLog takes what is printed by the standard logger.
func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	var said bytes.Buffer
	before := log.Writer()
	log.SetOutput(&said)
	t.Cleanup(func() { log.SetOutput(before) })
	return &said
}

// testLateBytes sends something on connections that wait for no answer: they are
// replaced, and the requests before and after are none the worse.
func testLateBytes(t *testing.T, e load.Engine) {
	said := captureLog(t)
	for name, late := range map[string]string{"an answer": okay, "a timeout": response("408 Request Timeout", ""), "noise": "\r\n"} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(x *exchange) bool {
				ok := x.send(okay)
				time.Sleep(30 * time.Millisecond) // well after the answer, and well before the next send
				return ok && x.part(late)
			})
			sp := spec(s.url(), 1, 800*time.Millisecond)
			sp.Schedule = &load.Schedule{Rate: 10}
			m := measure(t, e, sp)
			checkAllOK(t, m, s)
			assert.EqualValues(t, 8, m.Requests)
			assert.InDelta(t, 7, m.Reconnects, 1)
		})
	}
	assert.Empty(t, said.String(), "a library must not print")
}

// testSilentEnds has the server end each connection after its answer without
// announcing it. A request that crosses the end is a reset, in a closed loop;
// where the end comes well before the next request, nothing fails.
func testSilentEnds(t *testing.T, e load.Engine) {
	s := newServer(t, func(x *exchange) bool { x.send(okay); return false })
	sp := spec(s.url(), 4, 400*time.Millisecond)
	sp.Schedule = &load.Schedule{Rate: 50}
	m := measure(t, e, sp)
	checkAllOK(t, m, s)
	m = measure(t, e, spec(s.url(), 4, 250*time.Millisecond))
	assert.NotZero(t, m.OK)
	assert.Equal(t, record.Errors{Reset: m.Errors.Reset}, m.Errors)
	assert.EqualValues(t, m.OK+20, s.answered.Load(), "20 of the open loop")
}
