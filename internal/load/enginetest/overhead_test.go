//go:build linux

package enginetest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
	"github.com/hellobench/hellobench/internal/load/vegeta"
	"github.com/hellobench/hellobench/internal/load/wire"
)

// BenchmarkRunOverhead is what a window costs beyond its length: a run has
// thousands of them.
func BenchmarkRunOverhead(b *testing.B) {
	s, err := null.Start(b.Context(), null.Options{})
	require.NoError(b, err)
	const window = 50 * time.Millisecond
	for _, e := range []load.Engine{wire.New(), vegeta.New(vegeta.Options{})} {
		for _, n := range []int{0, 1, 64, 256, 1024} {
			b.Run(fmt.Sprintf("%s/connections=%d", e.Name(), n), func(b *testing.B) {
				spec := load.Spec{Exchanges: http1.Get(s.URL()), Connections: n, Duration: window}
				if n == 0 {
					spec.Schedule = &load.Schedule{Rate: 1000}
				}
				b.ReportAllocs()
				for b.Loop() {
					m, err := e.Run(b.Context(), spec)
					require.NoError(b, err)
					require.Zero(b, m.Errors.Total(), m.FirstError)
				}
				b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)-window.Seconds()*1000, "ms-outside/op")
			})
		}
	}
}
