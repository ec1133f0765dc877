package report

import (
	"io"
	"slices"
	"strings"

	"github.com/hellobench/hellobench/internal/explain"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
)

// Explained is what a sampling profiler saw of an arm, in a start that no figure is taken from.
type Explained struct {
	explain.Profile
	Measured float64 `json:"measured"` // CPU seconds a request in the run itself, at as many connections; 0: not measured there

	stacks explain.Stacks
	rules  []explain.Rule
}

// Explain adds the profiles of a run folder to its report.
func (d *Document) Explain(dir string) error {
	all, err := explain.Read(dir)
	if err != nil {
		return err
	}
	for _, p := range all {
		e := Explained{Profile: p}
		if c := d.Cell(p.Arm, record.Level{Connections: p.Connections}.String()); c != nil {
			if m := c.Of(sample.CPUPerRequest); m != nil {
				e.Measured = m.Mid
			}
		}
		if p.Stacks != "" {
			if e.stacks, err = p.ReadStacks(dir); err != nil {
				return err
			}
		}
		if i := slices.IndexFunc(d.Servers, func(s record.ServerVersion) bool { return s.Server == d.Arm(p.Arm).Server }); i >= 0 {
			e.rules = explain.RulesOf(d.Servers[i].Runtime)
		}
		d.Explained = append(d.Explained, e)
	}
	return nil
}

// Seen says whether there is a profile to draw.
func (e *Explained) Seen() bool { return len(e.stacks) > 0 }

// Picture is the file of the flame graph, in explain.Folder.
func (e *Explained) Picture() string { return strings.TrimSuffix(e.Stacks, ".folded") + ".svg" }

// Flame draws the profile as SVG, which stands alone or in a page.
func (e *Explained) Flame(w io.Writer) error {
	return explain.Flame(w, "Flame graph of "+e.Arm, e.stacks, e.rules)
}
