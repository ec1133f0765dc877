package bench

import (
	"fmt"
	"math"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// maxCanaryDrift is how far the null server may be from what it did before the
// block, and from the middle of what it did in the run so far, on both sides
// of a ratio. The middle of such figures moves by less than a tenth from block
// to block on a noisy virtual machine; a quarter is a machine that was lent,
// throttled or suspended.
const maxCanaryDrift = 0.25

// canary is what the null server did in the blocks so far, in requests a second.
// It does the same work each time, so what moves it is the machine.
type canary struct {
	rates  []float64
	before map[int]float64 // by block
}

// newCanary takes up what stands in the journal.
func newCanary(arms map[string]record.Arm, done []record.Trial) *canary {
	c := &canary{before: map[int]float64{}}
	for i := range done {
		if arm := arms[done[i].Arm]; arm.Canary() {
			c.add(arm, &done[i])
		}
	}
	return c
}

// add takes a trial of the null server. If it is the one after a block, and
// the machine is not what it was, the trial gets the gate, and the block with it.
func (c *canary) add(arm record.Arm, t *record.Trial) {
	if len(t.Windows) == 0 {
		return // it failed; its trial says why
	}
	w := &t.Windows[len(t.Windows)-1]
	rate := w.Load.Throughput()
	c.rates = append(c.rates, rate)
	if arm.Replicate == "" {
		c.before[t.Block] = rate
		return
	}
	if detail := c.drift(c.before[t.Block], rate); detail != "" && !hasGate(w, record.GateCanary) {
		w.Gates = append(w.Gates, record.Gate{Name: record.GateCanary, Detail: detail})
	}
}

// drift says what is wrong with a block, "" if nothing is.
func (c *canary) drift(before, after float64) string {
	if before == 0 || after == 0 {
		return "" // one of the two failed, and its own gates say so
	}
	middle := slices.Sorted(slices.Values(c.rates))[len(c.rates)/2]
	limit := math.Log1p(maxCanaryDrift)
	for _, far := range []struct {
		what string
		a, b float64
	}{
		{"than before the block", after, before},
		{"after the block than in the middle of the run so far", after, middle},
		{"before the block than in the middle of the run so far", before, middle},
	} {
		if r := math.Log(far.a / far.b); math.Abs(r) > limit {
			word := "faster"
			if r < 0 {
				word = "slower"
			}
			return fmt.Sprintf("the null server was %.2gx %s %s: %.0f and %.0f req/s (limit %.3gx)",
				math.Exp(math.Abs(r)), word, far.what, far.a, far.b, 1+maxCanaryDrift)
		}
	}
	return ""
}

func hasGate(w *record.Window, name string) bool {
	return slices.ContainsFunc(w.Gates, func(g record.Gate) bool { return g.Name == name })
}
