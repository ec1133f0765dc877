package report

import (
	"cmp"
	"fmt"
	"slices"
)

// broken says whether the server failed in half or more of the starts that tell:
// what fails on a disturbed machine may be no fault of the server's.
func (c *Cell) broken() bool { return c.Broken > 0 && 2*c.Broken >= c.Trials-c.Unclear }

// works says whether the server answered as it should in most of the starts, on
// however noisy a machine.
func (c *Cell) works() bool { return 2*(c.Broken+c.Unclear) < c.Trials }

// breakdowns lists the competitors that failed by what they did themselves.
func breakdowns(d *Document) []Breakdown {
	out := []Breakdown{}
	for i := range d.Cells {
		c := &d.Cells[i]
		if c.broken() && d.Arm(c.Arm).Role == Competitor {
			out = append(out, Breakdown{Arm: c.Arm, Level: c.Level, Starts: c.Broken, Of: c.Trials, Detail: c.BrokenBy})
		}
	}
	for i := range d.Starts {
		s := &d.Starts[i]
		b := Breakdown{Arm: s.Arm, Of: s.Trials}
		for _, f := range d.Failures {
			if f.Arm == s.Arm && f.Server {
				b.Starts++
				b.Detail = cmp.Or(b.Detail, f.Reason)
			}
		}
		if b.Starts > 0 && 2*b.Starts >= b.Of && d.Arm(s.Arm).Role == Competitor {
			out = append(out, b)
		}
	}
	return out
}

// FailedServers are the breakdowns that a run has to answer for. That a crowd of
// connections breaks a server is what such a level is there to find, as long as
// the server is sound at others.
func (d *Document) FailedServers() []Breakdown {
	return slices.DeleteFunc(slices.Clone(d.Breakdowns), func(b Breakdown) bool {
		i := slices.IndexFunc(d.Levels, func(l Level) bool { return l.Name == b.Level })
		return i >= 0 && d.Levels[i].Crowd() && slices.ContainsFunc(d.Cells, func(c Cell) bool { return c.Arm == b.Arm && !c.broken() })
	})
}

// breakdown is an arm's at a level, or its end in the middle; nil where there is none.
func (d *Document) breakdown(arm, level string) *Breakdown {
	i := slices.IndexFunc(d.Breakdowns, func(b Breakdown) bool { return b.Arm == arm && (b.Level == level || b.Level == "") })
	if i < 0 {
		return nil
	}
	return &d.Breakdowns[i]
}

// compareBreakdowns adds a row for every arm and level at which a server failed in
// head, or has no figure there, and worked in base; or the other way round.
func (c *Comparison) compareBreakdowns(base, head *Document) {
	for _, cell := range base.Cells {
		if base.Arm(cell.Arm).Role != Competitor || head.Arm(cell.Arm).Role != Competitor || base.breakdown(cell.Arm, "") != nil || !cell.works() {
			continue
		}
		r := Change{Arm: cell.Arm, Level: cell.Level, Metric: Works, Blocks: [2]int{cell.Trials, 0}}
		b, in := head.breakdown(cell.Arm, cell.Level), head.Cell(cell.Arm, cell.Level)
		switch {
		case b != nil:
			r.Outcome, r.Reason, r.Blocks[1] = Worse, b.String(), b.Of
			c.Regressions++
		case in == nil:
			r.Outcome, r.Reason = NotComputed, head.absence(cell.Arm)
		case !in.works():
			r.Outcome, r.Reason, r.Blocks[1] = NotComputed, fmt.Sprintf("it failed in %d of %d starts, or the machine did", in.Broken+in.Unclear, in.Trials), in.Trials
		default:
			continue
		}
		c.Rows = append(c.Rows, r)
	}
	for _, cell := range head.Cells {
		if head.Arm(cell.Arm).Role == Competitor && head.breakdown(cell.Arm, "") == nil && cell.works() {
			if b := base.breakdown(cell.Arm, cell.Level); b != nil {
				c.Rows = append(c.Rows, Change{Arm: cell.Arm, Level: cell.Level, Metric: Works, Blocks: [2]int{b.Of, cell.Trials}, Outcome: Better, Reason: "before: " + b.String()})
			}
		}
	}
}

// absence says why an arm has no figure at a level.
func (d *Document) absence(arm string) string {
	for _, m := range d.Missing {
		if m.Arm == arm {
			return m.Reason
		}
	}
	for _, f := range d.Failures {
		if f.Arm == arm {
			return f.Reason
		}
	}
	return "it was not measured in " + d.Asked.ID
}
