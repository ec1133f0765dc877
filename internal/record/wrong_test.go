package record_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/yamlfile/yamltest"
)

// wholeRun has every key of the schema.
func wholeRun() *record.Run {
	r := tinyRun()
	r.Description, r.Title, r.Quotable = "d", "t", true
	r.LongWindow, r.TailWindow, r.Warmup, r.WarmupMax = time.Second, time.Second, time.Second, time.Second
	r.Arms = append(r.Arms, record.Arm{Name: "b", Server: "b", Route: "/", Workers: 1, Threads: 1, Instances: 1, Beside: "/x", Close: true, Shared: true, Variant: "v", Replicate: "a"})
	r.Levels = append(r.Levels, record.Level{Rate: 5, Idle: 10}, record.Level{Share: 0.5}, record.Level{SLO: true})
	r.Shard, r.Budget = &record.Shard{Index: 0, Of: 2}, time.Second
	e := &r.Experiments[0]
	e.LeadIn, e.WarmupMax, e.Cores = time.Second, time.Second, 1
	r.Engine.OpenCeiling = 5
	r.Engine.Ceiling, r.Engine.Ceilings = 5, []record.Ceiling{{Connections: 4, Throughput: 5}}
	r.Engine.CrossCheck = &record.CrossCheck{Arm: "a", Rate: 5, Wire: 5, Vegeta: 5, WireP90: 5, VegetaP90: 5, Wake: 1, WakeP90: 1, Tolerance: 5, Agree: true}
	r.ServerCPUs, r.LoadCPUs, r.Asked, r.Notices = []int{0}, []int{1}, []string{"a"}, []string{"n"}
	r.Servers = []record.ServerVersion{{
		Server: "a", Folder: "/a", Title: "t", Runtime: "node", Versions: map[string]string{"x": "1"}, Executables: map[string]string{"x": "/x"},
		Lock: strings.Repeat("0", 64), Command: []string{"c"}, Size: 1,
	}}
	r.Missing = []record.Missing{{Arm: "b", Reason: "r", Hint: "h"}}
	r.Unreachable = []record.Unreachable{{Level: record.Level{Connections: 4}, Reason: "r", Hint: "h"}}
	r.Environment = record.Environment{
		OS: "linux", Arch: "amd64", Kernel: "k", Distro: "d", CPU: "c", CPUID: "i", Cores: 1, Memory: 1, Virtual: true, ClockSource: "c", Governor: "g",
		OpenFiles: 1, Sysctls: map[string]string{"a": "1"}, Settings: map[string]string{"a": "1"}, Go: "go", Revision: "r", Argv: []string{"a"},
	}
	r.State, r.End = record.Complete, time.Unix(2, 0).UTC()
	return r
}

// wholeTrial has every key of the schema.
func wholeTrial() *record.Trial {
	h := record.NewHistogram()
	for i := range 20_000 {
		h.Record(time.Duration(i))
	}
	usage := record.Usage{CPU: record.CPU{User: 1, System: 1}, RSS: 1, PSS: 1, Threads: 1, Processes: 1, MainThread: 1, ByThread: map[string]time.Duration{"node": 1}}
	return &record.Trial{
		Schema: 2, Arm: "a", Start: time.Unix(1, 0).UTC(), End: time.Unix(2, 0).UTC(), Startup: 1, Setup: map[string]string{"port": "1"}, Runtime: map[string]string{"jit": "no"},
		Idle: usage, Steady: "flat", Failure: "f", Windows: []record.Window{{
			Level: record.Level{Rate: 100}, Start: time.Unix(1, 0).UTC(), Warmup: true, Restless: true, Server: usage,
			Host: record.Disturbance{Elapsed: 4, Others: 1, Steal: 1, Throttled: 1}, Network: &record.Network{ListenOverflows: 1, ListenDrops: 1, SYNRetransmits: 1, Resets: 1},
			Pass: 1, Others: 1, Beside: 1, Held: 1, Probes: []record.Probe{{Rate: 1, Trials: 1, Passed: true}}, Gates: []record.Gate{{Name: "g", Detail: "d"}},
			Load: record.Measurement{
				Engine: "wire", Connections: 1, Established: 1, Duration: time.Second, LeadIn: 1, Accepted: 1, Offered: 100, Scheduled: 20_000, Requests: 20_010, Sent: 20_010, OK: 20_000, Completed: 20_000,
				Errors: record.Errors{Connect: 1, Timeout: 1, Reset: 1, Status: 1, Body: 1}, BytesIn: 1, Reconnects: 1, Retries: 1, InFlight: 1,
				Latency: h.Distribution(), Service: h.Distribution(), Slip: h.Distribution(), FirstByte: h.Distribution(), Bins: []record.Bin{{OK: 1, P50: 1}},
				CPU: record.CPU{User: 1, System: 1}, FirstError: "e",
			},
		}},
	}
}

// TestWrongRuns makes every mistake that the schema of run.json knows.
func TestWrongRuns(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, record.WriteRun(dir, wholeRun()))
	_, err := record.ReadRun(dir)
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(dir, record.RunFile))
	require.NoError(t, err)
	tried := 0
	yamltest.Each(t, "run", data, func(w yamltest.Wrong) {
		tried++
		require.NoError(t, os.WriteFile(filepath.Join(dir, record.RunFile), w.Data, 0o600))
		_, err := record.ReadRun(dir)
		if w.Surely {
			require.Error(t, err, w.What)
		}
		if err != nil {
			assert.LessOrEqual(t, yamltest.Clean(t, w.What, err), 5, "%s: %v", w.What, err) // who renames an arm breaks all that name it
		}
	})
	assert.Greater(t, tried, 500)
}

// TestWrongTrials makes every mistake that the schema of a trial knows. Not each
// is refused: to hold millions of windows against a schema takes too long.
func TestWrongTrials(t *testing.T) {
	dir, run := t.TempDir(), wholeRun()
	read := func(data []byte) ([]record.Trial, error) {
		var line bytes.Buffer
		require.NoError(t, json.Compact(&line, data))
		require.NoError(t, os.WriteFile(filepath.Join(dir, record.TrialsFile), append(line.Bytes(), '\n'), 0o600))
		return record.TrialsOf(dir, run)
	}
	data, err := json.Marshal(wholeTrial())
	require.NoError(t, err)
	_, err = read(data)
	require.NoError(t, err)
	tried, refused := 0, 0
	yamltest.Each(t, "trial", data, func(w yamltest.Wrong) {
		tried++
		trials, err := read(w.Data)
		if err != nil {
			refused++
			assert.Equal(t, 1, yamltest.Clean(t, w.What, err), "%s: %v", w.What, err)
			return
		}
		use(t, w.What, trials)
	})
	assert.Greater(t, refused, tried/2)
}

// use does with trials what may go wrong if one cannot be.
func use(t testing.TB, what string, trials []record.Trial) {
	for i := range trials {
		for j := range trials[i].Windows {
			m := &trials[i].Windows[j].Load
			for _, d := range []*record.Distribution{m.Latency, m.Service, m.Slip, m.FirstByte} {
				h, err := d.Histogram()
				if err != nil {
					require.NotContains(t, err.Error(), "\n", what)
					continue
				}
				all := record.NewHistogram()
				all.Merge(h)
				all.Distribution()
			}
		}
	}
}

func FuzzRun(f *testing.F) {
	for _, r := range []*record.Run{tinyRun(), wholeRun()} {
		data, err := json.Marshal(r)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, record.RunFile), data, 0o600))
		if r, err := record.ReadRun(dir); err != nil {
			yamltest.Clean(t, string(data), err)
		} else {
			_, err := sample.New(r, nil)
			require.NoError(t, err)
		}
	})
}

func FuzzTrials(f *testing.F) {
	data, err := json.Marshal(wholeTrial())
	require.NoError(f, err)
	f.Add(append(data, '\n'))
	f.Add([]byte("{}\nnull\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir, run := t.TempDir(), wholeRun()
		require.NoError(t, os.WriteFile(filepath.Join(dir, record.TrialsFile), data, 0o600))
		trials, err := record.TrialsOf(dir, run)
		if err != nil {
			yamltest.Clean(t, string(data), err)
			return
		}
		use(t, string(data), trials)
		_, err = sample.New(run, trials)
		require.NoError(t, err)
	})
}
