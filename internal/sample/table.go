// Package sample is the one table of a run: what every arm did at every level
// in every block, and the metrics that can be taken of it. Whatever is concluded
// or shown of a run is read here, so that a figure has one value wherever it is.
//
// It decides which blocks count, how the windows of a start are merged, and
// which values of two arms make pairs. It draws no conclusion and rounds nothing.
package sample

import (
	"cmp"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// Table holds the samples of a run. It is not changed after New.
type Table struct {
	Run    *record.Run
	Trials []*record.Trial // of all blocks, in the order of their blocks and positions
	Blocks Blocks

	starts  map[string][]*record.Trial // by arm and block
	samples map[place][]*Sample        // by block
	planned map[place][]bool           // by block; with no level: whether the arm is in it at all
	twins   map[string]string          // the replicate of an arm, by its name
	priors  map[*Metric]stats.Prior
}

type place struct {
	arm   string
	level record.Level
}

// Sample is one arm at one level in one block: its windows, merged.
type Sample struct {
	Trial     *record.Trial
	Level     record.Level
	Load      record.Measurement // counts added up, latencies merged
	Server    record.Usage       // processor time added up; of all else the most
	Rounds    []*record.Window   // what it is merged from, in the order of the passes
	Lost      int                // windows that are no part of it, since the machine disturbed their rounds
	Gates     []record.Gate      // that failed in most of the rounds, or by the server in any, each name once
	Odd       []record.Oddity    // of the latencies
	Failed    string             // by what the server itself failed; empty: it did not, or the machine may be the cause
	installed uint64             // bytes of the server and its packages
	HeldSLO   bool               // a search under the SLO found a rate that holds it
}

// New makes the table of a run. The trials must be the run's (record.TrialsOf);
// it keeps pointers to them. It fails where a histogram has to be merged and is damaged.
func New(run *record.Run, trials []record.Trial) (*Table, error) {
	t := &Table{
		Run: run, starts: map[string][]*record.Trial{}, samples: map[place][]*Sample{}, planned: map[place][]bool{},
		twins: map[string]string{}, priors: map[*Metric]stats.Prior{},
	}
	for _, a := range run.Arms {
		if a.Replicate != "" {
			t.twins[a.Replicate] = a.Name
		}
	}
	blocks := len(run.Plan)
	for b := range run.Plan {
		for _, p := range run.Plan[b].Trials {
			row(t.planned, place{arm: p.Arm}, blocks)[b] = true
			for _, l := range p.Levels {
				row(t.planned, place{p.Arm, run.Levels[l]}, blocks)[b] = true
			}
		}
	}
	for i := range trials {
		t.Trials = append(t.Trials, &trials[i])
	}
	slices.SortStableFunc(t.Trials, func(a, b *record.Trial) int {
		return cmp.Or(cmp.Compare(a.Block, b.Block), cmp.Compare(a.Position, b.Position))
	})
	t.Blocks = Blocks{Planned: blocks, Counted: []int{}, Partial: []Partial{}}
	for start, end := 0, 0; start < len(t.Trials); start = end {
		for end = start; end < len(t.Trials) && t.Trials[end].Block == t.Trials[start].Block; end++ {
			row(t.starts, t.Trials[end].Arm, blocks)[t.Trials[end].Block] = t.Trials[end]
		}
		t.countBlock(t.Trials[start:end])
		if err := t.addBlock(t.Trials[start:end]); err != nil {
			return nil, err
		}
	}
	t.Blocks.Provisional = len(t.Blocks.Counted) == 0 && len(trials) > 0
	return t, nil
}

// row is that of a key, with a place for each block.
func row[K comparable, V any](rows map[K][]V, key K, blocks int) []V {
	if rows[key] == nil {
		rows[key] = make([]V, blocks)
	}
	return rows[key]
}

// Start is an arm's trial in a block, nil where it has none.
func (t *Table) Start(arm string, block int) *record.Trial { return in(t.starts[arm], block) }

// At is the sample of an arm at a level in a block, nil where it has none.
func (t *Table) At(arm string, level record.Level, block int) *Sample {
	return in(t.samples[place{arm, level}], block)
}

func in[V any](row []V, block int) (v V) {
	if row == nil {
		return v
	}
	return row[block]
}

// merge merges the latencies of the sample's windows, each histogram once.
func (s *Sample) merge() error {
	if len(s.Rounds) < 2 {
		return nil
	}
	loads := make([]*record.Measurement, len(s.Rounds))
	for i, w := range s.Rounds {
		loads[i] = &w.Load
	}
	return s.Load.MergeDistributions(loads, (*record.Histogram).Summary)
}

// firstByte is nil where a window had no latency either: it is not recorded where
// every response came in one piece, for it is the latency then.
func (s *Sample) firstByte() *record.Distribution { return cmp.Or(s.Load.FirstByte, s.Load.Latency) }

// Spoiled says whether a gate fired that leaves no bound either.
func (s *Sample) Spoiled() bool {
	return slices.ContainsFunc(s.Gates, func(g record.Gate) bool { return !record.LowerBound(g.Name) })
}
