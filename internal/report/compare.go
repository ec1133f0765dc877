package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/stats"
)

// Comparison sets two runs against one another, arm by arm and level by level.
type Comparison struct {
	Base        string      `json:"base"` // ids of the runs
	Head        string      `json:"head"`
	Reference   string      `json:"reference,omitempty"` // the arm whose value divides each, block by block; empty: absolute figures
	Margin      float64     `json:"margin"`
	Confidence  float64     `json:"confidence"` // of each interval, so that all together attain Confidence of the report
	Machines    Differences `json:"machines"`   // of the two machines; none: they are the same
	Invalid     []string    `json:"invalid"`    // runs that the machine spoiled: of them nothing is compared but servers that failed
	Warnings    []string    `json:"warnings"`
	Rows        []Change    `json:"rows"`
	Regressions int         `json:"regressions"`
}

// Differences are what two runs, or two machines, do not have in common.
type Differences []record.Difference

func (d Differences) String() string {
	words := make([]string, len(d))
	for i := range d {
		words[i] = d[i].String()
	}
	return strings.Join(words, ", ")
}

// Answered is how many rows say how head stands to base.
func (c *Comparison) Answered() int { return c.Count(Same, Better, Worse) }

// Count is how many rows have one of the outcomes.
func (c *Comparison) Count(outcomes ...Outcome) (n int) {
	for i := range c.Rows {
		if slices.Contains(outcomes, c.Rows[i].Outcome) {
			n++
		}
	}
	return n
}

// Outcome says how head stands to base in one row.
type Outcome string

// The outcomes of a row.
const (
	Same         Outcome = "~"            // no difference beyond the margin can be told from chance
	Better       Outcome = "better"       // the whole interval is beyond the margin
	Worse        Outcome = "worse"        // a regression
	OtherMachine Outcome = "?"            // the machines differ, and what the ratio shows may be theirs
	TooNoisy     Outcome = "too noisy"    // not even a change by blindFrom could have been seen
	NotComputed  Outcome = "not computed" // Reason says why
)

// blindFrom is the ratio that a row has to be able to see for its silence to mean anything.
const blindFrom = 2

// Change is one metric of one arm at one level.
type Change struct {
	Arm     string         `json:"arm"`
	Level   string         `json:"level"`
	Metric  string         `json:"metric"`            // throughput, p50, p99, cpu or Works, which has no ratio
	Ratio   stats.Interval `json:"ratio"`             // head over base, as measured: above 1 is more of the metric
	Visible float64        `json:"visible,omitempty"` // the ratio, either way, from which on a change would have been seen: the margin and half the interval
	Blocks  [2]int         `json:"blocks"`            // of base and head
	Outcome Outcome        `json:"outcome"`
	Reason  string         `json:"reason,omitempty"`
}

// Works is the metric of a row where the server of one run failed by itself, and that of the other did not.
const Works = "works"

// Compare holds head against base. Blocks of two runs are no pairs, so the
// ratios are those of independent samples (stats.UnpairedRatio), with
// Bonferroni's correction over the rows; a difference counts only where it is
// beyond the margin. Two
// sittings of one machine differ in more than the code: with a reference arm
// every value is divided by that arm's in the same block first, and what the
// machine did to both cancels. Between two machines nothing else is an answer.
//
// Runs of different methods are refused.
func Compare(base, head *Document, reference string, margin float64) (*Comparison, error) {
	if other := methods(base, head); len(other) > 0 {
		words := "differ in their " + other[0].String()
		if d := other[0]; d.What == methodItself {
			words = fmt.Sprintf("were measured by different methods (%s and %s)", d.A, d.B)
		}
		return nil, fmt.Errorf("the runs %s: a change of method would be read as a change of speed", words)
	}
	c := &Comparison{Base: base.Asked.ID, Head: head.Asked.ID, Reference: reference, Margin: margin, Machines: machines(base, head), Invalid: []string{}, Rows: []Change{}}
	for _, d := range []*Document{base, head} {
		if d.Invalid() {
			c.Invalid = append(c.Invalid, d.Asked.ID)
		}
	}
	c.Warnings = c.doubts(base, head)
	for _, cell := range base.Cells {
		other := head.Cell(cell.Arm, cell.Level)
		if other == nil || base.Arm(cell.Arm).Role != Competitor || cell.Arm == reference {
			continue
		}
		for _, m := range sample.OfRuns() {
			c.Rows = append(c.Rows, Change{Arm: cell.Arm, Level: cell.Level, Metric: m.Short})
		}
	}
	ratios := c.Rows
	c.Rows = []Change{}
	c.compareBreakdowns(base, head)
	if len(ratios)+len(c.Rows) == 0 {
		return nil, fmt.Errorf("%s and %s have no arm at the same level in common", c.Base, c.Head)
	}
	c.Confidence = 1 - (1-Confidence)/float64(max(len(ratios), 1)) // Bonferroni
	for i, m := range slices.Repeat(sample.OfRuns(), len(ratios)/len(sample.OfRuns())) {
		c.judge(&ratios[i], m, base, head)
	}
	c.Rows = slices.DeleteFunc(append(c.Rows, ratios...), func(r Change) bool { return r.Outcome == "" })
	if len(c.Rows) == 0 {
		return nil, fmt.Errorf("%s and %s have no figure in common that could be taken over %s: both runs must have measured it at the same level", c.Base, c.Head, reference)
	}
	return c, nil
}

// methodItself is the fingerprint among what methods compares.
const methodItself = "method"

// methods says in what two runs were not measured alike.
func methods(base, head *Document) Differences {
	out := Differences{}
	a, b := &base.Asked, &head.Asked
	for _, part := range []struct {
		what string
		a, b any
	}{
		{methodItself, a.Method, b.Method},
		{"windows", a.WindowS, b.WindowS},
		{"windows of experiments", windows(base), windows(head)},
		{"long windows", a.LongWindowS, b.LongWindowS},
		{"warm-up", a.WarmupS, b.WarmupS},
		{"timeout", a.TimeoutS, b.TimeoutS},
		{"load engine", a.Engine.Name, b.Engine.Name},
	} {
		if part.a != part.b {
			out = append(out, record.Difference{What: part.what, A: fmt.Sprint(part.a), B: fmt.Sprint(part.b)})
		}
	}
	return out
}

// windows are the lengths of all experiments' windows and lead-ins.
func windows(d *Document) (text string) {
	for i := range d.table.Run.Experiments {
		e := &d.table.Run.Experiments[i]
		text += fmt.Sprintf("%v after %v of lead-in for %s; ", e.Window, e.LeadIn, e.Name)
	}
	return strings.TrimSuffix(text, "; ")
}

// doubts says in what the two sittings differ besides the code.
func (c *Comparison) doubts(base, head *Document) []string {
	out := []string{}
	if len(c.Machines) > 0 {
		s := "The machines differ: " + c.Machines.String() + ". "
		if c.Reference == "" {
			s += "An absolute figure of one says nothing of the other."
		} else {
			s += "Figures over " + c.Reference + " are free of what a machine does to both alike, and of no more."
		}
		out = append(out, s)
	} else if base.Environment.CPU == "" {
		out = append(out, "Neither run recorded its processor: whether the machine is the same is not known.")
	}
	for _, part := range []struct{ what, a, b string }{
		{"kernel", base.Environment.Kernel, head.Environment.Kernel},
		{"governor", base.Environment.Governor, head.Environment.Governor},
	} {
		if part.a != part.b {
			out = append(out, fmt.Sprintf("The %s is not the same (%s and %s). What differs may come from it.", part.what, cmp.Or(part.a, "unknown"), cmp.Or(part.b, "unknown")))
		}
	}
	return out
}

// judge fills in a row; one without values on both sides stays without an outcome.
func (c *Comparison) judge(r *Change, m *sample.Metric, base, head *Document) {
	var values [2][]float64
	for k, d := range []*Document{base, head} {
		var reason string
		if values[k], reason = c.values(r, m, d); reason != "" {
			r.Outcome, r.Reason = NotComputed, reason
			return
		}
		r.Blocks[k] = len(values[k])
	}
	if r.Blocks[0] == 0 || r.Blocks[1] == 0 {
		return
	}
	ratio, err := stats.UnpairedRatio(values[1], values[0], c.Confidence)
	if err != nil {
		r.Outcome, r.Reason = NotComputed, err.Error()
		return
	}
	r.Ratio = stats.Interval{Low: number(ratio.Low), Mid: number(ratio.Mid), High: number(min(ratio.High, math.MaxFloat64))}
	if len(c.Machines) > 0 && c.Reference == "" {
		r.Outcome = OtherMachine
		return
	}
	c.conclude(r, m, ratio)
}

// conclude holds a ratio against the margin.
func (c *Comparison) conclude(r *Change, m *sample.Metric, ratio stats.Interval) {
	bar := 1 + max(c.Margin, m.Margin)
	up, down := ratio.Low > bar, ratio.High < 1/bar
	r.Visible = number(min(bar*max(ratio.High/ratio.Mid, ratio.Mid/ratio.Low), math.MaxFloat64))
	switch {
	case !up && !down && !(r.Visible < blindFrom):
		r.Outcome, r.Reason = TooNoisy, fmt.Sprintf("a change by less than %.3gx could not have been seen", r.Visible)
	case !up && !down:
		r.Outcome = Same
	case up == m.HigherIsBetter:
		r.Outcome = Better
	default:
		r.Outcome = Worse
		c.Regressions++
	}
}

// values are those of one run in a row, or the reason why they are none to compare.
func (c *Comparison) values(r *Change, m *sample.Metric, d *Document) (values []float64, reason string) {
	if b := d.breakdown(r.Arm, r.Level); b != nil {
		if slices.ContainsFunc(c.Rows, func(w Change) bool { return w.Metric == Works && w.Arm == r.Arm && w.Level == r.Level }) {
			return nil, "" // a row of its own says so
		}
		return nil, fmt.Sprintf("in %s %v", d.Asked.ID, b)
	}
	if slices.Contains(c.Invalid, d.Asked.ID) {
		return nil, d.Asked.ID + " is invalid: the machine spoiled every figure or every block"
	}
	values, lack := d.over(m, r.Arm, r.Level, c.Reference)
	if lack.Cause == sample.Gated {
		return nil, "a validity gate fired in " + d.Asked.ID
	}
	return values, ""
}

// over are the sound values of an arm at a level by block, each over the
// reference's in the same block if there is one. Throughput is taken over the
// null server's at the one level that it has.
func (d *Document) over(m *sample.Metric, arm, level, reference string) ([]float64, sample.Lack) {
	side := sample.Side{Arm: arm, Level: d.Level(level).Level}
	if reference != "" {
		side.Over = &sample.Side{Arm: reference, Level: side.Level}
		i := slices.IndexFunc(d.Cells, func(c Cell) bool { return c.Arm == reference })
		if d.Arm(reference).Role == Ceiling && m == sample.Throughput && i >= 0 && d.Cell(reference, level) == nil {
			side.Over.Level = d.Level(d.Cells[i].Level).Level
		}
	}
	return d.table.Values(m, side)
}
