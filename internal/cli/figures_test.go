package cli_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/bench"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report/show"
)

// TestOneFigureOneValue takes the figures of one run from every format that
// shows them and holds them against each other and against the raw trials. The
// run is uneven on purpose: schedules that differ by block, a block that could
// not keep its rate, failed requests, two windows of a level in one trial.
func TestOneFigureOneValue(t *testing.T) {
	base, head := t.TempDir(), t.TempDir()
	trials := writeRun(t, base, 1)
	slower := writeRun(t, head, 0.5)
	out := func(args ...string) string {
		text, err := exec.CommandContext(t.Context(), binary, args...).Output()
		if exit := new(exec.ExitError); assert.ErrorAs(t, cmpErr(err, exit), &exit) {
			assert.Contains(t, []int{0, 3}, exit.ExitCode(), "%v: %s", args, exit.Stderr)
		}
		return string(text)
	}
	shown := map[string]string{}
	for _, format := range []string{"table", "markdown", "html", "csv", "json", "benchfmt"} {
		shown[format] = out("report", base, "--format", format)
	}
	var doc struct {
		Cells []map[string]any `json:"cells"`
	}
	require.NoError(t, json.Unmarshal([]byte(shown["json"]), &doc))
	table, err := csv.NewReader(strings.NewReader(shown["csv"])).ReadAll()
	require.NoError(t, err)
	for _, arm := range []string{"node-http", "flask-dev"} {
		for _, level := range []record.Level{{Connections: 8}, {Rate: 500}} {
			t.Run(arm+" at "+level.String(), func(t *testing.T) {
				want := figures(t, trials, arm, level)
				i := slices.IndexFunc(doc.Cells, func(c map[string]any) bool { return c["arm"] == arm && c["level"] == level.String() })
				require.GreaterOrEqual(t, i, 0)
				row := slices.IndexFunc(table, func(r []string) bool { return r[3] == arm && r[7] == level.String() })
				require.Positive(t, row)
				for _, f := range want {
					f.check(t, doc.Cells[i], table[0], table[row])
				}
				for format, rows := range map[string][][]string{
					"table": rowsOf(shown["table"], `\s{2,}`, arm, level), "markdown": rowsOf(shown["markdown"], `\s*\|\s*`, arm, level), "html": rowsOf(shown["html"], `<[^>]*>`, arm, level),
				} {
					text := " " + strings.Join(slices.Concat(rows...), " ") + " "
					require.NotEmpty(t, rows, format)
					for _, f := range want {
						if f.shown != "" && (format != "html" || f.html != "") {
							expected := f.shown
							if format == "html" {
								expected = f.html
							}
							assert.Contains(t, text, " "+expected, "%s in %s", f.name, format)
						}
					}
				}
				for _, line := range benchLines(shown["benchfmt"], arm, level) {
					assert.Contains(t, line, "p50-sec")
					assert.Equal(t, level.Rate == 0, strings.Contains(line, "req/s"), "a rate that was asked for is no result")
				}
			})
		}
	}
	var verdicts []struct {
		Cells []struct {
			Ratio struct{ Mid float64 }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(readVerdicts(t, out, base)), &verdicts))
	require.Len(t, verdicts, 1)
	ratio := ratioOf(trials, "node-http", trials, "flask-dev")
	assert.InEpsilon(t, ratio, verdicts[0].Cells[0].Ratio.Mid, 1e-9, "the verdict's ratio")
	assert.Contains(t, shown["table"], show.Number(ratio)+"x", "the same in the report")
	assert.Regexp(t, `flask-dev +c=8 +throughput +`+regexp.QuoteMeta(show.Number(ratioOf(slower, "flask-dev", trials, "flask-dev"))), out("compare", base, head))
}

// cmpErr is err, or exit code 0 as an error of its kind.
func cmpErr(err error, none *exec.ExitError) error {
	if err == nil {
		none.ProcessState = &os.ProcessState{}
		return none
	}
	return err
}

// figure is one figure of a cell, computed from the raw trials.
type figure struct {
	name, key, column string
	value             float64
	shown             string // in tables; empty: not in tables
	html              string // in the page's table; empty: not there
}

func (f figure) check(t *testing.T, cell map[string]any, head, row []string) {
	t.Helper()
	got := cell[f.key]
	if estimate, ok := got.(map[string]any); ok {
		got = estimate["mid"]
	}
	assert.InDelta(t, f.value, got, 1e-9*math.Abs(f.value)+1e-12, "%s in JSON", f.name)
	i := slices.Index(head, f.column)
	require.GreaterOrEqual(t, i, 0, f.column)
	v, err := strconv.ParseFloat(row[i], 64)
	require.NoError(t, err, "%s in CSV: %q", f.name, row[i])
	assert.InDelta(t, f.value, v, 1e-9*math.Abs(f.value)+1e-12, "%s in CSV", f.name)
}

// figures computes what a cell has to show, by the definitions in docs/method.md
// and by nothing of the program but its histogram.
func figures(t *testing.T, trials []record.Trial, arm string, level record.Level) []figure {
	t.Helper()
	var sent, scheduled, requests, failed, completed uint64
	var seconds, longest float64
	var throughputs, means, p50, p95 []float64
	var threads int
	for _, trial := range trials {
		if trial.Arm != arm {
			continue
		}
		var done uint64
		var took float64
		all := record.NewHistogram()
		for _, w := range trial.Windows {
			if w.Level != level {
				continue
			}
			m := &w.Load
			sent, scheduled, requests, failed = sent+m.Sent, scheduled+m.Scheduled, requests+m.Requests, failed+m.Errors.Total()
			done, took = done+m.Completed, took+m.Duration.Seconds()
			threads = max(threads, w.Server.Threads)
			h, err := m.Latency.Histogram()
			require.NoError(t, err)
			all.Merge(h)
		}
		completed, seconds = completed+done, seconds+took
		throughputs, means = append(throughputs, float64(done)/took), append(means, all.Mean().Seconds())
		p50, p95 = append(p50, all.Quantile(0.5).Seconds()), append(p95, all.Quantile(0.95).Seconds())
		longest = max(longest, all.Quantile(1).Seconds())
	}
	throughput := geometric(throughputs)
	if level.Open() {
		throughput = float64(completed) / seconds
	}
	ms := func(v float64) string { return show.Number(v * 1e3) }
	out := []figure{
		{"throughput", "throughput_rps", "throughput_rps", throughput, "", show.Number(throughput)},
		{"achieved", "achieved_rps", "achieved_rps", float64(sent) / seconds, "", ""},
		{"mean", "mean_s", "mean_s", geometric(means), ms(geometric(means)), show.Seconds(geometric(means))},
		{"p50", "p50_s", "p50_s", middle(p50), ms(middle(p50)), show.Seconds(middle(p50))},
		{"p95", "p95_s", "p95_s", middle(p95), ms(middle(p95)), show.Seconds(middle(p95))},
		{"max", "max_s", "max_s", longest, ms(longest), show.Seconds(longest)},
		{"requests", "requests", "requests", float64(requests), show.Count(requests), ""},
		{"error rate", "error_rate", "error_rate", float64(failed) / float64(requests), show.Percent(float64(failed) / float64(requests)), ""},
		{"threads", "threads", "threads", float64(threads), strconv.Itoa(threads), strconv.Itoa(threads)},
	}
	if level.Open() {
		delivered := float64(sent) / float64(scheduled)
		out = append(out, figure{"offered", "offered_rps", "offered_rps", float64(scheduled) / seconds, "", ""},
			figure{"delivered", "delivered", "delivered", delivered, show.Percent(delivered) + " of schedule", show.Percent(delivered)})
	}
	return out
}

func geometric(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}

func middle(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// ratioOf is the geometric mean over blocks of throughput at 8 connections.
func ratioOf(ofA []record.Trial, a string, ofB []record.Trial, b string) float64 {
	rates := func(trials []record.Trial, arm string) (out []float64) {
		for _, trial := range trials {
			var done uint64
			var took time.Duration
			for _, w := range trial.Windows {
				if trial.Arm == arm && w.Level.Connections == 8 {
					done, took = done+w.Load.Completed, took+w.Load.Duration
				}
			}
			if took > 0 {
				out = append(out, float64(done)/took.Seconds())
			}
		}
		return out
	}
	return geometric(rates(ofA, a)) / geometric(rates(ofB, b))
}

// rowsOf are the rows of an arm at a level in a text, in every table that has
// them, split into fields. A level is named in its first row only.
func rowsOf(text, between, arm string, level record.Level) (rows [][]string) {
	split := regexp.MustCompile(between)
	current := ""
	if between[0] == '<' {
		text = strings.ReplaceAll(text[strings.Index(text, `id="raw-table"`):], "\n", "")
		text = strings.ReplaceAll(text, "</tr>", "\n")
	}
	for line := range strings.Lines(text) {
		var fields []string
		for _, f := range split.Split(strings.TrimSpace(line), -1) {
			if f = strings.TrimSpace(f); f != "" {
				fields = append(fields, f)
			}
		}
		if slices.ContainsFunc(fields, func(f string) bool { return f == "c=8" || f == "r=500/s" }) {
			current = fields[slices.IndexFunc(fields, func(f string) bool { return f == "c=8" || f == "r=500/s" })]
		}
		if current == level.String() && slices.ContainsFunc(fields, func(f string) bool { return strings.TrimRight(f, "!?†") == arm }) {
			rows = append(rows, fields)
		}
	}
	return rows
}

func benchLines(text, arm string, level record.Level) (lines []string) {
	name := "BenchmarkServer/arm=" + arm + "/level=" + strings.ReplaceAll(level.String(), "/", "|")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name) {
			lines = append(lines, line)
		}
	}
	return lines
}

func readVerdicts(t *testing.T, out func(...string) string, dir string) string {
	t.Helper()
	out("report", dir) // writes verdicts.json
	text, err := os.ReadFile(filepath.Join(dir, "verdicts.json"))
	require.NoError(t, err)
	return string(text)
}

// writeRun makes a run folder of two arms. speed scales what flask-dev does.
func writeRun(t *testing.T, dir string, speed float64) []record.Trial {
	t.Helper()
	const blocks = 6
	levels := []record.Level{{Connections: 8}, {Rate: 500}}
	arms := []record.Arm{{Name: "node-http", Server: "node-http", Route: "/"}, {Name: "flask-dev", Server: "flask-dev", Route: "/"}, {Name: "node-http~again", Server: "node-http", Route: "/", Replicate: "node-http"}}
	run := &record.Run{
		Schema: record.SchemaVersion, ID: filepath.Base(dir), Tool: "hellobench", Method: bench.Method(), Profile: "p", Quotable: true, Seed: 1, Arms: arms, Levels: levels,
		Blocks: record.Range{Min: blocks, Max: blocks}, Window: time.Second, Timeout: time.Second, State: record.Complete, Start: time.Unix(1, 0), End: time.Unix(2, 0),
		Engine: record.EngineChoice{Name: "wire", Reason: "asked for", Ceiling: 1e6}, Servers: []record.ServerVersion{},
		Environment: record.Environment{OS: "linux", Arch: "amd64", Cores: 2, Go: "go1.26", Argv: []string{"hellobench"}},
		ServerCPUs:  []int{0}, LoadCPUs: []int{1}, Asked: []string{"faster"}, Claims: `schema: 1
title: A question
source: nowhere
alpha: 0.05
claims:
  - id: faster
    section: s
    paraphrase: One is faster.
    margin: 0.1
    comparisons:
      - {group: at all, metric: throughput, a: node-http, b: flask-dev, connections: [8]}
`,
	}
	run.ClaimsHash = hashOf(run.Claims)
	run.Experiments = []record.Experiment{{Name: "one", Levels: []int{0, 1}, Blocks: record.Range{Min: 1, Max: max(blocks, 1)}, Passes: 2, Window: time.Second}}
	for _, a := range arms {
		run.Experiments[0].Arms = append(run.Experiments[0].Arms, a.Name)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var trials []record.Trial
	for block := range blocks {
		var plan []record.PlannedTrial
		for _, arm := range arms {
			plan = append(plan, record.PlannedTrial{Arm: arm.Name, Levels: []int{0, 1}})
			trial := record.Trial{Schema: record.SchemaVersion, Block: block, Position: len(plan) - 1, Arm: arm.Name, Start: time.Unix(1, 0), End: time.Unix(2, 0)}
			windows := []record.Level{levels[0], levels[1]}
			if block == 2 {
				windows = append(windows, levels[1])
			}
			for _, level := range windows {
				trial.Windows = append(trial.Windows, record.Window{
					Level: level, Start: time.Unix(1, 0), Load: uneven(rng, level, block, arm.Name == "flask-dev", speed),
					Server: record.Usage{CPU: record.CPU{User: 100 * time.Millisecond}, PSS: 1 << 20, RSS: 2 << 20, Threads: 3 + block, Processes: 1},
				})
			}
			trials = append(trials, trial)
		}
		run.Plan = append(run.Plan, record.Block{Number: block, Trials: plan})
	}
	require.NoError(t, record.WriteRun(dir, run))
	journal, err := record.OpenJournal(dir)
	require.NoError(t, err)
	for i := range trials {
		require.NoError(t, journal.Append([]*record.Trial{&trials[i]}))
	}
	require.NoError(t, journal.Close())
	return trials
}

// uneven is a window whose counts differ by block.
func uneven(rng *rand.Rand, level record.Level, block int, slow bool, speed float64) record.Measurement {
	m := record.Measurement{Engine: "wire", Connections: level.Connections, Established: level.Connections, Duration: time.Second, InFlight: time.Duration(level.Connections) * time.Second}
	m.Requests = uint64(3000 + 100*block)
	latency := 2 * time.Millisecond
	if slow {
		m.Requests, latency = uint64(float64(1100+40*block)*speed), 7*time.Millisecond
	}
	m.Sent = m.Requests
	if level.Open() {
		m.Offered, m.Scheduled = level.Rate, uint64(440+30*block)
		m.Requests, m.Sent = m.Scheduled, m.Scheduled
		if block == 3 {
			m.Sent -= 200 // after the window
		}
	}
	m.Errors.Reset = uint64(block % 2)
	m.OK = m.Requests - m.Errors.Total()
	m.Completed = min(m.OK, m.Sent)
	h := record.NewHistogram()
	for range m.OK {
		h.Record(latency + time.Duration(rng.ExpFloat64()*float64(latency)))
	}
	m.Latency = h.Distribution()
	if level.Open() {
		m.Service, m.Slip = m.Latency, m.Latency
	}
	m.FirstError = strings.Repeat("reset", block%2)
	return m
}
