package wire

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/load/null"
)

// BenchmarkRunOverhead is what a window costs beyond its length.
func BenchmarkRunOverhead(b *testing.B) {
	s, err := null.Start(b.Context(), null.Options{})
	require.NoError(b, err)
	const window = 50 * time.Millisecond
	run := func(b *testing.B, spec load.Spec) {
		e := New()
		spec.URLs, spec.Duration = []string{s.URL()}, window
		b.ReportAllocs()
		for b.Loop() {
			m, err := e.Run(b.Context(), spec)
			require.NoError(b, err)
			require.Zero(b, m.Errors.Total(), m.FirstError)
		}
		b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)-window.Seconds()*1000, "ms-outside/op")
	}
	for _, n := range []int{1, 64, 256, 1024} {
		b.Run(fmt.Sprintf("connections=%d", n), func(b *testing.B) { run(b, load.Spec{Connections: n}) })
	}
	b.Run("open", func(b *testing.B) { run(b, load.Spec{Schedule: &load.Schedule{Rate: 1000}}) })
	b.Run("open,connections=64", func(b *testing.B) { run(b, load.Spec{Connections: 64, Schedule: &load.Schedule{Rate: 1000}}) })
}
