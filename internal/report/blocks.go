package report

import (
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// canary is what the null server did around each block, those that do not count too.
func canary(arms []Arm, trials []*record.Trial) []Canary {
	out := []Canary{}
	for _, t := range trials {
		a := slices.IndexFunc(arms, func(a Arm) bool { return a.Name == t.Arm })
		if !arms[a].Canary() || len(t.Windows) == 0 {
			continue
		}
		if n := len(out); n == 0 || out[n-1].Block != t.Block {
			out = append(out, Canary{Block: t.Block})
		}
		c, w := &out[len(out)-1], &t.Windows[len(t.Windows)-1]
		if arms[a].Replicate == "" {
			c.Before = number(w.Load.Throughput())
		} else {
			c.After = number(w.Load.Throughput())
		}
		c.Reason = sample.DisturbedBy(t)
	}
	return out
}
