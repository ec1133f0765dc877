package enginetest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// testGarbled spoils sound answers at random: bytes are changed, left out and
// doubled, and what comes of it is sent in pieces. Whatever it is, each window ends
// in time and accounts for each request. HELLOBENCH_SURVIVE makes it long.
func testGarbled(t *testing.T, newEngine func() load.Engine) {
	captureLog(t) // net/http prints when it finds bytes on an idle connection; the command line discards that
	seeds, window := 2, 200*time.Millisecond
	if survive() {
		seeds, window = 100, 500*time.Millisecond
	}
	first := uint64(time.Now().Unix())
	if n, err := strconv.ParseUint(os.Getenv("HELLOBENCH_SEED"), 10, 64); err == nil {
		first = n
	}
	for i := range seeds {
		seed := first + uint64(i)
		for _, rate := range []float64{0, 300} {
			t.Run(fmt.Sprintf("HELLOBENCH_SEED=%d rate %v", seed, rate), func(t *testing.T) {
				garbled(t, newEngine(), seed, window, rate)
			})
		}
	}
}

// survive says whether the long forms are wanted.
func survive() bool { return os.Getenv("HELLOBENCH_SURVIVE") != "" }

func garbled(t *testing.T, e load.Engine, seed uint64, window time.Duration, rate float64) {
	var s *server
	s = newServer(t, func(x *exchange) bool {
		return garble(rand.New(rand.NewPCG(seed, uint64(s.received.Load()))), x)
	})
	sp := spec(s.url(), 8, window)
	sp.Timeout = 100 * time.Millisecond
	if rate > 0 {
		sp.Schedule = &load.Schedule{Rate: rate}
	}
	began := time.Now()
	m := measure(t, e, sp)
	assert.Less(t, time.Since(began), window+sp.Timeout+time.Second)
	assert.NotZero(t, m.OK, "some are only sent in pieces")
	assert.NotEqual(t, record.Errors{}, m.Errors)
}

// sound are the answers to be spoiled.
var sound = []string{
	okay,
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + hello[:5] + "\r\n9;x=y\r\n" + hello[5:] + "\r\n0\r\nX: y\r\n\r\n",
	"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + okay,
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 14\r\n\r\n" + hello,
	response("404 Not Found", hello, "Connection: close"),
}

// garble answers one request.
func garble(rng *rand.Rand, x *exchange) bool {
	answer := sound[rng.IntN(len(sound))]
	for range rng.IntN(3) {
		at := rng.IntN(len(answer))
		to := min(len(answer), at+1+rng.IntN(20))
		switch rng.IntN(4) {
		case 0:
			answer = answer[:at] + answer[to:]
		case 1:
			answer = answer[:to] + answer[at:]
		case 2:
			answer = answer[:at] + string([]byte{byte(rng.IntN(256))}) + answer[at+1:]
		case 3:
			answer = answer[:at] + strings.Repeat("9", 1+rng.IntN(20)) + answer[at:]
		}
		if answer == "" {
			return false
		}
	}
	x.server.answered.Add(1)
	for answer != "" {
		n := 1 + rng.IntN(len(answer))
		if !x.part(answer[:n]) {
			return false
		}
		answer = answer[n:]
		time.Sleep(time.Duration(rng.IntN(2000)) * time.Microsecond)
	}
	switch rng.IntN(20) {
	case 0:
		return x.reset()
	case 1:
		return x.silence()
	case 2:
		return false
	}
	return true
}
