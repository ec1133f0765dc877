//go:build linux

package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/record"
)

// delays are the service times that a timed server can draw.
var delays = map[string]func(*rand.Rand) time.Duration{
	"constant":    func(*rand.Rand) time.Duration { return 20 * time.Millisecond },
	"exponential": func(r *rand.Rand) time.Duration { return milliseconds(5 + 20*r.ExpFloat64()) },
	"bimodal": func(r *rand.Rand) time.Duration {
		if r.IntN(10) == 0 {
			return 80 * time.Millisecond
		}
		return 10 * time.Millisecond
	},
	"pareto":  func(r *rand.Rand) time.Duration { return milliseconds(10 * math.Pow(1-r.Float64(), -1.0/3)) },
	"uniform": func(r *rand.Rand) time.Duration { return milliseconds(40 + 20*r.Float64()) },
	"short":   func(*rand.Rand) time.Duration { return 10 * time.Millisecond },
}

func milliseconds(f float64) time.Duration { return time.Duration(f * float64(time.Millisecond)) }

// timedServer is a process that answers after times that it draws, and records
// how long each request really was there: from the kernel's own time stamp of
// its arrival to the answer's write. What the server's scheduler adds is so
// part of the truth, and what the generator's adds is not.
type timedServer struct {
	url    string
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout io.Reader
}

func startTimed(t *testing.T, delay string) *timedServer {
	t.Helper()
	cmd, stdin, stdout, addr := start(t, "timed", delay)
	return &timedServer{url: "http://" + addr + "/", cmd: cmd, stdin: stdin, stdout: stdout}
}

// stop ends the server and returns its record.
func (s *timedServer) stop(t *testing.T) *record.Histogram {
	t.Helper()
	require.NoError(t, s.stdin.Close())
	var took record.Distribution
	require.NoError(t, json.NewDecoder(s.stdout).Decode(&took))
	require.NoError(t, s.cmd.Wait())
	h, err := took.Histogram()
	require.NoError(t, err)
	return h
}

func init() { roles["timed"] = playTimed }

// playTimed serves on the first core until its standard input ends, then
// prints its record: timed DELAY.
func playTimed(args []string) error {
	draw := delays[args[0]]
	cpus, err := host.Allowed()
	if err != nil {
		return err
	}
	if err := host.PinProcess(cpus[:1]); err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	var mu sync.Mutex
	took := record.NewHistogram()
	go func() {
		for seed := uint64(1); ; seed++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go answerTimed(c.(*net.TCPConn), rand.New(rand.NewPCG(seed, 2)), draw, func(d time.Duration) {
				mu.Lock()
				took.Record(d)
				mu.Unlock()
			})
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	mu.Lock()
	defer mu.Unlock()
	return json.NewEncoder(os.Stdout).Encode(took.Distribution())
}

func answerTimed(c *net.TCPConn, rng *rand.Rand, draw func(*rand.Rand) time.Duration, took func(time.Duration)) {
	defer func() { _ = c.Close() }()
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	if err := raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) }); err != nil {
		return
	}
	for {
		arrived, ok := readStamped(raw)
		if !ok {
			return
		}
		time.Sleep(draw(rng) - time.Since(arrived))
		if _, err := c.Write([]byte(okResponse)); err != nil {
			return
		}
		// By the wall clock, as the kernel stamps.
		took(time.Now().Round(0).Sub(arrived))
	}
}

// readStamped reads one request and returns when the kernel received it.
func readStamped(raw syscall.RawConn) (arrived time.Time, ok bool) {
	var request, control [1024]byte
	n := 0
	for {
		var got, oob int
		var failed error
		if err := raw.Read(func(fd uintptr) bool {
			got, oob, _, _, failed = unix.Recvmsg(int(fd), request[n:], control[:], 0)
			return failed != unix.EAGAIN
		}); err != nil || failed != nil || got <= 0 {
			return time.Time{}, false
		}
		n += got
		messages, err := unix.ParseSocketControlMessage(control[:oob])
		if err != nil {
			return time.Time{}, false
		}
		for _, m := range messages {
			if m.Header.Type == unix.SCM_TIMESTAMPNS {
				var ts unix.Timespec
				if _, err := binary.Decode(m.Data, binary.NativeEndian, &ts); err != nil {
					return time.Time{}, false
				}
				arrived = time.Unix(ts.Unix())
			}
		}
		if bytes.HasSuffix(request[:n], []byte("\r\n\r\n")) {
			return arrived, !arrived.IsZero()
		}
	}
}
