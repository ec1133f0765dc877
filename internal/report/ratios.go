package report

import "github.com/hellobench/hellobench/internal/sample"

// Ratio is the throughput of an arm over that of the first arm on its route, at
// one closed-loop level, paired by block. It needs no claim, so it answers for
// servers that no ledger knows.
type Ratio struct {
	Arm   string   `json:"arm"`
	Over  string   `json:"over"`
	Level string   `json:"level"`
	Ratio Estimate `json:"ratio"`
	Alike bool     `json:"alike"` // chance explains the difference
}

// ratios holds every arm against the first one on its route. An arm with a
// calculation beside it is no match for one without.
func ratios(d *Document) []Ratio {
	out := []Ratio{}
	for _, route := range d.Routes() {
		first := ""
		for _, a := range d.Arms {
			if a.Role != Competitor || a.Route != route || a.Beside != "" {
				continue
			}
			if first == "" {
				first = a.Name
				continue
			}
			for _, l := range d.Levels {
				if l.Open {
					continue
				}
				if p, ok := d.table.Compare(sample.Throughput, a.Name, first, l.Level, Confidence); ok {
					out = append(out, Ratio{
						Arm: a.Name, Over: first, Level: l.Name, Alike: !p.Apart(),
						Ratio: Estimate{Mid: p.Mid, Low: p.Low, High: p.High, Confidence: Confidence, Blocks: p.Blocks},
					})
				}
			}
		}
	}
	return out
}
