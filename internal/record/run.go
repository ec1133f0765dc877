package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Run is everything about a run that is not a trial: what was asked, on what
// machine, with which versions. It is written when the run begins and again
// when it ends.
type Run struct {
	Schema      int             `json:"schema"`
	ID          string          `json:"id"` // name of the run folder
	Tool        string          `json:"tool"`
	Method      string          `json:"method"` // fingerprint of the method; figures compare only within one
	Profile     string          `json:"profile"`
	Description string          `json:"description,omitempty"`
	Quotable    bool            `json:"quotable"`          // false: a quick look, not for quoting
	Explain     bool            `json:"explain,omitempty"` // each server is profiled when all is measured
	Seed        uint64          `json:"seed"`
	Arms        []Arm           `json:"arms"`
	Levels      []Level         `json:"levels"`
	Experiments []Experiment    `json:"experiments,omitempty"`
	Blocks      Range           `json:"blocks"` // of an experiment, unless it says otherwise
	Window      time.Duration   `json:"window_ns"`
	LongWindow  time.Duration   `json:"long_window_ns,omitempty"` // of levels with thousands of connections, or idle ones; 0: as the others
	TailWindow  time.Duration   `json:"tail_window_ns,omitempty"` // of runs of version 1
	Budget      time.Duration   `json:"budget_ns,omitempty"`      // no block begins that would end later; 0: no limit
	Warmup      time.Duration   `json:"warmup_ns"`
	WarmupMax   time.Duration   `json:"warmup_max_ns,omitempty"` // until then the warm-up goes on in steps of Warmup, unless it is steady before; 0: one step
	Timeout     time.Duration   `json:"timeout_ns"`
	Plan        []Block         `json:"plan"`            // in the order of measuring
	Shard       *Shard          `json:"shard,omitempty"` // nil: the whole plan was this run's
	Engine      EngineChoice    `json:"engine"`
	ServerCPUs  []int           `json:"server_cpus"` // empty: not pinned
	LoadCPUs    []int           `json:"load_cpus"`   // empty: not pinned
	Servers     []ServerVersion `json:"servers"`
	Missing     []Missing       `json:"missing,omitempty"`     // arms that could not take part; the run is partial
	Unreachable []Unreachable   `json:"unreachable,omitempty"` // levels that the machine does not allow; no trial visits them
	Environment Environment     `json:"environment"`           // the machine of the servers

	ServerHost    string      `json:"server_host,omitempty"`    // that machine, as ssh knows it; empty: the one that conducted the run
	ServerAddress string      `json:"server_address,omitempty"` // at which the servers listened; empty: loopback
	Generators    []Generator `json:"generators,omitempty"`     // the machines that generated load, where that is not the servers' own

	ClaimsHash string    `json:"claims_hash"`     // SHA-256 of the ledger as it stood before the run
	Claims     string    `json:"claims"`          // the ledger itself, as YAML
	Asked      []string  `json:"asked,omitzero"`  // the claims of it that the run answers; nil: all, empty: none
	Title      string    `json:"title,omitempty"` // of its report, where the arms are not those of the ledger's question
	Start      time.Time `json:"start"`
	End        time.Time `json:"end,omitzero"`
	State      State     `json:"state"`
	Notices    []string  `json:"notices,omitempty"`
}

// Generator is a machine that generated load for servers on another one.
type Generator struct {
	Host        string        `json:"host,omitempty"` // as ssh knows it; empty: the one that conducted the run
	CPUs        []int         `json:"cpus"`           // empty: not pinned
	Environment Environment   `json:"environment"`
	RoundTrip   time.Duration `json:"round_trip_ns"` // of a request to the null server, one at a time: the median
	Jitter      time.Duration `json:"jitter_ns"`     // by how much its p99 is above
}

// Name is for people.
func (g *Generator) Name() string { return cmp.Or(g.Host, "this machine") }

// LoadFrom is where the load came from, as people read it.
func LoadFrom(generators []Generator) string {
	if len(generators) == 0 {
		return "the servers' own machine"
	}
	var machines []string
	for i := range generators {
		machines = append(machines, generators[i].Environment.Machine())
	}
	slices.Sort(machines)
	return strings.Join(machines, " and ") + " over a network"
}

// Apart says whether servers and generators had machines of their own.
func (r *Run) Apart() bool { return len(r.Generators) > 0 }

// LoadHosts are the machines that ssh reached to generate load.
func (r *Run) LoadHosts() (hosts []string) {
	for i := range r.Generators {
		if host := r.Generators[i].Host; host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// GeneratorCores is the number of cores that the generator may use: those it
// is pinned to; else one, for wire is one event loop, or all, for vegeta.
func (r *Run) GeneratorCores() int {
	cores := 0
	for i := range r.Generators {
		g := &r.Generators[i]
		of := len(g.CPUs)
		if of == 0 && r.Engine.Name == "vegeta" {
			of = g.Environment.Cores
		}
		cores += max(of, 1)
	}
	switch {
	case cores > 0:
		return cores
	case len(r.LoadCPUs) > 0:
		return len(r.LoadCPUs)
	case r.Engine.Name == "vegeta":
		return max(r.Environment.Cores, 1)
	default:
		return 1
	}
}

// State says how far a run came.
type State string

// The states of a run.
const (
	Running     State = "running" // or killed while running
	Complete    State = "complete"
	Interrupted State = "interrupted"
	Failed      State = "failed"
)

// Range is an inclusive range of a count.
type Range struct {
	Min int `json:"min" yaml:"min"`
	Max int `json:"max" yaml:"max"`
}

// Shard is the part of a plan that one machine runs: every Of-th block,
// beginning with Index.
type Shard struct {
	Index int `json:"index"` // from 0
	Of    int `json:"of"`
}

// TooFewCores says whether an arm is not part of the run because it asks for more workers
// or instances than the servers have cores. What a machine of this size cannot tell makes no run partial.
func (r *Run) TooFewCores(arm string) bool {
	for i := range r.Arms {
		if a := &r.Arms[i]; a.Name == arm {
			return len(r.ServerCPUs) > 0 && max(a.Workers, a.Instances) > len(r.ServerCPUs)
		}
	}
	return false
}

// Has says whether a block belongs to the shard. A nil shard has all.
func (s *Shard) Has(block int) bool { return s == nil || block%s.Of == s.Index }

// Experiment is arms that are compared with each other, and the levels that
// they are compared at. All of its servers are up at the same time.
type Experiment struct {
	Name   string        `json:"name"`
	Arms   []string      `json:"arms"`
	Levels []int         `json:"levels"` // indices into Run.Levels
	Blocks Range         `json:"blocks"`
	Cores  int           `json:"cores,omitempty"`      // that the servers need for it; with fewer it is not run
	Passes int           `json:"passes"`               // visits of each level in a block
	Window time.Duration `json:"window_ns"`            // of a visit
	LeadIn time.Duration `json:"lead_in_ns,omitempty"` // of load before the window, which is not counted

	WarmupMax time.Duration `json:"warmup_max_ns,omitempty"` // as the run's, which it replaces; 0: it does not
}

// Block is one block of an experiment as it is planned.
type Block struct {
	Experiment int            `json:"experiment"` // index into Run.Experiments
	Number     int            `json:"number"`     // among the blocks of the experiment, from 0
	Seed       uint64         `json:"seed"`       // of the order of its rounds
	Trials     []PlannedTrial `json:"trials"`     // in the order in which the servers start
}

// UnmarshalJSON reads the plain list of trials of version 1, too.
func (b *Block) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, &b.Trials)
	}
	type plain Block
	return json.Unmarshal(data, (*plain)(b))
}

// ExperimentOf is the experiment of a block, which is an index into Plan.
func (r *Run) ExperimentOf(block int) *Experiment { return &r.Experiments[r.Plan[block].Experiment] }

// PlannedTrial is one entry of a block: which arm, and the levels that it visits.
type PlannedTrial struct {
	Arm    string `json:"arm"`
	Levels []int  `json:"levels"` // indices into Run.Levels
	Seed   uint64 `json:"seed"`   // of the trial's own randomness
}

// Plans says whether a block has the arm at the level, which is an index into
// Levels; a negative one is any.
func (b *Block) Plans(arm string, level int) bool {
	return slices.ContainsFunc(b.Trials, func(p PlannedTrial) bool {
		return p.Arm == arm && (level < 0 || slices.Contains(p.Levels, level))
	})
}

// upgrade gives a run of version 1 the one experiment that it was.
func (r *Run) upgrade() {
	if len(r.Experiments) > 0 {
		return
	}
	e := Experiment{Name: r.Profile, Blocks: r.Blocks, Passes: 1, Window: r.Window}
	for _, a := range r.Arms {
		e.Arms = append(e.Arms, a.Name)
	}
	for i := range r.Levels {
		e.Levels = append(e.Levels, i)
	}
	r.Experiments = []Experiment{e}
	for i := range r.Plan {
		r.Plan[i].Number = i
	}
}

// EngineChoice is the load engine of a run and why it was taken.
type EngineChoice struct {
	Name    string  `json:"name"`
	Reason  string  `json:"reason"`
	Ceiling float64 `json:"ceiling_rps"` // the engine against the null server, same cores, at 64 connections; 0: not measured

	// Ceilings is the same at each closed-loop level with more connections,
	// which the generator serves more slowly. With fewer the round trip limits
	// a generator and not what it can do.
	Ceilings []Ceiling `json:"ceilings,omitempty"`

	OpenCeiling float64 `json:"open_ceiling_rps,omitempty"` // in runs of before 2026-11-27: the highest rate that it delivers to the null server on time, open loop

	CrossCheck *CrossCheck `json:"cross_check,omitempty"` // nil where there is one engine only
}

// Ceiling is what a generator reaches against the null server, closed loop.
type Ceiling struct {
	Connections int     `json:"connections"`
	Throughput  float64 `json:"rps"`
}

// CeilingAt is the generator's ceiling at a level, 0 if it was not measured.
func (e *EngineChoice) CeilingAt(l Level) float64 {
	for _, c := range e.Ceilings {
		if !l.Open() && c.Connections == l.Connections {
			return c.Throughput
		}
	}
	return e.Ceiling
}

// Raise sets the ceiling at a level to what was reached there, if that is more.
func (e *EngineChoice) Raise(l Level, reached float64) {
	for i := range e.Ceilings {
		if c := &e.Ceilings[i]; !l.Open() && c.Connections == l.Connections {
			c.Throughput = max(c.Throughput, reached)
			return
		}
	}
	e.Ceiling = max(e.Ceiling, reached)
}

// CrossCheck compares what both engines read of one arm, well below saturation,
// at one rate, under the pinning of the run. The percentiles of vegeta are less
// what it reads more of the null server at that rate: to wake a goroutine takes
// its time, and is none of the server's. Zero where a field was not yet recorded.
type CrossCheck struct {
	Arm       string        `json:"arm"`
	Rate      float64       `json:"rate_rps"`
	Wire      time.Duration `json:"wire_p50_ns"`
	Vegeta    time.Duration `json:"vegeta_p50_ns"`
	WireP90   time.Duration `json:"wire_p90_ns,omitempty"`
	VegetaP90 time.Duration `json:"vegeta_p90_ns,omitempty"`
	Wake      time.Duration `json:"wake_p50_ns,omitempty"` // what was taken off
	WakeP90   time.Duration `json:"wake_p90_ns,omitempty"`
	Tolerance time.Duration `json:"tolerance_ns,omitempty"` // at the percentile that was farther apart
	Agree     bool          `json:"agree"`
}

func (c *CrossCheck) String() string {
	round := func(d time.Duration) time.Duration { return d.Round(100 * time.Nanosecond) }
	return fmt.Sprintf("the two engines disagree on %s at %.0f requests/s: wire p50 %v, p90 %v; vegeta p50 %v, p90 %v",
		c.Arm, c.Rate, round(c.Wire), round(c.WireP90), round(c.Vegeta), round(c.VegetaP90))
}

// Disproved says whether the engines differ by more than the method allows, so
// that no figure of the run can be believed.
func (e *EngineChoice) Disproved() bool {
	return e.CrossCheck != nil && !e.CrossCheck.Agree && e.CrossCheck.Tolerance > 0 // zero: by a rule that could not fail
}

// ServerVersion says what exactly stood behind a server's name.
type ServerVersion struct {
	Server   string            `json:"server"`
	Folder   string            `json:"folder,omitempty"` // where a server that is not embedded lies
	Title    string            `json:"title"`
	Runtime  string            `json:"runtime"`
	Versions map[string]string `json:"versions"` // executable -> version
	Lock     string            `json:"lock"`     // SHA-256 of its lock files, source and prepare commands
	Command  []string          `json:"command"`
	Size     uint64            `json:"installed_bytes,omitempty"` // source and packages, without the runtime; 0: not known
	Requests map[string]string `json:"requests,omitempty"`        // by route: the request it sends, where that is not a GET of its name

	// Executables is where on this machine each was that ran: absolute paths.
	// No two machines need agree in them. Runs of older versions have none.
	Executables map[string]string `json:"executables,omitempty"`
}

// Missing is an arm that took no part in a run.
type Missing struct {
	Arm    string `json:"arm"`
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"` // the command that fixes it
}

// Unreachable is a level that no trial of a run visits.
type Unreachable struct {
	Level  Level  `json:"level"`
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"` // the command that fixes it
}

// Environment describes the machine. A field that the system does not tell is empty.
type Environment struct {
	OS          string            `json:"os"`
	Arch        string            `json:"arch"`
	Kernel      string            `json:"kernel,omitempty"`
	Distro      string            `json:"distro,omitempty"`
	CPU         string            `json:"cpu,omitempty"`
	CPUID       string            `json:"cpu_id,omitempty"` // its numbers, which tell apart what has one name; of each kind of core
	Cores       int               `json:"cores"`
	Memory      uint64            `json:"memory_bytes,omitempty"`
	Virtual     bool              `json:"virtual,omitempty"` // the processor says that a hypervisor is present
	ClockSource string            `json:"clock_source,omitempty"`
	Governor    string            `json:"governor,omitempty"`
	OpenFiles   uint64            `json:"open_files,omitempty"`
	Sysctls     map[string]string `json:"sysctls,omitempty"`
	Settings    map[string]string `json:"settings,omitempty"` // of the processor and of this program's group: SMT, mitigations, quotas
	Go          string            `json:"go"`
	Revision    string            `json:"revision,omitempty"` // of hellobench
	Argv        []string          `json:"argv"`
}
