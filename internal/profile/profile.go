// Package profile says what a run measures: it decodes profiles, fills in
// what they leave out and refuses what makes no sense. It looks at no
// machine and knows no server but by name.
package profile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

// Profile is what a run measures. Its YAML form is
// docs/formats/profile.schema.json.
type Profile struct {
	Name        string
	Description string
	Quotable    bool
	Arms        []record.Arm
	Replicates  []string       // names of the arms that are entered twice
	Levels      []record.Level // of all arms together
	Window      time.Duration
	LongWindow  time.Duration // of levels with thousands of connections, or idle ones, beside a calculation, and for a p99
	TailWindow  time.Duration // the most that may be spent on the requests of a p99
	Warmup      time.Duration
	WarmupMax   time.Duration // the warm-up is repeated until the server is steady or so much time is gone
	Timeout     time.Duration
	Blocks      record.Range
	Canary      bool     // the null server is loaded before and after each block
	Claims      []string // of the ledger, to be answered; none: all

	base int              // the first so many levels are those of every arm that no experiment names
	own  map[string][]int // by arm: indices into Levels

	dropped []record.Level

	doc   *yamlfile.Document
	named []named // every arm that the file names
}

// named is an arm and where the file names it.
type named struct {
	arm record.Arm
	at  []string
}

type levels struct {
	record.Levels `yaml:",inline"`
	Idle          []struct {
		Connections int     `yaml:"connections"`
		Rate        float64 `yaml:"rate"`
	} `yaml:"idle"`
}

// list is the levels in the order in which reports show them.
func (l *levels) list() []record.Level {
	out := l.List()
	for _, i := range l.Idle {
		out = append(out, record.Level{Kind: record.Idle, Rate: i.Rate, Idle: i.Connections})
	}
	slices.SortFunc(out, record.Level.Compare)
	return out
}

type file struct {
	Schema      int          `yaml:"schema"`
	Name        string       `yaml:"name"`
	Description string       `yaml:"description"`
	Quotable    *bool        `yaml:"quotable"`
	Arms        []string     `yaml:"arms"`
	Replicates  []string     `yaml:"replicate"`
	Levels      levels       `yaml:",inline"`
	Experiments []experiment `yaml:"experiments"`
	Window      string       `yaml:"window"`
	LongWindow  string       `yaml:"long_window"`
	TailWindow  string       `yaml:"tail_window"`
	Warmup      string       `yaml:"warmup"`
	WarmupMax   string       `yaml:"warmup_max"`
	Timeout     string       `yaml:"timeout"`
	Blocks      record.Range `yaml:"blocks"`
	Canary      *bool        `yaml:"canary"`
	Claims      []string     `yaml:"claims"`
}

type experiment struct {
	Arms   []string `yaml:"arms"`
	Levels levels   `yaml:",inline"`
}

// short writes whole hours and minutes without their zeros.
func short(d time.Duration) string {
	return strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(d.String())
}

// Decode reads a profile; name is the file's name for messages.
func Decode(name string, data []byte) (*Profile, error) {
	var f file
	doc, err := yamlfile.Decode(name, data, "profile", &f)
	if err != nil {
		return nil, err
	}
	p := &Profile{doc: doc, Name: f.Name, Description: f.Description, Quotable: f.Quotable == nil || *f.Quotable, Replicates: f.Replicates, Blocks: f.Blocks, Claims: f.Claims, Canary: f.Canary == nil || *f.Canary}
	errs := p.takeArms(&f, doc)
	for _, d := range []struct {
		name, text, or string
		into           *time.Duration
		positive       bool
		most           time.Duration
	}{{"window", f.Window, "", &p.Window, true, time.Hour}, {"long_window", f.LongWindow, f.Window, &p.LongWindow, true, time.Hour}, {"tail_window", f.TailWindow, f.Window, &p.TailWindow, true, time.Hour}, {"warmup", f.Warmup, "", &p.Warmup, false, time.Hour}, {"warmup_max", f.WarmupMax, f.Warmup, &p.WarmupMax, false, time.Hour}, {"timeout", f.Timeout, "10s", &p.Timeout, true, record.MaxLatency}} {
		given := d.text != "" || d.or == ""
		if !given {
			d.text = d.or
		}
		v, err := time.ParseDuration(d.text)
		if given && (err != nil || d.positive && v <= 0 || v > d.most) { // what is taken over is reported where it is
			errs = append(errs, doc.Errorf([]string{d.name}, "%q: want a duration above 0 and up to %s", d.text, short(d.most)))
		}
		*d.into = v
	}
	if p.Canary {
		p.visit(record.NullServer, []record.Level{canaryLevel})
	}
	if p.WarmupMax < p.Warmup {
		errs = append(errs, doc.Errorf([]string{"warmup_max"}, "%v is below warmup, %v", p.WarmupMax, p.Warmup))
	}
	if f.Blocks.Min > f.Blocks.Max {
		errs = append(errs, doc.Errorf([]string{"blocks"}, "min %d is above max %d", f.Blocks.Min, f.Blocks.Max))
	}
	for i, name := range p.Replicates {
		if len(p.Arms) > 0 && p.index(name) < 0 {
			errs = append(errs, doc.Errorf([]string{"replicate", strconv.Itoa(i)}, "%q is not among the arms%s", name, yamlfile.DidYouMean(name, p.names())))
		}
	}
	if len(errs) == 0 {
		errs = p.withoutCapacity(&f)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

// takeArms reads the arms, those of the experiments among them, and the levels
// that each of them visits. It returns the mistakes.
func (p *Profile) takeArms(f *file, doc *yamlfile.Document) (errs []error) {
	p.Levels = f.Levels.list()
	p.base = len(p.Levels)
	take := func(texts []string, levels []record.Level, at ...string) {
		for i, text := range texts {
			at := append(slices.Clone(at), "arms", strconv.Itoa(i))
			if slices.Contains(texts[:i], text) {
				errs = append(errs, doc.Errorf(at, "%q stands here twice; use replicate", text))
				continue
			}
			arm, err := ParseArm(text)
			if err == nil {
				err = p.alias(arm)
			}
			if err == nil {
				err = dealt(arm, levels)
			}
			if err != nil {
				errs = append(errs, doc.Errorf(at, "%v", err))
				continue
			}
			if p.named = append(p.named, named{arm, at}); p.index(arm.Name) < 0 {
				p.Arms = append(p.Arms, arm)
			}
			p.visit(arm.Name, levels)
		}
	}
	take(f.Arms, p.Levels)
	if len(p.Replicates) == 0 && len(p.Arms) > 0 {
		p.Replicates = []string{p.Arms[0].Name}
	}
	for i, e := range f.Experiments {
		take(e.Arms, e.Levels.list(), "experiments", strconv.Itoa(i))
	}
	return errs
}

// alias refuses an arm that is another one under a second name: they would
// compete, and the file would not say so.
func (p *Profile) alias(arm record.Arm) error {
	same := arm
	for _, other := range p.Arms {
		if same.Name = other.Name; same == other && arm.Name != other.Name {
			return fmt.Errorf("%q is %q under another name; write it alike, or use replicate", arm.Name, other.Name)
		}
	}
	return nil
}

// withoutCapacity refuses levels at an arm's own capacity where it visits no
// closed loop that shows it: no trial of it would have such a window.
func (p *Profile) withoutCapacity(f *file) (errs []error) {
	for i, e := range f.Experiments {
		what := "shares"
		if e.Levels.SLO {
			what = "slo"
		}
		if len(e.Levels.Shares) == 0 && !e.Levels.SLO {
			continue
		}
		for _, name := range e.Arms {
			if !slices.ContainsFunc(p.own[name], func(l int) bool { return !p.Levels[l].Open() }) {
				errs = append(errs, p.doc.Errorf([]string{"experiments", strconv.Itoa(i), what},
					"%q visits no closed loop that shows its capacity; add connections, such as connections: [64], to this experiment", name))
			}
		}
	}
	return errs
}

// CheckArms reports every arm of the file that check refuses, each with its line.
func (p *Profile) CheckArms(check func(arm record.Arm) error) error {
	var errs []error
	for _, n := range p.named {
		if err := check(n.arm); err != nil {
			errs = append(errs, p.doc.Errorf(n.at, "%v", err))
		}
	}
	return errors.Join(errs...)
}

// CheckClaims reports every claim of the file that is not among the known ones, with its line.
func (p *Profile) CheckClaims(known []string) error {
	var errs []error
	for i, id := range p.Claims {
		if !slices.Contains(known, id) {
			errs = append(errs, p.doc.Errorf([]string{"claims", strconv.Itoa(i)}, "there is no claim %q in the ledger%s", id, yamlfile.DidYouMean(id, known)))
		}
	}
	return errors.Join(errs...)
}

func (p *Profile) names() (out []string) {
	for _, a := range p.Arms {
		out = append(out, a.Name)
	}
	return out
}

func (p *Profile) index(arm string) int {
	return slices.IndexFunc(p.Arms, func(a record.Arm) bool { return a.Name == arm })
}

// visit adds levels to those of an arm.
func (p *Profile) visit(arm string, levels []record.Level) {
	if p.own == nil {
		p.own = map[string][]int{}
	}
	for _, l := range levels {
		i := slices.Index(p.Levels, l)
		if i < 0 {
			i = len(p.Levels)
			p.Levels = append(p.Levels, l)
		}
		if !slices.Contains(p.own[arm], i) {
			p.own[arm] = append(p.own[arm], i)
		}
	}
}

// Visits is the levels that an arm visits, in groups of which one comes after
// the other: those of few connections, those that depend on the arm's capacity,
// which the former have shown, and those of a crowd, which leave a server
// behind that has grown. A capacity that only a crowd shows comes after that.
func (p *Profile) Visits(arm record.Arm) [][]int {
	var few, ofCapacity, crowd []int
	shows := func(levels []int) bool {
		return slices.ContainsFunc(levels, func(i int) bool { return !p.Levels[i].Open() })
	}
	for _, i := range p.LevelsOf(arm) {
		switch l := p.Levels[i]; {
		case slices.Contains(p.dropped, l):
		case l.Kind.OfCapacity():
			ofCapacity = append(ofCapacity, i)
		case l.Crowd():
			crowd = append(crowd, i)
		default:
			few = append(few, i)
		}
	}
	switch {
	case shows(few):
		return [][]int{few, ofCapacity, crowd}
	case shows(crowd):
		return [][]int{few, crowd, ofCapacity}
	}
	return [][]int{few, crowd} // there is no capacity
}

// Drop leaves a level out of every arm's visits. It stays among Levels, so that
// a reader sees that it was asked for.
func (p *Profile) Drop(level record.Level) { p.dropped = append(p.dropped, level) }

// LevelsOf is the levels that an arm visits, as indices into Levels. An arm
// that the profile does not name visits those that stand before the experiments.
func (p *Profile) LevelsOf(arm record.Arm) []int {
	name := arm.Name
	if arm.Replicate != "" {
		name = arm.Replicate
	}
	if own := p.own[name]; len(own) > 0 {
		return own
	}
	all := make([]int, p.base)
	for i := range all {
		all[i] = i
	}
	return all
}

// Select keeps the named arms; a name that the profile does not have is
// read as ParseArm does. Replicates that were not kept are none; without any the
// first arm is.
func (p *Profile) Select(names []string) error {
	var arms []record.Arm
	for _, name := range names {
		i := p.index(name)
		arm := record.Arm{}
		if i >= 0 {
			arm = p.Arms[i]
		} else {
			var err error
			if arm, err = ParseArm(name); err != nil {
				return err
			}
			if err := dealt(arm, p.Levels[:p.base]); err != nil {
				return err
			}
		}
		if !slices.ContainsFunc(arms, func(a record.Arm) bool { return a.Name == arm.Name }) {
			arms = append(arms, arm)
		}
	}
	if len(arms) == 0 {
		return errors.New("no arms named")
	}
	p.Arms = arms
	p.Replicates = slices.DeleteFunc(slices.Clone(p.Replicates), func(name string) bool { return p.index(name) < 0 })
	if len(p.Replicates) == 0 {
		p.Replicates = []string{arms[0].Name}
	}
	return nil
}

// KeepVisited drops the levels that no arm visits, as after Select.
func (p *Profile) KeepVisited() {
	old, arms := *p, slices.Clone(p.Arms)
	if p.Canary {
		arms = append(arms, record.Arm{Name: record.NullServer})
	}
	used := map[int]bool{}
	for _, a := range arms {
		for _, i := range old.LevelsOf(a) {
			used[i] = true
		}
	}
	p.Levels, p.own, p.base = nil, nil, 0
	for i, l := range old.Levels {
		if used[i] {
			p.Levels = append(p.Levels, l)
		}
	}
	for _, a := range arms {
		for _, i := range old.LevelsOf(a) {
			p.visit(a.Name, old.Levels[i:i+1])
		}
	}
}

// canaryLevel is where the null server is loaded before and after each block:
// the level of the generator's ceiling.
var canaryLevel = record.Level{Connections: 64}

// ReplicateSuffix marks the second entry of the arm that is entered twice.
const ReplicateSuffix = "~again"

// Entered is the arms to be run: those of the profile, the replicates, each an
// arm like another one under a second name, and the canary before and after a block.
func (p *Profile) Entered() []record.Arm {
	arms := slices.Clone(p.Arms)
	for _, a := range p.Arms {
		if slices.Contains(p.Replicates, a.Name) {
			arms = append(arms, again(a))
		}
	}
	if !p.Canary {
		return arms
	}
	canary := record.Arm{Name: record.NullServer, Server: record.NullServer, Route: "/"}
	return append(arms, canary, again(canary))
}

func again(a record.Arm) record.Arm {
	a.Name, a.Replicate = a.Name+ReplicateSuffix, a.Name
	return a
}
