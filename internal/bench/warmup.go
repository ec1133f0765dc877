package bench

import (
	"context"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// warmUp loads the server in steps of the run's warm-up until its throughput
// has come to a steady state, or as long as the run allows. It only waits: a
// start that never becomes steady is measured and labeled like any other, for
// leaving it out would make the server look steadier than it is.
//
// The label is of the warm-up alone. The measured windows could lengthen the
// series, but they are at other levels, where the throughput is another one.
func (b *Bench) warmUp(ctx context.Context, server Server, spec load.Spec, t *record.Trial, ev Event) error {
	step := b.Run.Warmup
	if step <= 0 {
		return nil
	}
	spec.Duration = step
	var bins []float64
	for spent := step; ; spent += step {
		connections := max(method.warmupConnections, len(spec.URLs)) // each instance has to become warm
		if err := b.window(ctx, server, record.Level{Connections: connections}, spec, 0, t, ev, true); err != nil {
			return err
		}
		bins = append(bins, wholeBins(&t.Windows[len(t.Windows)-1].Load)...)
		t.Steady = steady(bins)
		settled := t.Steady != record.TooShort && t.Steady != string(stats.NoSteadyState)
		if settled || spent+step > b.Run.WarmupMax {
			return nil
		}
	}
}

// wholeBins is the throughput of each bin that lies wholly inside the window:
// in what comes after its end no request is sent.
func wholeBins(m *record.Measurement) []float64 {
	whole := int(m.Duration / record.BinWidth)
	out := make([]float64, 0, whole)
	for _, bin := range m.Bins[:min(whole, len(m.Bins))] {
		out = append(out, float64(bin.OK))
	}
	return out
}

// steady labels a start by its throughput. In a closed loop the median
// latency says the same: the connections divided by the throughput.
func steady(bins []float64) string {
	start, err := stats.ClassifyStart(bins, stats.HigherIsBetter)
	if err != nil {
		return record.TooShort // the counts are finite, so there are too few of them
	}
	return string(start.Label)
}
