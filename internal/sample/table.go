// Package sample is the one table of a run: what every arm did at every level
// in every block, and the metrics that can be taken of it. Whatever is concluded
// or shown of a run is read here, so that a figure has one value wherever it is.
//
// It decides which blocks count, how the windows of a start are merged, and
// which values of two arms make pairs. It draws no conclusion and rounds nothing.
package sample

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// Table holds the samples of a run. It is not changed after New.
type Table struct {
	Run    *record.Run
	Trials []*record.Trial // of all blocks, in the order of their blocks and positions
	Blocks Blocks

	starts  map[string][]*record.Trial // by arm and block
	samples map[place][]*Sample        // by block
}

type place struct {
	arm   string
	level record.Level
}

// Sample is one arm at one level in one block: its windows, merged.
type Sample struct {
	Trial   *record.Trial
	Level   record.Level
	Load    record.Measurement // counts added up, latencies merged
	Server  record.Usage       // processor time added up; of all else the most
	Gates   []record.Gate      // that failed, each name once
	Odd     []record.Oddity    // of the latencies
	Failed  string             // by what the server itself failed; empty: it did not, or the machine may be the cause
	HeldSLO bool               // a search under the SLO found a rate that holds it
}

// New makes the table of a run. The trials must be the run's (record.TrialsOf);
// it keeps pointers to them. It fails where a histogram has to be merged and is damaged.
func New(run *record.Run, trials []record.Trial) (*Table, error) {
	t := &Table{Run: run, starts: map[string][]*record.Trial{}, samples: map[place][]*Sample{}}
	blocks := len(run.Plan)
	for i := range trials {
		trial := &trials[i]
		t.Trials = append(t.Trials, trial)
		row(t.starts, trial.Arm, blocks)[trial.Block] = trial
		for j := range trial.Windows {
			w := &trial.Windows[j]
			if w.Warmup {
				continue
			}
			samples := row(t.samples, place{trial.Arm, w.Level}, blocks)
			s := samples[trial.Block]
			if s == nil {
				s = &Sample{Trial: trial, Level: w.Level}
				samples[trial.Block] = s
			}
			if err := s.add(w); err != nil {
				return nil, fmt.Errorf("block %d, arm %q at %v: %w", trial.Block+1, trial.Arm, w.Level, err)
			}
		}
	}
	slices.SortStableFunc(t.Trials, func(a, b *record.Trial) int {
		return cmp.Or(cmp.Compare(a.Block, b.Block), cmp.Compare(a.Position, b.Position))
	})
	t.Blocks = blocksOf(run, t.Trials)
	return t, nil
}

// row is that of a key, with a place for each block.
func row[K comparable, V any](rows map[K][]*V, key K, blocks int) []*V {
	if rows[key] == nil {
		rows[key] = make([]*V, blocks)
	}
	return rows[key]
}

// Start is an arm's trial in a block, nil where it has none.
func (t *Table) Start(arm string, block int) *record.Trial { return in(t.starts[arm], block) }

// At is the sample of an arm at a level in a block, nil where it has none.
func (t *Table) At(arm string, level record.Level, block int) *Sample {
	return in(t.samples[place{arm, level}], block)
}

func in[V any](row []*V, block int) *V {
	if row == nil {
		return nil
	}
	return row[block]
}

// add merges a window into the sample.
func (s *Sample) add(w *record.Window) error {
	if s.Load.Latency == nil { // the first
		s.Load = w.Load
	} else if err := s.merge(&w.Load); err != nil {
		return err
	}
	s.Server.CPU = s.Server.CPU.Add(w.Server.CPU)
	s.Server.RSS, s.Server.PSS = max(s.Server.RSS, w.Server.RSS), max(s.Server.PSS, w.Server.PSS)
	s.Server.Threads, s.Server.Processes = max(s.Server.Threads, w.Server.Threads), max(s.Server.Processes, w.Server.Processes)
	for _, g := range w.Gates {
		if !slices.ContainsFunc(s.Gates, func(h record.Gate) bool { return h.Name == g.Name }) {
			s.Gates = append(s.Gates, g)
		}
	}
	for _, o := range w.Load.Oddities() {
		if !slices.Contains(s.Odd, o) {
			s.Odd = append(s.Odd, o)
		}
	}
	s.Failed = cmp.Or(s.Failed, w.ServerFailed())
	s.HeldSLO = s.HeldSLO || w.HeldSLO()
	return nil
}

// merge adds another window's counts and latencies to those of the windows before.
func (s *Sample) merge(m *record.Measurement) error {
	first := s.firstByte()
	for _, d := range []struct {
		to   **record.Distribution
		with *record.Distribution
	}{{&s.Load.Latency, m.Latency}, {&s.Load.Service, m.Service}, {&s.Load.Slip, m.Slip}} {
		both, err := merged(*d.to, d.with)
		if err != nil {
			return err
		}
		*d.to = both
	}
	if s.Load.FirstByte != nil || m.FirstByte != nil {
		var err error
		if s.Load.FirstByte, err = merged(first, cmp.Or(m.FirstByte, m.Latency)); err != nil {
			return err
		}
	}
	s.Load.Add(m)
	s.Load.BytesIn += m.BytesIn
	return nil
}

// merged is the distribution of what both have, nil where neither has any.
func merged(a, b *record.Distribution) (*record.Distribution, error) {
	if a == nil || b == nil {
		return cmp.Or(a, b), nil
	}
	all, err := a.Histogram()
	if err != nil {
		return nil, err
	}
	more, err := b.Histogram()
	if err != nil {
		return nil, err
	}
	all.Merge(more)
	return all.Distribution(), nil
}

// firstByte is nil where a window had no latency either: it is not recorded where
// every response came in one piece, for it is the latency then.
func (s *Sample) firstByte() *record.Distribution { return cmp.Or(s.Load.FirstByte, s.Load.Latency) }

// Spoiled says whether a gate fired that leaves no bound either.
func (s *Sample) Spoiled() bool {
	return slices.ContainsFunc(s.Gates, func(g record.Gate) bool { return !record.LowerBound(g.Name) })
}
