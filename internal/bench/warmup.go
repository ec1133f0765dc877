package bench

import (
	"cmp"
	"context"
	"fmt"

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
func (t *trialRun) warmUp(ctx context.Context) error {
	step := t.Run.Warmup
	if step <= 0 {
		return nil
	}
	spec := t.spec
	spec.Connections, spec.Duration = max(method.warmupConnections, len(t.server.Ports())), step // each instance has to become warm
	level := record.Level{Connections: spec.Connections}
	var bins []float64
	for spent := step; ; spent += step {
		w, err := t.measure(ctx, level, spec, nil, false)
		if err != nil {
			return fmt.Errorf("%v: %w", level, err)
		}
		w.Warmup = true
		if err := t.keep(ctx, w); err != nil {
			return err
		}
		bins = append(bins, wholeBins(&w.Load)...)
		t.record.Steady = steady(bins)
		settled := t.record.Steady != record.TooShort && t.record.Steady != string(stats.NoSteadyState)
		if settled || spent+step > cmp.Or(t.experiment.WarmupMax, t.Run.WarmupMax) {
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
	label, err := stats.ClassifyStart(bins)
	if err != nil {
		return record.TooShort // the counts are finite, so there are too few of them
	}
	return string(label)
}
