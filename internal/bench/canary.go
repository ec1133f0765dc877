package bench

import (
	"fmt"
	"math"

	"github.com/hellobench/hellobench/internal/record"
)

// canary is what the null server did before each block, in requests a second.
// It is the same process all the time, since starts of it differ by more than
// the machine, and does the same work each time: what moves it is the machine.
type canary map[int]float64

// add takes a trial of the null server. If it is the one after a block, and
// the machine is not what it was, the trial gets the gate, and the block with
// it. A block of which one of the two failed, or was measured before the run was
// interrupted and so by another process, cannot be checked.
func (c canary) add(arm record.Arm, t *record.Trial) {
	if len(t.Windows) == 0 {
		return
	}
	w := &t.Windows[len(t.Windows)-1]
	rate := w.Load.Throughput()
	if arm.Replicate == "" {
		c[t.Block] = rate
		return
	}
	if detail := drift(c[t.Block], rate); detail != "" {
		w.Gates = append(w.Gates, record.Gate{Name: record.GateCanary, Detail: detail})
	}
}

// drift says what is wrong with a block, "" if nothing is or it is not known.
func drift(before, after float64) string {
	if before == 0 || after == 0 {
		return ""
	}
	r := math.Log(after / before)
	if math.Abs(r) <= math.Log1p(method.maxCanaryDrift) {
		return ""
	}
	word := "faster"
	if r < 0 {
		word = "slower"
	}
	return fmt.Sprintf("the null server was %.2gx %s than before the block: %.0f and %.0f req/s (limit %.3gx)",
		math.Exp(math.Abs(r)), word, after, before, 1+method.maxCanaryDrift)
}
