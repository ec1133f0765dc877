// Package explain is what a server's processor time goes to: stacks that a sampling
// profiler saw under load, summed by layer. It reads the profilers' files and draws; it
// starts nothing. Nothing of it is part of any figure of a run, for a profiled server is
// slower than one that is let alone.
package explain

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hellobench/hellobench/internal/yamlfile"
)

// Folder is where a run folder keeps the profiles, and File what names them all.
const (
	Folder = "explain"
	File   = "explain.json"
)

// Profile is what was seen of one arm.
type Profile struct {
	Arm         string  `json:"arm"`
	Profiler    string  `json:"profiler"`
	Connections int     `json:"connections"`
	Throughput  float64 `json:"throughput"`          // correct responses a second, with the profiler at work
	CPU         float64 `json:"cpu_per_request"`     // seconds, with the profiler at work
	Kernel      float64 `json:"kernel"`              // share of CPU, from 0 to 1, as the kernel counts it
	UserOnly    bool    `json:"user_only,omitempty"` // the samples have no time in the kernel
	Samples     uint64  `json:"samples"`             // on a processor
	Layers      []Layer `json:"layers"`              // the largest first
	Stacks      string  `json:"stacks"`              // file of the folded stacks, in Folder
	Reason      string  `json:"reason,omitempty"`    // why there is no profile
}

// Layer is a part of a server's program.
type Layer struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"` // of the samples
}

// Stacks are samples by stack: frames from the outermost on, joined by semicolons, as in
// the folded form that flame graph tools read.
type Stacks map[string]uint64

// Total is the number of samples.
func (s Stacks) Total() (n uint64) {
	for _, k := range s {
		n += k
	}
	return n
}

// Kernel says whether any sample is of the kernel, as far as perf tells: where its user
// may not look into the kernel, none is.
func (s Stacks) Kernel() bool {
	for stack := range s {
		if inKernel.MatchString(stack) {
			return true
		}
	}
	return false
}

// Rename replaces parts of the frames' names.
func (s Stacks) Rename(r *strings.Replacer) Stacks {
	out := Stacks{}
	for stack, n := range s {
		out[r.Replace(stack)] += n
	}
	return out
}

// Write writes the folded form, a stack a line, in order.
func (s Stacks) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, stack := range slices.Sorted(maps.Keys(s)) {
		_, _ = fmt.Fprintf(b, "%s %d\n", stack, s[stack])
	}
	return b.Flush()
}

// maxStack bounds a line of folded stacks.
const maxStack = 1 << 20

// ReadFolded reads the folded form: "frame;frame;frame count" a line.
func ReadFolded(r io.Reader) (Stacks, error) {
	s := Stacks{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxStack)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		count, err := strconv.ParseUint(line[i+1:], 10, 64)
		if i < 1 || err != nil {
			return nil, fmt.Errorf("line %d: want frames joined by semicolons, a blank and a count", n)
		}
		s[strings.TrimSpace(line[:i])] += count
	}
	return s, lines.Err()
}

// unknownSymbol is what perf calls code that no file has a name for.
const unknownSymbol = "[unknown]"

// ReadPerf reads what `perf script --fields ip,sym,dso` prints: the frames of a sample a line
// each, the innermost first, and an empty line after each sample.
func ReadPerf(r io.Reader) (Stacks, error) {
	s := Stacks{}
	var frames []string
	sample := func() {
		if len(frames) > 0 {
			slices.Reverse(frames)
			s[strings.Join(frames, ";")]++
		}
		frames = nil
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxStack)
	for lines.Scan() {
		_, frame, ok := strings.Cut(strings.TrimSpace(lines.Text()), " ") // after the address
		if !ok {
			sample()
			continue
		}
		symbol, file := frame, ""
		if i := strings.LastIndex(frame, " ("); i >= 0 {
			symbol, file = frame[:i], strings.TrimSuffix(frame[i+2:], ")")
		}
		frame = strings.ReplaceAll(fmt.Sprintf("%s (%s)", symbol, path.Base(file)), ";", ",")
		if n := len(frames); n == 0 || frames[n-1] != frame || symbol != unknownSymbol { // a walk that is lost goes on for ever
			frames = append(frames, frame)
		}
	}
	sample()
	return s, lines.Err()
}

// cpuProfile is V8's form, as far as it is read.
type cpuProfile struct {
	Nodes []struct {
		ID        int `json:"id"`
		CallFrame struct {
			FunctionName string `json:"functionName"`
			URL          string `json:"url"`
			LineNumber   int    `json:"lineNumber"` // from 0
		} `json:"callFrame"`
		Children []int `json:"children"`
	} `json:"nodes"`
	Samples []int `json:"samples"`
}

// idle are the frames of V8 in which no processor is used.
var idle = []string{"(idle)", "(root)"}

// ReadCPUProfile reads a profile of V8. Samples in which it was idle are left out.
func ReadCPUProfile(r io.Reader) (Stacks, error) {
	var p cpuProfile
	if err := json.NewDecoder(r).Decode(&p); err != nil {
		return nil, fmt.Errorf("no profile of V8: %w", err)
	}
	parent, frame := map[int]int{}, map[int]string{}
	for _, n := range p.Nodes {
		f := &n.CallFrame
		name := cmp.Or(f.FunctionName, "(anonymous)")
		if f.URL != "" {
			name = fmt.Sprintf("%s (%s:%d)", name, strings.TrimPrefix(f.URL, "file://"), f.LineNumber+1)
		}
		frame[n.ID] = strings.ReplaceAll(name, ";", ",")
		for _, c := range n.Children {
			parent[c] = n.ID
		}
	}
	s := Stacks{}
	for _, id := range p.Samples {
		if slices.Contains(idle, frame[id]) || frame[id] == "" {
			continue
		}
		var frames []string
		for depth := 0; frame[id] != "" && frame[id] != "(root)" && depth < 1000; depth++ {
			frames = append(frames, frame[id])
			id = parent[id]
		}
		slices.Reverse(frames)
		s[strings.Join(frames, ";")]++
	}
	return s, nil
}

// LayersOf sums the samples by the layer of the innermost frame: what runs, not who called it.
func LayersOf(s Stacks, rules []Rule) []Layer {
	counts := map[string]uint64{}
	for stack, n := range s {
		counts[layer(stack[strings.LastIndexByte(stack, ';')+1:], rules)] += n
	}
	total := float64(s.Total())
	out := []Layer{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, Layer{name, float64(counts[name]) / total})
	}
	slices.SortStableFunc(out, func(a, b Layer) int { return cmp.Compare(b.Share, a.Share) })
	return out
}

// Read reads what a run folder holds; nil, if it holds none.
func Read(dir string) ([]Profile, error) {
	file := filepath.Join(dir, Folder, File)
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var all []Profile
	_, err = yamlfile.DecodeJSON(file, data, "explain", 0, &all)
	return all, err
}

// ReadStacks reads the stacks of a profile.
func (p *Profile) ReadStacks(dir string) (Stacks, error) {
	f, err := os.Open(filepath.Join(dir, Folder, filepath.Base(p.Stacks)))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return ReadFolded(f)
}

// Save writes the profiles of a run.
func Save(dir string, all []Profile) error {
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, Folder, File), append(data, '\n'), 0o644)
}
