// Package report derives from the raw records of a run everything that a
// reader is shown: the Document. Renderers (table, plot, markdown, csv and
// others) turn a Document into text and pictures and compute nothing.
//
// The package refuses to render, to round and to scale: every figure is in
// its SI base unit (seconds, bytes, requests a second, ratios). It also
// refuses to count what does not belong: warm-up windows, blocks that are not
// complete, and replicates and null servers as competitors. No figure in a
// Document is ever NaN or infinite, so that it can be written as JSON.
package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// SchemaVersion is the version of a Document written as JSON.
const SchemaVersion = 1

// Confidence is the two-sided level of every interval of a cell.
const Confidence = 0.95

// Document is what a report shows, in the order in which it is shown.
type Document struct {
	Schema      int                    `json:"schema"`
	Question    string                 `json:"question,omitempty"` // of the ledger; empty where it puts none
	Title       string                 `json:"title"`              // the run's name
	Quotable    bool                   `json:"quotable"`           // false: a quick look, to be said in every rendering
	Partial     bool                   `json:"partial"`            // something planned is missing; Missing, Blocks and Asked.State say what
	Asked       Asked                  `json:"asked"`
	Tally       []Tally                `json:"tally"`    // the answers counted, in the order of the values
	Verdicts    []claims.Verdict       `json:"verdicts"` // the answers themselves, in the order of the ledger
	Arms        []Arm                  `json:"arms"`
	Requests    map[string]string      `json:"requests,omitempty"`  // by route: the request it sends, where that is not a GET of its name
	Explained   []Explained            `json:"explained,omitempty"` // of a run with --explain
	Levels      []Level                `json:"levels"`
	Blocks      sample.Blocks          `json:"blocks"`
	Cells       []Cell                 `json:"cells"` // by arm, then level, in the order of Arms and Levels
	Starts      []Start                `json:"starts"`
	Rankings    []Ranking              `json:"rankings"`
	Experiments []Experiment           `json:"experiments"`
	Calibration *Calibration           `json:"calibration"` // nil: no arm was entered twice, or not often enough
	Noise       []Noise                `json:"noise"`
	Ratios      []Ratio                `json:"ratios"` // of the arms over the first on their route
	Fits        []Fit                  `json:"fits"`   // of scalability
	Gates       []GateTotal            `json:"gates"`
	Breakdowns  []Breakdown            `json:"breakdowns"`
	Failures    []Failure              `json:"failures"`
	Missing     []record.Missing       `json:"missing"`
	Unreachable []record.Unreachable   `json:"unreachable"` // levels that the machine does not allow
	Notices     []string               `json:"notices"`
	Environment record.Environment     `json:"environment"`
	Servers     []record.ServerVersion `json:"servers"`
	Charts      []Chart                `json:"charts"`

	table *sample.Table
}

// Asked is what the run was asked to do, and how far it came.
type Asked struct {
	ID          string              `json:"id"`
	Tool        string              `json:"tool"`
	Method      string              `json:"method"`
	Profile     string              `json:"profile"`
	Description string              `json:"description,omitempty"`
	Seed        uint64              `json:"seed"`
	Blocks      record.Range        `json:"blocks"`
	WindowS     float64             `json:"window_s"`
	LongWindowS float64             `json:"long_window_s,omitempty"` // of crowds, beside another route, and for a p99
	WarmupS     float64             `json:"warmup_s"`
	TimeoutS    float64             `json:"timeout_s"`
	Engine      record.EngineChoice `json:"engine"`
	ServerCPUs  []int               `json:"server_cpus"`           // empty: not pinned
	LoadCPUs    []int               `json:"load_cpus"`             // empty: not pinned
	ServerHost  string              `json:"server_host,omitempty"` // see record.Run
	Generators  []record.Generator  `json:"generators,omitempty"`
	ClaimsHash  string              `json:"claims_hash"`
	Start       time.Time           `json:"start"`
	End         time.Time           `json:"end,omitzero"`
	State       record.State        `json:"state"`
	Inside      float64             `json:"inside"` // share of the run's time that was spent in windows and warm-ups; 0: it has no end
}

// Heading is what a rendering has as its first line: the question, or the
// run's name where the ledger puts none.
func (d *Document) Heading() string { return cmp.Or(d.Question, d.Title) }

// Tally counts the verdicts of one value.
type Tally struct {
	Value claims.Value `json:"value"`
	Count int          `json:"count"`
}

// Role says what an arm stands for in a report.
type Role string

// The roles of an arm.
const (
	Competitor Role = "competitor"
	Replicate  Role = "replicate" // the second half of an A/A pair
	Ceiling    Role = "ceiling"   // the null server: what the generator can do at most
)

// Arm is one arm with what is known of its server.
type Arm struct {
	record.Arm
	Role    Role   `json:"role"`
	Title   string `json:"title"` // of the server; its name where it has none
	Runtime string `json:"runtime"`
	Label   string `json:"label"` // the name without the route, which the title of a picture has
	Style   int    `json:"style"` // of a competitor: the number of its label, the same in every picture, from 0
}

// Level is one load level with its name.
type Level struct {
	record.Level
	Name string `json:"name"` // "c=64", "r=1000/s"
	Open bool   `json:"open"` // open loop
}

// Arm is the one of that name, the zero Arm if there is none.
func (d *Document) Arm(name string) Arm {
	for _, a := range d.Arms {
		if a.Name == name {
			return a
		}
	}
	return Arm{}
}

// Level is the one of that name, the zero Level if there is none.
func (d *Document) Level(name string) Level {
	for _, l := range d.Levels {
		if l.Name == name {
			return l
		}
	}
	return Level{}
}

// Estimate is a central value across blocks with its interval.
//
// Confidence is the level that the interval attains; it is 0 where there is
// one block only, and Low and High equal Mid then. The median of fewer than
// six blocks attains less than Confidence, and its interval is the range seen.
type Estimate struct {
	Mid        float64 `json:"mid"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"`
	Blocks     int     `json:"blocks"`
}

// Cell is one arm at one level across the blocks that count. Throughput is
// correct responses a second: in an open loop all of them over all the time, without an
// interval. Percentiles are medians of the starts' percentiles; all other
// estimates are geometric means. They are under the keys of their metrics in JSON.
type Cell struct {
	Arm          string        `json:"arm"`
	Level        string        `json:"level"`
	Trials       int           `json:"trials"`              // starts that have a window here
	Failed       int           `json:"failed"`              // starts that ended early, of this arm, in counted blocks
	Broken       int           `json:"broken"`              // starts in which the server itself failed: wrong answers, lost connections
	BrokenBy     string        `json:"broken_by,omitempty"` // the first time; from outside: escape it
	Unclear      int           `json:"unclear"`             // starts in which it failed on a disturbed machine
	LowerBound   bool          `json:"lower_bound"`         // the generator was the limit: the server can do at least this
	OfferedRPS   float64       `json:"offered_rps"`         // open loop: what the schedules placed in the windows; 0 in a closed loop
	AchievedRPS  float64       `json:"achieved_rps"`        // what was sent inside the windows
	Delivered    float64       `json:"delivered"`           // open loop: share of the schedules that was sent inside the windows, 0 to 1; 0 in a closed loop
	MaxS         float64       `json:"max_s"`               // longest latency of all
	Requests     uint64        `json:"requests"`            // sent, all blocks
	Errors       record.Errors `json:"errors"`              // all blocks
	ErrorRate    float64       `json:"error_rate"`          // 0 to 1
	MemoryKind   string        `json:"memory_kind"`         // "pss", or "rss" where the system does not tell
	Threads      int           `json:"threads"`             // most seen
	Processes    int           `json:"processes"`           // most seen
	GeneratorCPU float64       `json:"generator_cpu"`       // share of the generator's cores
	LittlesLaw   float64       `json:"littles_law"`         // requests in flight over connections; 0 in an open loop
	Gates        []GateCount   `json:"gates"`               // that fired here

	Odd []record.Oddity `json:"odd"` // of the latencies, in half of the starts at least

	Points     []BlockPoint `json:"points"`      // behind the estimates, in block order
	FirstError string       `json:"first_error"` // an example, from outside: escape it

	estimates     []*Estimate // by cellMetrics
	spoiledStarts int         // in which a gate fired that leaves no bound either
}

// BlockPoint is what one start contributed to a cell, under the keys of the metrics in JSON.
type BlockPoint struct {
	Block int `json:"block"`

	values []float64 // by cellMetrics
}

// GateCount is a gate with the number of starts in which it fired.
type GateCount struct {
	Name   string `json:"name"`
	Count  int    `json:"count"`
	Detail string `json:"detail"` // of the first time
}

// GateTotal is a gate over the whole run.
type GateTotal struct {
	GateCount
	Cells []string `json:"cells"` // "arm at level", sorted
}

// Start is what the starts of one arm took before any load.
type Start struct {
	Arm           string    `json:"arm"`
	Startup       *Estimate `json:"startup_s"` // from exec to the first correct response; geometric mean
	StartupBlocks []float64 `json:"startup_blocks_s"`
	WarmUps       []WarmUp  `json:"warm_ups"` // what the warm-ups came to, by label; none where none was long enough to tell
	Memory        *Estimate `json:"memory_bytes"`
	MemoryBlocks  []float64 `json:"memory_blocks_bytes"`
	MemoryKind    string    `json:"memory_kind"`
	Threads       int       `json:"threads"`
	Processes     int       `json:"processes"`
	Trials        int       `json:"trials"`
	Failed        int       `json:"failed"`
}

// WarmUp is how often warm-ups came to a label.
type WarmUp struct {
	Label string `json:"label"`
	Count int    `json:"count"`
}

// Ranking orders the competitors on one route at one level.
type Ranking struct {
	Route    string   `json:"route"`
	Level    string   `json:"level"`
	Beside   bool     `json:"beside"` // another request runs all the time beside what is ranked
	Metric   string   `json:"metric"` // "throughput", or "p99" or "p50" in an open loop
	Places   []Place  `json:"places"`
	Unranked []string `json:"unranked,omitempty"` // arms whose figures a validity gate spoiled: neither above nor below another
}

// Place is the best and the worst place of an arm. Two arms share at least one
// place unless their ratio, paired by block, differs from 1 with the report's
// confidence.
type Place struct {
	Arm   string   `json:"arm"`
	First int      `json:"first"` // from 1
	Last  int      `json:"last"`
	Value Estimate `json:"value"`
	Bound bool     `json:"lower_bound"`
	Gated bool     `json:"gated"` // a validity gate fired in the cell
}

// Noise compares an arm with itself at one level: what chance alone does.
type Noise struct {
	Arm       string   `json:"arm"`
	Replicate string   `json:"replicate"`
	Level     string   `json:"level"`
	Metric    string   `json:"metric"` // "throughput", "p50", "p99" or "cpu"
	Ratio     Estimate `json:"ratio"`  // replicate over arm, paired by block
}

// Calibration is how the replicates compare with the arms that they repeat, over all
// closed levels: the interval has to contain 1.
type Calibration struct {
	Ratio Estimate `json:"ratio"` // of throughputs
	Holds bool     `json:"holds"`

	// Of comparisons of one arm at one level over sample.CoverageBlocks blocks each:
	Comparisons int `json:"comparisons"`
	Covered     int `json:"covered"` // whose 95% interval contains 1
	Apart       int `json:"apart"`   // that would have been called a difference of 10% or more
}

// Failure is a start that ended early.
type Failure struct {
	Block      int    `json:"block"` // in the plan
	Experiment string `json:"experiment"`
	Number     int    `json:"number"` // of the block among those of the experiment, from 0
	Arm        string `json:"arm"`
	Reason     string `json:"reason"` // from outside: escape it
	Ready      bool   `json:"ready"`  // it had answered before
	Server     bool   `json:"server"` // the server's own fault, as far as is known
}

// Breakdown is a server that failed by what it did itself, in half of its
// starts or more: no disturbance of the machine, but news of the server.
type Breakdown struct {
	Arm    string `json:"arm"`
	Level  string `json:"level,omitempty"` // empty: it did not start, answered wrongly before any load, or ended
	Starts int    `json:"starts"`          // in which it did
	Of     int    `json:"of"`
	Detail string `json:"detail"` // of the first time; from outside: escape it
}

func (b *Breakdown) String() string {
	return fmt.Sprintf("it failed in %d of %d starts: %s", b.Starts, b.Of, b.Detail)
}

// Quantity is what a chart shows.
type Quantity string

// The quantities.
const (
	OfAnswers    Quantity = "answers" // ratios of claims, not of arms
	OfThroughput Quantity = "throughput"
	OfLatency    Quantity = "latency" // in medians and means; other times are means
	OfStartup    Quantity = "startup"
	OfMemory     Quantity = "memory"
	OfCPU        Quantity = "cpu"
	OfWindows    Quantity = "windows" // throughput of each, over time
	OfParts      Quantity = "parts"   // of the time of a request
)

// Chart is the data of one picture.
type Chart struct {
	Quantity Quantity `json:"quantity"`
	Name     string   `json:"name"`             // of the file, without extension
	Kind     string   `json:"kind"`             // "lines" over the x axis; one row an arm: "dots", or "stacks" of its points
	Center   string   `json:"center,omitempty"` // of latency: "p50", or "mean" in a closed loop
	Title    string   `json:"title"`
	X        Axis     `json:"x"`
	Y        Axis     `json:"y"`
	Series   []Series `json:"series"`

	of    string // what the title ends with: the loop and the work
	level string // of a chart of rows, by its name
}

// Axis is one axis of a chart.
//
// From and To are the range of what has to be seen, the same where one picture
// was split; both are 0 where nothing is asked for.
type Axis struct {
	Label string      `json:"label"`
	Unit  sample.Unit `json:"unit"` // none for counts, or Percentiles
	Log   bool        `json:"log"`
	From  float64     `json:"from,omitempty"`
	To    float64     `json:"to,omitempty"`
}

// Percentiles is the unit of an axis on which the percentile p stands at
// 1/(1-p): p50 at 2, p99 at 100.
const Percentiles sample.Unit = "percentile"

// Tail is the variant of a series that is drawn beside the one of the center.
const Tail = "p99"

// Series is one arm in a chart, or one percentile of it.
type Series struct {
	Arm     string  `json:"arm"`
	Label   string  `json:"label"`
	Variant string  `json:"variant,omitempty"` // "p50", "mean", Tail
	Style   int     `json:"style"`
	Points  []Point `json:"points"`
	Curve   []Dot   `json:"curve,omitempty"` // on which the points lie, but for their being estimates over starts; none: from point to point
}

// Name is what a picture calls the series.
func (s *Series) Name() string { return cmp.Or(s.Label, s.Arm) }

// Point is one estimate of a series with the block values behind it.
type Point struct {
	X      float64   `json:"x"`
	Y      Estimate  `json:"y"`
	Bound  bool      `json:"lower_bound"`
	Asks   float64   `json:"asks,omitempty"` // of a claim: the ratio that it asks for
	Blocks []float64 `json:"blocks"`
}

// WriteJSON writes a document, or what else a command puts out for programs, indented.
func WriteJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
}
