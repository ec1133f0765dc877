package claims

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/stats"
)

// Evaluate gives every claim of the ledger its verdict from the complete
// blocks of a run.
//
// Intervals are at confidence 1 - alpha/m for m measured claims (Bonferroni), so that
// the whole ledger has at most the chance alpha of a false verdict; inside a
// claim no correction is needed, since it holds only if all of its
// conditions hold (intersection-union test, Berger 1982). Where a run may stop
// at several looks, each look has its part of alpha.
func Evaluate(l *Ledger, run *record.Run, trials []record.Trial) ([]Verdict, error) {
	e, err := newEvaluation(l, run, trials)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, 0, len(l.Claims))
	for _, c := range l.Claims {
		verdicts = append(verdicts, e.claim(c))
	}
	return verdicts, nil
}

func newEvaluation(l *Ledger, run *record.Run, trials []record.Trial) (*evaluation, error) {
	e := &evaluation{run: run, values: map[place]map[int]*sample{}, starts: map[string]map[int]*sample{}, failures: map[string]map[int]string{}}
	e.index(trials)
	alpha, err := alphaAt(l, run.Blocks, e.done)
	if err != nil {
		return nil, fmt.Errorf("evaluate ledger: %w", err)
	}
	e.confidence = 1 - alpha
	return e, nil
}

// alphaAt is the part of alpha for one claim's intervals after so many blocks.
func alphaAt(l *Ledger, blocks record.Range, done int) (float64, error) {
	confidence, err := stats.Bonferroni(1-l.Alpha, l.measured())
	if err != nil {
		return 0, err
	}
	looks := Looks(blocks)
	if len(looks) < 2 {
		return 1 - confidence, nil
	}
	parts, err := stats.SpendAlpha(stats.Pocock, 1-confidence, looks)
	if err != nil {
		return 0, err
	}
	// A run that ended between two looks did so for reasons that have nothing
	// to do with its figures, and stands in for the look to come.
	i, _ := slices.BinarySearch(looks, done)
	return parts[min(i, len(parts)-1)], nil
}

// Looks are the numbers of blocks after which a run looks whether its
// intervals are narrow enough: the least, the most, and the planned ones between.
func Looks(blocks record.Range) []int {
	if blocks.Min >= blocks.Max || blocks.Max < 2 {
		return nil
	}
	looks := []int{max(blocks.Min, 2)}
	for _, n := range stats.PlannedLooks() {
		if n > looks[0] && n < blocks.Max {
			looks = append(looks, n)
		}
	}
	if blocks.Max > looks[0] {
		looks = append(looks, blocks.Max)
	}
	return looks
}

// Precision says whether the intervals of all conditions are narrow enough to
// stop, and after how many blocks they should be, as far as that can be told.
// It looks at widths alone: a run never goes on until something comes out.
func Precision(l *Ledger, run *record.Run, trials []record.Trial) (enough bool, blocks int, err error) {
	e, err := newEvaluation(l, run, trials)
	if err != nil {
		return false, 0, err
	}
	if len(e.blocks) < 2 {
		return false, e.done + 1, nil // nothing is known yet of any width
	}
	counting := float64(e.done) / float64(len(e.blocks)) // blocks to be run for one that counts
	enough = true
	for _, c := range l.Claims {
		for _, cmp := range c.Comparisons {
			goal := metrics[cmp.Metric].goal
			for _, level := range e.levels(cmp) {
				cell := e.cell(c, cmp, level)
				if goal == 0 || cell.Verdict == NotTestable {
					continue // cannot become narrower by measuring more
				}
				if cell.Ratio.Mid == 0 { // the blocks differ too much for any interval
					enough, blocks = false, max(blocks, e.done+1)
					continue
				}
				over := math.Log1p(cell.Ratio.HalfWidth()) / math.Log1p(goal)
				enough = enough && over <= 1
				blocks = max(blocks, int(min(math.Ceil(float64(cell.Blocks)*over*over*counting), 1e6)))
			}
		}
	}
	return enough, blocks, nil
}

type evaluation struct {
	run        *record.Run
	confidence float64
	values     map[place]map[int]*sample  // by block
	starts     map[string]map[int]*sample // by arm and block: the trial alone
	failures   map[string]map[int]string  // by arm and block: why a trial has fewer windows than planned
	blocks     []int                      // the complete and undisturbed ones, in order
	done       int                        // complete ones, disturbed or not
}

type place struct {
	arm   string
	level record.Level
}

// sample is one window of one trial, or only the trial where a metric needs no window.
type sample struct {
	trial  *record.Trial
	window *record.Window
}

// index sorts the windows of the complete blocks.
func (e *evaluation) index(trials []record.Trial) {
	complete := record.CountedBlocks(e.run, trials)
	e.done = len(record.CompleteBlocks(e.run, trials))
	e.blocks = slices.Sorted(maps.Keys(complete))
	for i := range trials {
		t := &trials[i]
		if !complete[t.Block] {
			continue
		}
		if e.starts[t.Arm] == nil {
			e.starts[t.Arm] = map[int]*sample{}
		}
		e.starts[t.Arm][t.Block] = &sample{trial: t}
		if t.Failure != "" {
			if e.failures[t.Arm] == nil {
				e.failures[t.Arm] = map[int]string{}
			}
			e.failures[t.Arm][t.Block] = t.Failure
		}
		for j := range t.Windows {
			w := &t.Windows[j]
			if w.Warmup {
				continue
			}
			p := place{t.Arm, w.Level}
			if e.values[p] == nil {
				e.values[p] = map[int]*sample{}
			}
			e.values[p][t.Block] = &sample{t, w}
		}
	}
}

func (e *evaluation) claim(c Claim) Verdict {
	v := Verdict{ID: c.ID, Kind: c.Kind(), Margin: c.Margin, Section: c.Section, Paraphrase: c.Paraphrase, Cells: []Cell{}}
	switch v.Kind {
	case NotMeasurable:
		v.Verdict, v.Reason = NotTestable, "no measurement can tell: "+c.NotMeasurable
	case FactCheck:
		e.facts(&v, c.Facts)
	default:
		for _, cmp := range c.Comparisons {
			for _, level := range e.levels(cmp) {
				v.Cells = append(v.Cells, e.cell(c, cmp, level))
			}
		}
		e.conclude(&v)
	}
	return v
}

// levels are the run's levels at which a comparison is to be made. One that
// the run did not visit stands as it is: its cell will say that it has no samples.
func (e *evaluation) levels(cmp Comparison) []record.Level {
	if metrics[cmp.Metric].ofTrial && len(e.run.Levels) > 0 {
		return e.run.Levels[:1]
	}
	var levels []record.Level
	for _, s := range cmp.Shares {
		levels = append(levels, record.Level{Share: s})
	}
	if cmp.SLO {
		levels = append(levels, record.Level{SLO: true})
	}
	if len(levels)+len(cmp.Connections)+len(cmp.Rates) == 0 {
		for _, l := range e.run.Levels {
			if !l.Open() && e.visits(cmp.A, l) && e.visits(cmp.B, l) {
				levels = append(levels, l)
			}
		}
	}
	for _, r := range cmp.Rates {
		levels = append(levels, record.Level{Rate: r, Idle: cmp.Idle})
	}
	for _, n := range cmp.Connections {
		levels = append(levels, record.Level{Connections: n})
	}
	return levels
}

// visits says whether an arm is planned at a level; "" is no arm and is
// everywhere, and so is an arm that is not planned at all, for its cell says why.
func (e *evaluation) visits(arm string, level record.Level) bool {
	i := slices.Index(e.run.Levels, level)
	for _, block := range e.run.Plan {
		for _, p := range block {
			if p.Arm == arm {
				return slices.Contains(p.Levels, i)
			}
		}
	}
	return true
}

// cell answers one condition.
func (e *evaluation) cell(c Claim, cmp Comparison, level record.Level) Cell {
	against := cmp.against(level)
	cell := Cell{Metric: string(cmp.Metric), A: cmp.A, B: against.name(), Level: level.String(), Group: cmp.Group, Verdict: NotTestable}
	if cmp.Baseline > 0 {
		cell.Level += " against " + against.level.String()
	}
	if why := e.forbidden(cmp, level, against); why != "" {
		cell.Reason = why
		return cell
	}
	m := metrics[cmp.Metric]
	p := e.pairs(m, operand{place: place{cmp.A, level}, over: cmp.AOver}, against, cmp.ErrorsCount)
	cell.Blocks, cell.Gates = len(p.a), p.gates
	switch {
	case p.broken != "":
		cell.Verdict, cell.Reason = Refuted, p.broken
		return cell
	case p.spoiled != "":
		cell.Reason = p.spoiled
		return cell
	case len(p.a) < 2:
		cell.Reason = fmt.Sprintf("%d complete blocks have both sides at %v; at least 2 are needed", len(p.a), level)
		return cell
	}
	better, worse := p.a, p.b
	if !m.higherIsBetter {
		better, worse = p.b, p.a
	}
	t, err := stats.PairedRatio(better, worse, e.confidence)
	if err != nil {
		cell.Reason = err.Error()
		return cell
	}
	if !t.Bounded() {
		cell.Verdict, cell.Reason = Inconclusive, "the blocks differ too much for any interval"
		return cell
	}
	cell.Ratio = times(t, cmp.Factor)
	floor, ok := e.floor(m, cmp.A, level)
	if ok && cmp.Baseline > 0 {
		var other float64
		other, ok = e.floor(m, against.arm, against.level)
		floor = max(floor, other)
	}
	if !ok {
		cell.Verdict, cell.Reason = Inconclusive, "the run has no A/A pair at this level, so its noise is not known"
		return cell
	}
	cell.Floor = floor
	// Few blocks cannot reach every confidence; the check is then as strict as they allow.
	robust, err := stats.RobustRatio(better, worse, min(e.confidence, stats.SignedRankReach(len(better))))
	if err != nil {
		cell.Reason = err.Error()
		return cell
	}
	margin := c.Margin
	if cmp.Margin != nil {
		margin = *cmp.Margin
	}
	cell.decide(cell.Ratio, times(robust, cmp.Factor), margin, p)
	return cell
}

func times(i stats.Interval, factor float64) stats.Interval {
	return stats.Interval{Low: factor * i.Low, Mid: factor * i.Mid, High: factor * i.High}
}

// impossible says why a comparison cannot be made in this run, "" if it can.
func (e *evaluation) impossible(cmp Comparison) string {
	if cores := len(e.run.ServerCPUs); cmp.Cores > cores && cores > 0 {
		return fmt.Sprintf("it takes %d cores for the servers, and here they have %d", cmp.Cores, cores)
	}
	for _, arm := range []string{cmp.A, cmp.B, cmp.AOver, cmp.BOver} {
		if arm == "" {
			continue
		}
		if why := e.absent(arm); why != "" {
			return why
		}
	}
	return ""
}

// forbidden says why a cell can have no answer in this run, "" if it can.
func (e *evaluation) forbidden(c Comparison, level record.Level, against operand) string {
	if metrics[c.Metric].ofTrial {
		return e.impossible(c) // the level is but a name
	}
	return cmp.Or(e.impossible(c), e.unreachable(level), e.unreachable(against.level))
}

// unreachable says why no trial visits a level, "" if trials do.
func (e *evaluation) unreachable(level record.Level) string {
	for _, u := range e.run.Unreachable {
		if u.Level == level {
			return u.Reason
		}
	}
	return ""
}

// absent says why an arm has no samples, "" if it should have some.
func (e *evaluation) absent(arm string) string {
	for _, m := range e.run.Missing {
		if m.Arm == arm {
			return m.Reason
		}
	}
	if !slices.ContainsFunc(e.run.Arms, func(a record.Arm) bool { return a.Name == arm }) {
		return fmt.Sprintf("%s was not part of this run", arm)
	}
	return ""
}

// operand is one side of a comparison: an arm at a level, or a figure.
type operand struct {
	place
	over   string  // the arm whose value divides it, if any
	figure float64 // in the metric's unit; 0: the place
	words  string  // for the figure
}

func (c *Comparison) against(level record.Level) operand {
	switch {
	case c.Limit > 0:
		return operand{figure: c.Limit, words: fmt.Sprintf("the figure %g", c.Limit)}
	case c.Delay > 0:
		return operand{figure: float64(level.Connections) / c.Delay.Seconds(), words: fmt.Sprintf("connections that only wait %v", c.Delay)}
	case c.Baseline > 0:
		return operand{place: place{c.B, record.Level{Connections: c.Baseline}}, over: c.BOver}
	default:
		return operand{place: place{c.B, level}, over: c.BOver}
	}
}

func (o *operand) name() string { return cmp.Or(o.words, o.arm) }

// pairs are the values of the two sides in the complete blocks.
type pairs struct {
	a, b           []float64
	boundA, boundB bool // the generator limited the arm in some block
	gates          []string
	spoiled        string // why there is no answer, "" if there can be one
	broken         string // how A failed, where that is the answer
}

// pairs takes the values of both sides block by block. A block in which one of
// them has no sound value leaves the comparison; where half of the blocks or
// more do, what remains is a selection and no sample: a server that crashes
// under load must not be judged by the times when it did not. Where errors
// count, the failures of A in half of the blocks or more are the answer.
func (e *evaluation) pairs(m metric, a, b operand, errorsCount bool) pairs {
	var p pairs
	gates := map[string]bool{}
	var spoiled []string
	broken := 0
	for _, block := range e.blocks {
		va, whyA := e.operand(m, a, block, gates, &p.boundA)
		vb, whyB := e.operand(m, b, block, gates, &p.boundB)
		if why := cmp.Or(whyA, whyB); why != "" {
			spoiled = append(spoiled, why)
			if errorsCount && e.failed(a.place, block) {
				broken++
				p.broken = whyA
			}
			continue
		}
		p.a, p.b = append(p.a, va), append(p.b, vb)
	}
	p.gates = slices.Sorted(maps.Keys(gates))
	if len(spoiled) > 0 && len(p.a) <= len(spoiled) {
		p.spoiled = fmt.Sprintf("%d of %d blocks give no value: %s", len(spoiled), len(e.blocks), spoiled[0])
	}
	if broken < 2 || broken <= len(p.a) {
		p.broken = ""
	} else {
		p.broken = fmt.Sprintf("it failed in %d of %d blocks: %s", broken, len(e.blocks), p.broken)
	}
	return p
}

// operand reads one side in one block.
func (e *evaluation) operand(m metric, o operand, block int, gates map[string]bool, bound *bool) (v float64, why string) {
	if o.figure > 0 {
		return o.figure, ""
	}
	v, why = e.value(m, o.place, block, gates, bound)
	if o.over == "" || why != "" {
		return v, why
	}
	one, why := e.value(m, place{o.over, o.level}, block, gates, bound)
	if why != "" {
		return 0, why
	}
	return v / one, ""
}

// failed says whether a window failed by what the server did.
func (e *evaluation) failed(at place, block int) bool {
	s := e.values[at][block]
	if s == nil {
		return e.failures[at.arm][block] != ""
	}
	return slices.ContainsFunc(s.window.Gates, func(g record.Gate) bool {
		return g.Name == record.GateErrors || g.Name == record.GateConnections || g.Name == record.GateIdleConnections
	})
}

// value reads a metric in one block, or says why it has no sound value there.
func (e *evaluation) value(m metric, at place, block int, gates map[string]bool, bound *bool) (v float64, why string) {
	s := e.values[at][block]
	if s == nil && m.ofTrial {
		s = e.starts[at.arm][block]
	}
	if s == nil {
		why = cmp.Or(e.failures[at.arm][block], "it was not measured")
		return 0, fmt.Sprintf("%s at %v: %s", at.arm, at.level, why)
	}
	if s.window != nil && !m.ofTrial {
		for _, g := range s.window.Gates {
			gates[g.Name] = true
			if record.LowerBound(g.Name) {
				*bound = true
			} else {
				why = fmt.Sprintf("%s: %s", at.arm, g.Detail)
			}
		}
	}
	v, ok := m.read(s.trial, s.window)
	if !ok && (why == "" || m.lacks != "") {
		why = fmt.Sprintf("%s at %v: %s", at.arm, at.level, cmp.Or(m.lacks, "too few requests for this figure"))
	}
	return v, why
}

// mostFloor stands for any noise beyond it, so that a verdict can be written as JSON.
const mostFloor = 1e6

// floor is the noise of a metric at a level, from the A/A pair of the run on
// the arm's own route, or else from the first one: what waits varies less than
// what calculates.
func (e *evaluation) floor(m metric, name string, level record.Level) (float64, bool) {
	pairs := slices.DeleteFunc(slices.Clone(e.run.Arms), func(a record.Arm) bool { return a.Replicate == "" || a.Canary() })
	if i := slices.IndexFunc(e.run.Arms, func(a record.Arm) bool { return a.Name == name }); i >= 0 {
		slices.SortStableFunc(pairs, func(a, b record.Arm) int {
			return record.ByLikeness(e.run.Arms[i])(a, b)
		})
	}
	for _, arm := range pairs {
		p := e.pairs(m, operand{place: place{arm.Replicate, level}}, operand{place: place{arm.Name, level}}, false)
		if f, err := stats.NoiseFloor(p.a, p.b, e.confidence); err == nil {
			return min(f, mostFloor), true
		}
	}
	return 0, false
}

// decide places the intervals against the margin and the noise. The t interval
// decides; the signed-rank one must not contradict it.
func (c *Cell) decide(t, robust stats.Interval, margin float64, p pairs) {
	position := stats.DecideOverNoise(t, margin, c.Floor)
	value := valueOf(position)
	if valueOf(stats.DecideOverNoise(robust, margin, c.Floor)) != value {
		c.Verdict = Inconclusive
		c.Reason = fmt.Sprintf("the t interval and the signed-rank interval (%s) disagree", ratioRange(robust))
		return
	}
	c.Verdict = value
	switch {
	case value == Supported && p.boundB:
		c.Verdict, c.Reason = Inconclusive, fmt.Sprintf("the generator limited %s, which could have done better", c.B)
	case value == Refuted && p.boundA:
		c.Verdict, c.Reason = Inconclusive, fmt.Sprintf("the generator limited %s, which could have done better", c.A)
	case p.boundA:
		c.Reason = fmt.Sprintf("a lower bound: the generator limited %s", c.A)
	case value == Inconclusive && c.Floor > 1+margin:
		c.Reason = fmt.Sprintf("the same server against itself could differ by %s here, more than the margin", multiple(c.Floor))
	case value == Inconclusive:
		c.Reason = fmt.Sprintf("the interval %s reaches across the margin", ratioRange(t))
	case position == stats.Reversed:
		c.Reason = fmt.Sprintf("the other way round: %s is ahead", c.B)
	}
}

func valueOf(p stats.Position) Value {
	switch {
	case p.Supports():
		return Supported
	case p.Refutes():
		return Refuted
	default:
		return Inconclusive
	}
}

func ratioRange(i stats.Interval) string { return multiple(i.Low) + " to " + multiple(i.High) }

// multiple writes a ratio; beyond a factor of 100 only that it is beyond.
func multiple(ratio float64) string {
	switch {
	case ratio > 100:
		return "more than 100x"
	case ratio < 0.01:
		return "less than 0.01x"
	default:
		return fmt.Sprintf("%.3gx", ratio)
	}
}

// conclude combines the cells of a claim.
func (e *evaluation) conclude(v *Verdict) {
	byValue := map[Value][]Cell{}
	var answered []Cell
	for _, c := range v.Cells {
		byValue[c.Verdict] = append(byValue[c.Verdict], c)
		if c.Ratio.Mid > 0 {
			answered = append(answered, c)
		}
	}
	supported, refuted := byValue[Supported], byValue[Refuted]
	switch {
	case len(supported) > 0 && len(refuted) > 0:
		v.Verdict = Depends
		v.Reason = fmt.Sprintf("it holds %s, and does not hold %s", describe(supported), describe(refuted))
	case len(byValue[Inconclusive]) > 0:
		v.Verdict = Inconclusive
		open := hardest(byValue[Inconclusive])
		v.Reason = fmt.Sprintf("%s: %s", open.where(), open.Reason) + besides(supported, refuted)
	case len(byValue[NotTestable]) > 0:
		v.Verdict = NotTestable
		v.Reason = fmt.Sprintf("%s: %s", byValue[NotTestable][0].where(), byValue[NotTestable][0].Reason) + besides(supported, refuted)
	case len(supported) > 0:
		v.Verdict = Supported
		v.Reason = fmt.Sprintf("in all %d conditions the whole interval lies beyond the margin of %.0f%%", len(supported), 100*v.Margin)
	default:
		v.Verdict = Refuted
		v.Reason = fmt.Sprintf("in none of %d conditions is there a material difference in the claimed direction", len(refuted))
	}
	// The effect is that of the condition that decides, and of no other.
	deciding := byValue[v.Verdict]
	if v.Verdict == Depends {
		deciding = refuted
	}
	if deciding = slices.DeleteFunc(slices.Clone(deciding), func(c Cell) bool { return c.Ratio.Mid <= 0 }); len(deciding) > 0 {
		c := hardest(deciding)
		v.Effect, v.Low, v.High = c.Ratio.Mid, c.Ratio.Low, c.Ratio.High
	}
	v.Flips = flips(v, answered)
}

// hardest is the cell whose interval begins lowest.
func hardest(cells []Cell) *Cell {
	c := slices.MinFunc(cells, func(a, b Cell) int { return compare(a.Ratio.Low, b.Ratio.Low) })
	return &c
}

// besides says what is known of the other conditions of a claim without an answer.
func besides(supported, refuted []Cell) string {
	switch {
	case len(refuted) > 0:
		return "; it does not hold " + describe(refuted)
	case len(supported) > 0:
		return "; it holds " + describe(supported)
	}
	return ""
}

func (c *Cell) where() string { return fmt.Sprintf("%s at %s", c.Group, c.Level) }

// percent writes a share; from 200% on as a factor is easier to read.
func percent(share float64) string {
	if share >= 2 {
		return fmt.Sprintf("a factor of %.3g", share+1)
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// describe names conditions by group and, where a group is not whole, by level.
func describe(cells []Cell) string {
	var groups []string
	levels := map[string][]string{}
	for _, c := range cells {
		if levels[c.Group] == nil {
			groups = append(groups, c.Group)
		}
		levels[c.Group] = append(levels[c.Group], c.Level)
	}
	for i, g := range groups {
		groups[i] = fmt.Sprintf("%s (%s)", g, strings.Join(levels[g], ", "))
	}
	return strings.Join(groups, " and ")
}

// flips says in one sentence how the answer moves over the conditions, and
// how far the nearest one is from turning it.
func flips(v *Verdict, answered []Cell) string {
	if len(answered) == 0 {
		return ""
	}
	byMid := func(a, b Cell) int { return compare(a.Ratio.Mid, b.Ratio.Mid) }
	least, most := slices.MinFunc(answered, byMid), slices.MaxFunc(answered, byMid)
	move := fmt.Sprintf("The ratio goes from %.3gx %s to %.3gx %s", most.Ratio.Mid, most.where(), least.Ratio.Mid, least.where())
	if len(answered) == 1 {
		move = fmt.Sprintf("The ratio is %.3gx %s", least.Ratio.Mid, least.where())
	}
	switch v.Verdict {
	case Supported:
		return fmt.Sprintf("%s; the nearest to turning is %s, where the answer holds for any margin up to %s.", move, least.where(), percent(v.Low-1))
	case Refuted:
		return fmt.Sprintf("%s; a margin below %s would leave it open.", move, percent(max(0, most.Ratio.High-1)))
	default:
		return move + "."
	}
}
