package sample

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hellobench/hellobench/internal/record"
)

// round is one visit of every arm: a level in a pass of a block.
type round struct {
	level record.Level
	pass  int
}

// visits is the windows of one arm at one level in a block.
type visits struct {
	trial   *record.Trial
	level   record.Level
	windows []*record.Window
}

// addBlock makes the samples of a block. A round that the machine disturbed for one
// arm is left out for all of them, so that what is dropped is balanced. An arm that
// the same gate hits in most of its rounds is not disturbed: that is how it is here,
// and it takes nothing from the others.
func (t *Table) addBlock(trials []*record.Trial) error {
	var all []*visits
	disturbed := map[round]string{}
	for _, trial := range trials {
		for _, v := range visitsOf(trial) {
			all = append(all, v)
			often := v.often(func(g record.Gate) bool { return record.OfRound(g.Name) })
			for _, w := range v.windows {
				for _, g := range w.Gates {
					if record.OfRound(g.Name) && !slices.ContainsFunc(often, func(o record.Gate) bool { return o.Name == g.Name }) {
						disturbed[round{w.Level, w.Pass}] = g.Detail
					}
				}
			}
		}
	}
	for _, v := range all {
		s, err := v.sample(disturbed)
		if err != nil {
			return fmt.Errorf("block %d, arm %q at %v: %w", v.trial.Block+1, v.trial.Arm, v.level, err)
		}
		row(t.samples, place{v.trial.Arm, v.level}, len(t.Run.Plan))[v.trial.Block] = s
	}
	return nil
}

func visitsOf(trial *record.Trial) (out []*visits) {
	for i := range trial.Windows {
		w := &trial.Windows[i]
		if w.Warmup {
			continue
		}
		k := slices.IndexFunc(out, func(v *visits) bool { return v.level == w.Level })
		if k < 0 {
			k = len(out)
			out = append(out, &visits{trial: trial, level: w.Level})
		}
		out[k].windows = append(out[k].windows, w)
	}
	return out
}

// often is the gates of some kind that failed in more than half of the windows, each name once.
func (v *visits) often(of func(record.Gate) bool) (gates []record.Gate) {
	count := map[string]int{}
	for _, w := range v.windows {
		for _, g := range w.Gates {
			if !of(g) {
				continue
			}
			if count[g.Name]++; 2*count[g.Name] > len(v.windows) && !slices.ContainsFunc(gates, func(o record.Gate) bool { return o.Name == g.Name }) {
				gates = append(gates, g)
			}
		}
	}
	return gates
}

// sample merges the windows of the rounds that count. Where fewer than half do, what
// is left would be a selection: all of them are merged, and the gate is the sample's.
func (v *visits) sample(disturbed map[round]string) (*Sample, error) {
	s := &Sample{Trial: v.trial, Level: v.level}
	var why string
	for _, w := range v.windows {
		if detail, out := disturbed[round{w.Level, w.Pass}]; out {
			s.Lost++
			why = detail
			continue
		}
		s.Rounds = append(s.Rounds, w)
	}
	all := len(v.windows)
	if 2*len(s.Rounds) < all {
		s.Rounds = v.windows
		s.Gates = append(s.Gates, record.Gate{Name: record.GateHostNoise, Detail: fmt.Sprintf("%d of %d rounds were disturbed: %s", s.Lost, all, why)})
		s.Lost = 0
	}
	for i, w := range s.Rounds {
		s.add(w, i == 0)
	}
	if err := s.merge(); err != nil {
		return nil, err
	}
	counted := visits{windows: s.Rounds}
	for _, g := range counted.often(func(record.Gate) bool { return true }) {
		s.gate(g)
	}
	return s, nil
}

func (s *Sample) gate(g record.Gate) {
	if !slices.ContainsFunc(s.Gates, func(h record.Gate) bool { return h.Name == g.Name }) {
		s.Gates = append(s.Gates, g)
	}
}

// add counts a window into the sample, all but its latencies.
func (s *Sample) add(w *record.Window, first bool) {
	if first {
		s.Load = w.Load
	} else {
		s.Load.Add(&w.Load)
	}
	s.Server.CPU = s.Server.CPU.Add(w.Server.CPU)
	s.Server.MainThread += w.Server.MainThread
	s.Server.Queued += w.Server.Queued
	s.Server.Slept += w.Server.Slept
	s.Server.Preempted += w.Server.Preempted
	s.Server.Faults += w.Server.Faults
	s.Server.RSS, s.Server.PSS = max(s.Server.RSS, w.Server.RSS), max(s.Server.PSS, w.Server.PSS)
	s.Server.Threads, s.Server.Processes = max(s.Server.Threads, w.Server.Threads), max(s.Server.Processes, w.Server.Processes)
	for _, g := range w.Gates {
		if record.OfServer(g.Name) { // which no machine makes, so that once is enough
			s.gate(g)
		}
	}
	for _, o := range w.Load.Oddities() {
		if !slices.Contains(s.Odd, o) {
			s.Odd = append(s.Odd, o)
		}
	}
	s.Failed = cmp.Or(s.Failed, w.ServerFailed())
	s.HeldSLO = s.HeldSLO || w.HeldSLO()
}

// round is the sample of one of its rounds.
func (s *Sample) round(i int) *Sample {
	w := s.Rounds[i]
	return &Sample{Trial: s.Trial, Level: s.Level, Load: w.Load, Server: w.Server, Rounds: s.Rounds[i : i+1], HeldSLO: w.HeldSLO()}
}
