package show

import (
	"fmt"

	"github.com/hellobench/hellobench/internal/report"
)

// gates lists the gates that fired in the run.
func gates(d *report.Document) *Grid {
	g := grid("Gates that fired", "Gate", ">Starts", "Where", "For example")
	for i := range d.Gates {
		t := &d.Gates[i]
		g.add(Text(t.Name), fmt.Sprint(t.Count), texts(t.Cells), Text(t.Detail))
	}
	return g
}

// blocks lists the blocks that do not count, with all that they lack.
func blocks(d *report.Document) *Grid {
	title := "Blocks that do not count"
	if d.Blocks.Provisional && len(d.Blocks.Disturbed) == 0 {
		title = "Blocks that are not complete"
	}
	g := grid(title, ">Block", ">Trials", "Why")
	for _, p := range d.Blocks.Partial {
		g.add(fmt.Sprint(p.Block+1), fmt.Sprint(p.Trials), lacks(p.Absent))
	}
	for _, b := range d.Blocks.Disturbed {
		g.add(fmt.Sprint(b.Block+1), "all", "the machine was not the same: "+Text(b.Reason))
	}
	return g
}

// lacks says what a block does not have.
func lacks(arms []string) string {
	if len(arms) == 0 {
		return "is not in the plan"
	}
	return "lacks " + texts(arms)
}

// canary is the null server before and after each block, over the middle of the run.
func canary(d *report.Document) *Grid {
	g := grid("Canary: the null server before and after each block", ">Block", ">Before, req/s", ">After, req/s", ">After over before", "The block")
	for i := range d.Canary {
		c := &d.Canary[i]
		before, after, ratio, counts := None, None, None, "counts"
		if c.Before > 0 {
			before = Number(c.Before)
		}
		if c.After > 0 {
			after = Number(c.After)
		}
		if c.Before > 0 && c.After > 0 {
			ratio = Number(c.After / c.Before)
		}
		if c.Reason != "" {
			counts = "does not count: " + Text(c.Reason)
		}
		g.add(fmt.Sprint(c.Block+1), before, after, ratio, counts)
	}
	g.note("the null server does the same work each time: what moves it is the machine")
	return g
}

// failures lists the starts that ended early.
func failures(d *report.Document) *Grid {
	g := grid("Starts that failed or ended early", ">Block", "Arm", "Why")
	for _, f := range d.Failures {
		g.add(fmt.Sprint(f.Block+1), Text(f.Arm), Text(f.Reason))
	}
	return g
}

// missing lists the arms that took no part.
func missing(d *report.Document) *Grid {
	g := grid("Arms that took no part", "Arm", "Why", "What mends it")
	for _, m := range d.Missing {
		g.add(Text(m.Arm), Text(m.Reason), Text(m.Hint))
	}
	return g
}
