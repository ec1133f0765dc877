package claims

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// impossible says why a comparison cannot be made in this run, if it cannot.
func (e *evaluation) impossible(cmp Comparison) sample.Lack {
	if cores := len(e.table.Run.ServerCPUs); cmp.Cores > cores && cores > 0 {
		return sample.Lack{Cause: sample.NoCores, Detail: fmt.Sprintf("needs %d server cores; this run had %d", cmp.Cores, cores)}
	}
	for _, arm := range []string{cmp.A, cmp.B, cmp.AOver, cmp.BOver} {
		if arm == "" {
			continue
		}
		if why := e.absent(arm); why != (sample.Lack{}) {
			return why
		}
	}
	return sample.Lack{}
}

// forbidden says why a cell can have no answer in this run, if it cannot.
func (e *evaluation) forbidden(c Comparison, level record.Level, against record.Level) sample.Lack {
	if c.metric().OfStart {
		return e.impossible(c) // the level is but a name
	}
	return cmp.Or(e.impossible(c), e.unreachable(level), e.unreachable(against))
}

// unreachable says why no trial visits a level, if none does.
func (e *evaluation) unreachable(level record.Level) sample.Lack {
	for _, u := range e.table.Run.Unreachable {
		if u.Level == level {
			return sample.Lack{Cause: sample.NoSample, Detail: u.Reason}
		}
	}
	return sample.Lack{}
}

// absent says why an arm has no samples, if it should have none.
func (e *evaluation) absent(arm string) sample.Lack {
	run := e.table.Run
	if i := slices.IndexFunc(run.Missing, func(m record.Missing) bool { return m.Arm == arm }); i >= 0 {
		reason := run.Missing[i].Reason
		if run.TooFewCores(arm) {
			return sample.Lack{Cause: sample.NoCores, Detail: reason}
		}
		return sample.Lack{Cause: sample.NoArm, Detail: arm + ": " + reason}
	}
	if !slices.ContainsFunc(run.Arms, func(a record.Arm) bool { return a.Name == arm }) {
		return sample.Lack{Cause: sample.NoArm, Detail: fmt.Sprintf("%s was not part of this run", arm)}
	}
	return sample.Lack{}
}

// against is what A is compared with at a level, with its name.
func (c *Comparison) against(level record.Level) (other sample.Side, name string) {
	switch {
	case c.Limit > 0:
		limit := fmt.Sprintf("%g", c.Limit)
		if c.metric().Unit == sample.Seconds {
			limit = time.Duration(c.Limit * float64(time.Second)).String()
		}
		return sample.Side{Figure: c.Limit}, "the limit of " + limit
	case c.Delay > 0:
		return sample.Side{Figure: float64(level.Connections) / c.Delay.Seconds()}, fmt.Sprintf("connections that only wait %v", c.Delay)
	case c.Baseline > 0:
		level = record.Level{Connections: c.Baseline}
	}
	return side(c.B, c.BOver, level), c.B
}

// side is an arm at a level, over another one where a speed-up is compared.
func side(arm, over string, level record.Level) sample.Side {
	s := sample.Side{Arm: arm, Level: level}
	if over != "" {
		s.Over = &sample.Side{Arm: over, Level: level}
	}
	return s
}
