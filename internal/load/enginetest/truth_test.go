//go:build linux

package enginetest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/vegeta"
	"github.com/hellobench/hellobench/internal/load/wire"
	"github.com/hellobench/hellobench/internal/record"
)

// TestEnginesAgree puts the same schedule to the same server through both
// engines, below saturation, in turns: the percentiles of the windows together
// must be within 5% or 100 us of one another. It wants a machine without other
// work, hence the switch.
func TestEnginesAgree(t *testing.T) {
	if os.Getenv("HELLOBENCH_TRUTH") != "1" {
		t.Skip("set HELLOBENCH_TRUTH=1 on a quiet machine")
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Millisecond)
		_, _ = io.WriteString(w, "Hello, World!\n")
	}))
	defer s.Close()
	engines := []load.Engine{wire.New(), vegeta.New(vegeta.Options{})}
	sums := []*record.Histogram{record.NewHistogram(), record.NewHistogram()}
	for seed := range uint64(4) {
		for i := range engines {
			i = (i + int(seed)) % len(engines)
			m, err := engines[i].Run(context.Background(), load.Spec{
				URL: s.URL, Connections: 64, Duration: 2 * time.Second,
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
