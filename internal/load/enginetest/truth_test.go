//go:build linux

package enginetest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/vegeta"
	"github.com/hellobench/hellobench/internal/load/wire"
	"github.com/hellobench/hellobench/internal/record"
)

// TestMain makes a process of its own of the server: in the test's process it
// would share the scheduler with the engines, and each would measure that.
func TestMain(m *testing.M) {
	if os.Getenv("HELLOBENCH_DELAY_SERVER") == "" {
		os.Exit(m.Run())
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Millisecond)
		_, _ = io.WriteString(w, "Hello, World!\n")
	}))
	_, _ = fmt.Println(s.URL)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends, however it ends
}

func delayServer(t *testing.T) (url string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "HELLOBENCH_DELAY_SERVER=1")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

// TestEnginesAgree puts the same schedule to the same server through both
// engines, below saturation, in turns: the percentiles of the windows together
// must be within 5% or 100 us of one another. It wants a machine without other
// work, hence the switch.
func TestEnginesAgree(t *testing.T) {
	if os.Getenv("HELLOBENCH_TRUTH") != "1" {
		t.Skip("set HELLOBENCH_TRUTH=1 on a quiet machine")
	}
	url := delayServer(t)
	engines := []load.Engine{wire.New(), vegeta.New(vegeta.Options{})}
	sums := []*record.Histogram{record.NewHistogram(), record.NewHistogram()}
	for seed := range uint64(4) {
		for i := range engines {
			i = (i + int(seed)) % len(engines)
			m, err := engines[i].Run(context.Background(), load.Spec{
				URLs: []string{url}, Connections: 64, Duration: 2 * time.Second,
				Schedule: &load.Schedule{Rate: 500, Poisson: true, Seed: seed},
				Expect:   load.Expect{Body: []byte("Hello, World!\n")},
			})
			require.NoError(t, err)
			require.Equal(t, record.Errors{}, m.Errors)
			h, err := m.Latency.Histogram()
			require.NoError(t, err)
			sums[i].Merge(h)
		}
	}
	require.Equal(t, sums[0].Count(), sums[1].Count())
	for _, q := range []float64{0.5, 0.9, 0.99} {
		a, b := sums[0].Quantile(q), sums[1].Quantile(q)
		t.Logf("p%g: %s %v, %s %v", 100*q, engines[0].Name(), a, engines[1].Name(), b)
		assert.InDelta(t, float64(a), float64(b), float64(max(a/20, 100*time.Microsecond)), "p%g", 100*q)
	}
}
