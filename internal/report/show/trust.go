package show

import (
	"fmt"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/stats"
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
	if d.Blocks.Provisional {
		title = "Blocks that are not complete"
	}
	g := grid(title, "Block", ">Trials", "Why")
	for _, p := range d.Blocks.Partial {
		g.add(blockName(p.Experiment, p.Number), fmt.Sprint(p.Trials), "lacks "+texts(p.Absent))
	}
	return g
}

// blockName is what people call a block: by its number among those of its experiment.
func blockName(experiment string, number int) string {
	return Text(fmt.Sprintf("%s, block %d", experiment, number+1))
}

// experiments lists what was measured side by side.
func experiments(d *report.Document) *Grid {
	g := grid("Experiments: what was measured side by side", "Experiment", "Arms", "Levels", ">Blocks", ">Passes", ">Window", ">Windows", ">Left out")
	for i := range d.Experiments {
		e := &d.Experiments[i]
		g.add(Text(e.Name), texts(e.Arms), texts(e.Levels), fmt.Sprintf("%d, at most %d", e.Blocks, e.Most), fmt.Sprint(e.Passes), Seconds(e.WindowS), fmt.Sprint(e.Windows), fmt.Sprint(e.Lost))
	}
	g.note("an experiment ends when its intervals are narrow enough, or its most blocks or the run's time are used up; left out: windows of rounds that the machine disturbed, for all arms")
	return g
}

// precision lists where the variance is, and how the time would be spent best.
func precision(d *report.Document) *Grid {
	g := grid("Where the variance is, and how to spend the time", "Experiment", "Metric", ">SD of a start", ">SD of a round", ">A start costs", ">A pass costs", ">Best passes", ">Blocks for the goal")
	g.Keys = 2
	blocks := func(n int) string {
		if n >= stats.MostStarts {
			return fmt.Sprintf("%d or more", n)
		}
		return fmt.Sprint(n)
	}
	percent := func(sd float64) string { return fmt.Sprintf("%.1f%%", 100*sd) }
	for i := range d.Experiments {
		for _, p := range d.Experiments[i].Precision {
			g.add(Text(d.Experiments[i].Name), Text(p.Metric), percent(p.StartSD), percent(p.RoundSD), Seconds(p.StartS), Seconds(p.PassS), fmt.Sprint(p.BestPasses), fmt.Sprintf("%s for ±%.0f%%", blocks(p.Blocks), 100*p.Goal))
		}
	}
	g.note("standard deviations of the ratio of two arms; a start is the whole block without its passes (Kalibera & Jones 2013)")
	return g
}

// failures lists the starts that ended early.
func failures(d *report.Document) *Grid {
	g := grid("Starts that failed or ended early", "Block", "Arm", "Why")
	for _, f := range d.Failures {
		g.add(blockName(f.Experiment, f.Number), Text(f.Arm), Text(f.Reason))
	}
	return g
}

// missing lists the arms that took no part.
func missing(d *report.Document) *Grid {
	g := grid("Arms that took no part", "Arm", "Why", "How to fix it")
	for _, m := range d.Missing {
		g.add(Text(m.Arm), Text(m.Reason), Text(m.Hint))
	}
	return g
}
