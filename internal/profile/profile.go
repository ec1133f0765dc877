// Package profile says what a run measures: it decodes profiles, fills in
// what they leave out and refuses what makes no sense. It looks at no
// machine and knows no server but by name.
package profile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
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
	Arms        []record.Arm // of all experiments, in the order of the file
	Replicates  []string     // names of the arms that are entered twice, wherever they are
	Levels      []record.Level
	Experiments []record.Experiment // without the arms that Enter adds
	Window      time.Duration       // of an experiment that does not say
	LongWindow  time.Duration       // of levels with thousands of connections, or idle ones
	Warmup      time.Duration
	WarmupMax   time.Duration // the warm-up is repeated until the server is steady or so much time is gone
	Timeout     time.Duration
	Budget      time.Duration // 0: none
	Blocks      record.Range  // of an experiment that does not say
	Canary      bool          // the null server takes part in the first experiment with a closed loop
	Claims      []string      // of the ledger, to be answered; none: all

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
		out = append(out, record.Level{Rate: i.Rate, Idle: i.Connections})
	}
	slices.SortFunc(out, record.Level.Compare)
	return out
}

// experiment is one of the list, or what is at the top of the file.
type experiment struct {
	Name      string       `yaml:"name"`
	Arms      []string     `yaml:"arms"`
	Levels    levels       `yaml:",inline"`
	Window    string       `yaml:"window"`
	LeadIn    string       `yaml:"lead_in"`
	WarmupMax string       `yaml:"warmup_max"`
	Cores     int          `yaml:"cores"`
	Passes    int          `yaml:"passes"`
	Blocks    record.Range `yaml:"blocks"`
}

type file struct {
	Schema      int          `yaml:"schema"`
	Description string       `yaml:"description"`
	Quotable    *bool        `yaml:"quotable"`
	First       experiment   `yaml:",inline"` // its name is the profile's
	Replicates  []string     `yaml:"replicate"`
	Experiments []experiment `yaml:"experiments"`
	LongWindow  string       `yaml:"long_window"`
	Warmup      string       `yaml:"warmup"`
	Timeout     string       `yaml:"timeout"`
	Budget      string       `yaml:"budget"`
	Canary      *bool        `yaml:"canary"`
	Claims      []string     `yaml:"claims"`
}

// What an experiment does that says nothing else.
const (
	defaultPasses = 4
	defaultLeadIn = "50ms"
)

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
	p := &Profile{
		doc: doc, Name: f.First.Name, Description: f.Description, Quotable: f.Quotable == nil || *f.Quotable,
		Replicates: f.Replicates, Blocks: f.First.Blocks, Claims: f.Claims, Canary: f.Canary == nil || *f.Canary,
	}
	errs := []error{
		p.duration("window", f.First.Window, "", &p.Window, true),
		p.duration("long_window", f.LongWindow, f.First.Window, &p.LongWindow, true),
		p.duration("warmup", f.Warmup, "", &p.Warmup, false),
		p.duration("warmup_max", f.First.WarmupMax, f.Warmup, &p.WarmupMax, false),
		p.duration("timeout", f.Timeout, "10s", &p.Timeout, true),
		p.duration("budget", f.Budget, "0s", &p.Budget, false),
	}
	if p.WarmupMax < p.Warmup {
		errs = append(errs, doc.Errorf([]string{"warmup_max"}, "%v is below warmup, %v", p.WarmupMax, p.Warmup))
	}
	if len(f.First.Arms) > 0 {
		errs = append(errs, p.take(&f, f.First)...)
	}
	for i, e := range f.Experiments {
		errs = append(errs, p.take(&f, e, "experiments", strconv.Itoa(i))...)
	}
	for i, name := range p.Replicates {
		if len(p.Arms) > 0 && p.index(name) < 0 {
			errs = append(errs, doc.Errorf([]string{"replicate", strconv.Itoa(i)}, "%q is not among the arms%s", name, yamlfile.DidYouMean(name, p.names())))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

// duration reads one; text may be empty where there is another in its place, which
// is reported where it is.
func (p *Profile) duration(key, text, or string, into *time.Duration, positive bool, at ...string) error {
	const most = time.Hour
	given := text != "" || or == ""
	if !given {
		text = or
	}
	v, err := time.ParseDuration(text)
	limit := most
	if key == "timeout" {
		limit = record.MaxLatency
	}
	*into = v
	if given && (err != nil || positive && v <= 0 || v > limit) {
		want := "a duration up to "
		if positive {
			want = "a duration above 0 and up to "
		}
		return p.doc.Errorf(append(slices.Clone(at), key), "%q: want %s%s", text, want, short(limit))
	}
	return nil
}

// take reads an experiment. It returns the mistakes.
func (p *Profile) take(f *file, e experiment, at ...string) (errs []error) {
	x := record.Experiment{Name: e.Name, Blocks: e.Blocks, Cores: e.Cores, Passes: cmp.Or(e.Passes, f.First.Passes, defaultPasses)}
	if x.Name == "" {
		x.Name = fmt.Sprintf("experiment %d", len(p.Experiments)+1)
	}
	if x.Blocks == (record.Range{}) {
		x.Blocks = p.Blocks
	}
	x.Window = p.Window
	if len(at) > 0 { // at the top it is read already
		errs = append(errs, p.duration("window", e.Window, f.First.Window, &x.Window, true, at...))
	}
	errs = append(errs, p.duration("lead_in", e.LeadIn, cmp.Or(f.First.LeadIn, defaultLeadIn), &x.LeadIn, false, at...))
	if e.WarmupMax != "" && len(at) > 0 {
		err := p.duration("warmup_max", e.WarmupMax, "", &x.WarmupMax, true, at...)
		if err == nil && x.WarmupMax < p.Warmup {
			err = p.doc.Errorf(append(slices.Clone(at), "warmup_max"), "%v is below warmup, %v", x.WarmupMax, p.Warmup)
		}
		errs = append(errs, err)
	}
	if x.Blocks.Min > x.Blocks.Max {
		errs = append(errs, p.doc.Errorf(append(slices.Clone(at), "blocks"), "min %d is above max %d", x.Blocks.Min, x.Blocks.Max))
	}
	if slices.ContainsFunc(p.Experiments, func(o record.Experiment) bool { return o.Name == x.Name }) {
		errs = append(errs, p.doc.Errorf(append(slices.Clone(at), "name"), "%q is the name of another experiment", x.Name))
	}
	levels := e.Levels.list()
	for _, l := range levels {
		x.Levels = append(x.Levels, p.level(l))
	}
	if len(levels) == 0 {
		errs = append(errs, p.doc.Errorf(append(slices.Clone(at), "arms"), "have no level; give connections, rates, idle, shares or slo"))
	}
	for i, text := range e.Arms {
		at := append(slices.Clone(at), "arms", strconv.Itoa(i))
		arm, err := p.arm(text, e.Arms[:i], levels)
		if err != nil {
			errs = append(errs, p.doc.Errorf(at, "%v", err))
			continue
		}
		if p.named = append(p.named, named{arm, at}); p.index(arm.Name) < 0 {
			p.Arms = append(p.Arms, arm)
		}
		if x.Arms = append(x.Arms, arm.Name); p.Arms[p.index(x.Arms[0])].Shared != arm.Shared {
			errs = append(errs, p.doc.Errorf(at, "%q and %q: %s", arm.Name, x.Arms[0], allOrNone))
		}
	}
	if what := ofCapacity(levels); what != "" && !slices.ContainsFunc(levels, func(l record.Level) bool { return !l.Open() }) {
		errs = append(errs, p.doc.Errorf(append(slices.Clone(at), what), "no closed loop shows the capacity of the arms; add connections, such as connections: [64], to this experiment"))
	}
	p.Experiments = append(p.Experiments, x)
	return errs
}

// ofCapacity is the key of a level that depends on a capacity, "" if none does.
func ofCapacity(levels []record.Level) (key string) {
	for _, l := range levels {
		if l.Kind().OfCapacity() {
			key = l.Kind().String()
		}
	}
	return key
}

// arm reads one of an experiment that already has others.
func (p *Profile) arm(text string, others []string, levels []record.Level) (record.Arm, error) {
	if slices.Contains(others, text) {
		return record.Arm{}, fmt.Errorf("%q is here twice; use replicate", text)
	}
	arm, err := ParseArm(text)
	if err == nil {
		err = p.alias(arm)
	}
	if err == nil {
		err = dealt(arm, levels)
	}
	return arm, err
}

// level is the index of a level, which is added where it is new.
func (p *Profile) level(l record.Level) int {
	i := slices.Index(p.Levels, l)
	if i < 0 {
		i = len(p.Levels)
		p.Levels = append(p.Levels, l)
	}
	return i
}

const allOrNone = "in one experiment all arms share the generator's cores, or none does"

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

// Drop leaves a level out of every arm's visits. It stays among Levels, so that
// a reader sees that it was asked for.
func (p *Profile) Drop(level record.Level) { p.dropped = append(p.dropped, level) }

// Visits is the levels of an arm in an experiment, given by its index: all of the
// experiment, and for the null server the one that is nearest to the generator's ceiling.
func (p *Profile) Visits(experiment int, arm string) (levels []int) {
	e := &p.Experiments[experiment]
	for _, l := range e.Levels {
		if !slices.Contains(p.dropped, p.Levels[l]) {
			levels = append(levels, l)
		}
	}
	if arm != record.NullServer {
		return levels
	}
	levels = slices.DeleteFunc(levels, func(l int) bool { return p.Levels[l].Open() })
	apart := func(l int) float64 { return math.Abs(math.Log(float64(p.Levels[l].Connections) / canaryConnections)) }
	if len(levels) == 0 {
		return nil
	}
	return []int{slices.MinFunc(levels, func(a, b int) int { return cmp.Compare(apart(a), apart(b)) })}
}

// canaryConnections is the level of the generator's ceiling.
const canaryConnections = 64

// Select keeps the named arms, in the experiments that have them; a name that the
// profile does not have is read as ParseArm does, and is in the first experiment.
// Replicates that were not kept are none, and levels that no arm visits go.
func (p *Profile) Select(names []string) error {
	var arms []record.Arm
	for _, name := range names {
		i := p.index(name)
		if i < 0 {
			arm, err := ParseArm(name)
			if err != nil {
				return err
			}
			first := &p.Experiments[0]
			if err := errors.Join(p.alias(arm), dealt(arm, p.levelsOf(first))); err != nil {
				return err
			}
			i = len(p.Arms)
			p.Arms = append(p.Arms, arm)
			first.Arms = append(first.Arms, name)
		}
		if !slices.Contains(arms, p.Arms[i]) {
			arms = append(arms, p.Arms[i])
		}
	}
	if len(arms) == 0 {
		return errors.New("no arms named")
	}
	p.Arms = arms
	gone := func(name string) bool { return p.index(name) < 0 }
	for i := range p.Experiments {
		e := &p.Experiments[i]
		e.Arms = slices.DeleteFunc(slices.Clone(e.Arms), gone)
		for _, name := range e.Arms {
			if p.Arms[p.index(name)].Shared != p.Arms[p.index(e.Arms[0])].Shared {
				return fmt.Errorf("arms %q and %q: %s", e.Arms[0], name, allOrNone)
			}
		}
	}
	p.Experiments = slices.DeleteFunc(p.Experiments, func(e record.Experiment) bool { return len(e.Arms) == 0 })
	p.Replicates = slices.DeleteFunc(slices.Clone(p.Replicates), gone)
	p.keepVisited()
	return nil
}

func (p *Profile) levelsOf(e *record.Experiment) (out []record.Level) {
	for _, l := range e.Levels {
		out = append(out, p.Levels[l])
	}
	return out
}

// keepVisited drops the levels that no experiment has.
func (p *Profile) keepVisited() {
	old := p.Levels
	p.Levels = nil
	for i := range p.Experiments {
		e := &p.Experiments[i]
		e.Levels = slices.Clone(e.Levels)
		for k, l := range e.Levels {
			e.Levels[k] = p.level(old[l])
		}
	}
}

// SetBlocks gives every experiment the same number of blocks.
func (p *Profile) SetBlocks(blocks record.Range) {
	p.Blocks = blocks
	for i := range p.Experiments {
		p.Experiments[i].Blocks = blocks
	}
}

// ReplicateSuffix marks the second entry of the arm that is entered twice.
const ReplicateSuffix = "~again"

// Enter adds to the experiments what is measured to know the noise: the replicates,
// each an arm like another one under a second name, of which every experiment has
// one at least, and the null server. It returns all arms to be run.
func (p *Profile) Enter() []record.Arm {
	arms, canary := slices.Clone(p.Arms), !p.Canary
	for i := range p.Experiments {
		e := &p.Experiments[i]
		var again []string
		for _, name := range e.Arms {
			if slices.Contains(p.Replicates, name) {
				again = append(again, name)
			}
		}
		if len(again) == 0 {
			again = e.Arms[:1]
		}
		e.Arms = slices.Clone(e.Arms)
		for _, name := range again {
			twin := p.Arms[p.index(name)]
			twin.Name, twin.Replicate = name+ReplicateSuffix, name
			e.Arms = append(e.Arms, twin.Name)
			if !slices.Contains(arms, twin) {
				arms = append(arms, twin)
			}
		}
		if !canary && len(p.Visits(i, record.NullServer)) > 0 {
			canary = true
			e.Arms = append(e.Arms, record.NullServer)
			arms = append(arms, record.Arm{Name: record.NullServer, Server: record.NullServer, Route: "/"})
		}
	}
	return arms
}
