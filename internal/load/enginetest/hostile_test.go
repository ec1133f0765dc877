package enginetest_test

import (
	"bytes"
	"compress/gzip"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// chunkedHead begins a response whose body is for the server to end.
const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

// hostile is a server that answers a request as none should.
type hostile struct {
	name   string
	class  func(*record.Errors) *uint64 // nil: correct
	answer func(*exchange) bool
	silent bool // it does not take up its connections
}

func timeout(e *record.Errors) *uint64 { return &e.Timeout }
func reset(e *record.Errors) *uint64   { return &e.Reset }

// once sends one piece and then nothing more.
func once(piece string) func(*exchange) bool {
	return func(x *exchange) bool { return x.part(piece) && x.silence() }
}

// forever sends a piece again and again, for as long as it is read.
func forever(begin, piece string, pause time.Duration) func(*exchange) bool {
	again := []byte(piece)
	return func(x *exchange) bool {
		x.part(begin)
		for {
			if _, err := x.conn.Write(again); err != nil {
				return false
			}
			time.Sleep(pause)
		}
	}
}

// bomb is 64 MiB of nothing, compressed to 64 KiB.
var bomb = sync.OnceValue(func() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for range 64 {
		_, _ = w.Write(make([]byte, 1<<20))
	}
	_ = w.Close()
	return b.String()
})

var hostiles = []hostile{
	{"switches protocols", status, once("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), false},
	{"switches protocols and goes on", status, forever("HTTP/1.1 101 Switching Protocols\r\n\r\n", strings.Repeat("x", 4096), 0), false},
	{"a head without end", reset, forever("HTTP/1.1 200 OK\r\n", "X: y\r\n", 0), false},
	{"a header line without end", reset, forever("HTTP/1.1 200 OK\r\nX: ", strings.Repeat("y", 4096), 0), false},
	{"a status line without end", reset, forever("HTTP/1.1 200 ", strings.Repeat("O", 4096), 0), false},
	{"interim heads without end", reset, forever("", "HTTP/1.1 100 Continue\r\n\r\n", 0), false},
	{"early hints without end", reset, forever("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0), false},
	{"interim heads, slowly", timeout, forever("", "HTTP/1.1 100 Continue\r\n\r\n", 20*time.Millisecond), false},
	{"a body without end, slowly", timeout, forever("HTTP/1.1 200 OK\r\n\r\n", "x", 20*time.Millisecond), false},
	{"a body without end, fast", timeout, forever("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 1<<20), 0), false},
	{"chunks without end, fast", timeout, forever(chunkedHead, "10000\r\n"+strings.Repeat("x", 0x10000)+"\r\n", 0), false},
	{"chunks of one byte, slowly", timeout, forever(chunkedHead, "1\r\nx\r\n", 20*time.Millisecond), false},
	{"a chunk of 4 PiB", timeout, once(chunkedHead + "fffffffffffff\r\nx"), false},
	{"a chunk size that overflows", reset, once(chunkedHead + "fffffffffffffffff\r\nx"), false},
	{"a chunk extension without end", reset, forever(chunkedHead+"1;", strings.Repeat("x", 4096), 0), false},
	{"trailers without end", reset, forever(chunkedHead+"0\r\n", "X: y\r\n", 0), false},
	{"trailers, slowly", timeout, forever(chunkedHead+"0\r\n", "X: y\r\n", 20*time.Millisecond), false},
	{"a length of 4 PiB", timeout, once("HTTP/1.1 200 OK\r\nContent-Length: 4503599627370496\r\n\r\nx"), false},
	{"a length that overflows", reset, once("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx"), false},
	{"a negative length", reset, once("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), false},
	{"a byte at a time", timeout, forever("", "H", 20*time.Millisecond), false},
	{"accepts and says nothing", timeout, func(x *exchange) bool { return x.silence() }, false},
	{"closes at once", reset, func(*exchange) bool { return false }, false},
	{"resets at once", reset, func(x *exchange) bool { return x.reset() }, false},
	{"NUL bytes", reset, once(strings.Repeat("\x00", 100) + "\r\n\r\n"), false},
	{"NUL in a header", reset, once("HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n"), false},
	{"HTTP/0.9", reset, func(x *exchange) bool { x.part("<html>hello</html>\n"); return false }, false},
	{"HTTP/2", reset, once("\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00\x00\x05\x00\xff\xff\xff\r\n\r\n"), false},
	{"a TLS alert", reset, func(x *exchange) bool { x.part("\x15\x03\x01\x00\x02\x02\x46"); return false }, false},
	{"another protocol", reset, func(x *exchange) bool { x.part("220 mail.example ESMTP\r\n"); return false }, false},
	{"compressed, and not to be unpacked", body, func(x *exchange) bool {
		return x.after(pause, response("200 OK", bomb(), "Content-Encoding: gzip"))
	}, false},
	{"some interim heads", nil, func(x *exchange) bool {
		return x.after(pause, strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 20)+okay)
	}, false},
	{"never accepts", timeout, nil, true},
}

// testHostile lets servers do their worst: each window ends within one timeout
// after its length, with every request in the right class and little memory.
func testHostile(t *testing.T, newEngine func() load.Engine) {
	for _, h := range hostiles {
		for _, open := range []bool{false, true} {
			kind := "closed"
			if open {
				kind = "open"
			}
			t.Run(h.name+"/"+kind, func(t *testing.T) {
				h.run(t, newEngine(), open, 4, 1)
				for seed := uint64(2); survive() && seed < 8; seed++ {
					h.run(t, newEngine(), open, 1<<(seed-2), seed)
				}
			})
		}
	}
}

func (h hostile) run(t *testing.T, e load.Engine, open bool, connections int, seed uint64) {
	const window, patience = 100 * time.Millisecond, 200 * time.Millisecond
	bomb()
	target := ""
	if h.silent {
		target = deaf(t)
	} else {
		target = newServer(t, h.answer).url()
	}
	sp := spec(target, connections, window)
	sp.Timeout = patience
	if open {
		sp.Schedule = &load.Schedule{Rate: 100 * float64(seed), Poisson: true, Seed: seed}
	}
	most := watchMemory(t)
	began := time.Now()
	m := measure(t, e, sp)
	assert.Less(t, time.Since(began), window+patience+time.Second)
	assert.Less(t, most(), uint64(64<<20), "bytes of memory")
	if h.class == nil {
		assert.Equal(t, record.Errors{}, m.Errors, "first: %s", m.FirstError)
		assert.NotZero(t, m.OK)
		return
	}
	want := record.Errors{}
	class := h.class(&want)
	if class != &want.Timeout { // what a flood is shows late on many connections, and on a busy machine
		*class, want.Timeout = m.Errors.Total()-m.Errors.Timeout, m.Errors.Timeout
		assert.True(t, *class > 0 || seed > 1, "none in time: %s", m.FirstError)
	} else {
		*class = m.Errors.Total()
	}
	if h.silent { // those that find no place in its queue never open
		want.Timeout, want.Connect = m.Errors.Timeout, m.Errors.Connect
	}
	assert.NotZero(t, m.Errors.Total())
	assert.Equal(t, want, m.Errors, "first: %s", m.FirstError)
	assert.Zero(t, m.OK)
}

// deaf is a listener with a queue of one that is never taken up.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 1))
	addr, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	port := addr.(*syscall.SockaddrInet4).Port
	return "http://" + (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String() + "/"
}

// watchMemory looks at the heap again and again; what it returns is the most that
// it grew by.
func watchMemory(t *testing.T) (most func() uint64) {
	t.Helper()
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapInuse + s.StackInuse
	}
	runtime.GC()
	before, peak := heap(), uint64(0)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				peak = max(peak, heap())
			}
		}
	})
	return func() uint64 {
		close(done)
		wg.Wait()
		return max(peak, before) - before
	}
}
