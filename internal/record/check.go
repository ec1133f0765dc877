package record

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hellobench/hellobench/internal/yamlfile"
)

const (
	// mostConnections and mostDuration are what no run has: whoever computes with
	// what is read need not fear for its numbers.
	mostConnections = 10_000_000
	mostDuration    = 24 * time.Hour
	// mostHDR is the length of a histogram with every count at its largest.
	mostHDR = 1 << 20
)

// runCheck collects what is wrong with a run.
type runCheck struct {
	*Run
	doc   *yamlfile.Document
	names []string // of arms, sorted
	errs  []error
}

// check finds what the schema of run.json cannot say: whether what it names is there.
func (r *Run) check(doc *yamlfile.Document) error {
	c := &runCheck{Run: r, doc: doc}
	for _, a := range r.Arms {
		c.names = append(c.names, a.Name)
	}
	slices.Sort(c.names)
	c.checkArms()
	for i, l := range r.Levels {
		if why := l.mistake(); why != "" {
			c.add(at("levels", i), "%s", why)
		}
	}
	for i := range r.Experiments {
		c.checkExperiment(i)
	}
	for b := range r.Plan {
		c.checkBlock(b)
	}
	if len(r.Plan) == 0 {
		c.add([]string{"plan"}, "has no block")
	}
	if r.Shard != nil && r.Shard.Index >= r.Shard.Of {
		c.add([]string{"shard", "index"}, "%d: of %d shards the last is %d", r.Shard.Index, r.Shard.Of, r.Shard.Of-1)
	}
	return errors.Join(c.errs...)
}

func (c *runCheck) add(path []string, format string, args ...any) {
	c.errs = append(c.errs, c.doc.Errorf(path, format, args...))
}

// at is the path of the i-th of a list.
func at(list string, i int, more ...string) []string {
	return append([]string{list, strconv.Itoa(i)}, more...)
}

func (c *runCheck) checkArms() {
	for i, a := range c.Arms {
		if slices.ContainsFunc(c.Arms[:i], func(o Arm) bool { return o.Name == a.Name }) {
			c.add(at("arms", i), "%q is there twice", a.Name)
		}
		if strings.ContainsFunc(a.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			c.add(at("arms", i), "%q holds a character that cannot be printed", a.Name)
		}
	}
	for i, a := range c.Arms {
		c.checkName(a.Replicate, at("arms", i, "replicate"))
	}
	for i, m := range c.Missing {
		c.checkName(m.Arm, at("missing", i, "arm"))
	}
}

// checkName refuses an arm that the run does not have; "" is none.
func (c *runCheck) checkName(arm string, path []string) {
	if _, found := slices.BinarySearch(c.names, arm); arm != "" && !found {
		c.add(path, "there is no arm %q in arms%s", arm, yamlfile.DidYouMean(arm, c.names))
	}
}

func (c *runCheck) checkExperiment(i int) {
	e := &c.Experiments[i]
	for j, arm := range e.Arms {
		c.checkName(arm, at("experiments", i, "arms", strconv.Itoa(j)))
	}
	c.checkLevels(e.Levels, at("experiments", i, "levels"))
	if e.Blocks.Min > e.Blocks.Max {
		c.add(at("experiments", i, "blocks"), "min %d is above max %d", e.Blocks.Min, e.Blocks.Max)
	}
}

func (c *runCheck) checkLevels(levels []int, path []string) {
	for k, l := range levels {
		if l >= len(c.Levels) {
			c.add(append(slices.Clone(path), strconv.Itoa(k)), "%d: there are %d levels, counted from 0", l, len(c.Levels))
		}
	}
}

func (c *runCheck) checkBlock(b int) {
	block := &c.Plan[b]
	if block.Experiment >= len(c.Experiments) {
		c.add(at("plan", b, "experiment"), "%d: there are %d experiments, counted from 0", block.Experiment, len(c.Experiments))
	} else if most := c.Experiments[block.Experiment].Blocks.Max; block.Number >= most {
		c.add(at("plan", b), "is block %d of an experiment that has up to %d", block.Number+1, most)
	}
	had := map[string]bool{}
	trials := []string{"trials"}
	if c.Schema < 2 { // the block was the list itself
		trials = nil
	}
	for j, p := range block.Trials {
		path := at("plan", b, append(slices.Clone(trials), strconv.Itoa(j))...)
		if c.checkName(p.Arm, append(slices.Clone(path), "arm")); had[p.Arm] {
			c.add(append(slices.Clone(path), "arm"), "%q is in the block twice", p.Arm)
		}
		had[p.Arm] = true
		c.checkLevels(p.Levels, append(slices.Clone(path), "levels"))
	}
}

// TrialsOf reads the journal of a run and holds each trial against the plan. A
// mistake says the line.
func TrialsOf(dir string, run *Run) ([]Trial, error) {
	trials, err := ReadTrials(dir)
	if err != nil {
		return nil, err
	}
	type place struct{ block, position int }
	lines := map[place]int{}
	var errs []error
	for i := range trials {
		t, line := &trials[i], i+1
		path, why := t.mistake(run)
		if first := lines[place{t.Block, t.Position}]; why == "" && first > 0 {
			why = fmt.Sprintf("block %d has its trial of %q in line %d already", t.Block, t.Arm, first)
		}
		lines[place{t.Block, t.Position}] = line
		if why != "" {
			errs = append(errs, &yamlfile.Error{File: trialsFile(dir), Line: line, Path: path, Msg: why})
		}
	}
	return trials, errors.Join(errs...)
}

// mistake says why a run can have no such trial, and where in it, "" if it can.
func (t *Trial) mistake(run *Run) (path, why string) {
	switch {
	case t.Schema != run.Schema:
		return "schema", fmt.Sprintf("%d: want %d, as in %s", t.Schema, run.Schema, RunFile)
	case t.Block < 0 || t.Block >= len(run.Plan):
		return "block", fmt.Sprintf("%d: the plan in %s has %d, counted from 0", t.Block, RunFile, len(run.Plan))
	case !run.Shard.Has(t.Block):
		return "block", fmt.Sprintf("%d: is no part of this run, which is shard %d of %d", t.Block, run.Shard.Index+1, run.Shard.Of)
	case t.Position < 0 || t.Position >= len(run.Plan[t.Block].Trials):
		return "position", fmt.Sprintf("%d: block %d has %d trials, counted from 0", t.Position, t.Block, len(run.Plan[t.Block].Trials))
	case run.Plan[t.Block].Trials[t.Position].Arm != t.Arm:
		return "arm", fmt.Sprintf("%q: at this position of block %d the plan in %s has %q", t.Arm, t.Block, RunFile, run.Plan[t.Block].Trials[t.Position].Arm)
	case len(t.Windows) == 0 && t.Failure == "":
		return "windows", "there are none, and no failure says why"
	case t.Start.IsZero():
		return "start", "is missing"
	case t.Startup < 0 || t.Startup > mostDuration:
		return "startup_ns", outside(t.Startup)
	case !t.Idle.possible():
		return "idle", "has a negative number"
	}
	for i := range t.Windows {
		if path, why := t.Windows[i].mistake(run); why != "" {
			return strings.TrimSuffix("windows."+strconv.Itoa(i)+"."+path, "."), why
		}
	}
	return "", ""
}

func outside(d time.Duration) string {
	return fmt.Sprintf("%d: want from 0 to %d ns", d.Nanoseconds(), mostDuration.Nanoseconds())
}

func (u *Usage) possible() bool {
	return u.CPU.possible() && u.Threads >= 0 && u.Processes >= 0
}

func (c CPU) possible() bool { return c.User >= 0 && c.System >= 0 }

func (w *Window) mistake(run *Run) (path, why string) {
	m := &w.Load
	switch {
	case w.Level.mistake() != "":
		return "level", w.Level.mistake()
	case !w.Warmup && !slices.Contains(run.Levels, w.Level): // a warm-up has a level of its own
		return "level", fmt.Sprintf("%v: there is no such level in %s", w.Level, RunFile)
	case w.Start.IsZero():
		return "start", "is missing"
	case m.Duration < 0 || m.Duration > mostDuration:
		return "load.duration_ns", outside(m.Duration)
	case m.LeadIn < 0, m.Accepted < 0, m.Connections < 0, m.Connections > mostConnections, m.Established < 0, m.Offered < 0, m.InFlight < 0, !m.CPU.possible():
		return "load", "has a negative number, or too large a one"
	case m.OK > m.Requests || m.Completed > m.OK && m.LeadIn == 0:
		return "load", fmt.Sprintf("of %d requests %d were correct, %d of them inside the window", m.Requests, m.OK, m.Completed)
	case m.Latency == nil: // every engine has one, if without samples
		return "load.latency", "is missing"
	case !w.Server.possible():
		return "server", "has a negative number"
	case w.Host.Elapsed < 0, w.Host.Others < 0, w.Host.Steal < 0, w.Host.Throttled < 0:
		return "host", "has a negative number"
	case w.Beside < 0, w.Held < 0, w.Pass < 0, w.Others < 0:
		return "", "has a negative number"
	case slices.ContainsFunc(m.Bins, func(b Bin) bool { return b.P50 < 0 }):
		return "load.bins", "has a negative number"
	case slices.ContainsFunc(w.Probes, func(p Probe) bool { return p.Rate <= 0 || p.Trials < 1 }):
		return "probes", "has a rate that is not above 0, or no trials"
	}
	for _, d := range []struct {
		name string
		*Distribution
	}{{"latency", m.Latency}, {"service", m.Service}, {"slip", m.Slip}, {"first_byte", m.FirstByte}} {
		if d.Distribution != nil && !d.possible() {
			return "load." + d.name, "has a negative number, or a histogram that is too long"
		}
	}
	return "", ""
}

func (d *Distribution) possible() bool {
	for _, p := range []*time.Duration{d.P50, d.P90, d.P95, d.P99, d.P999} {
		if p != nil && *p < 0 {
			return false
		}
	}
	return d.Count >= 0 && d.Mean >= 0 && d.Max >= 0 && len(d.HDR) <= mostHDR
}
