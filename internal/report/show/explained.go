package show

import (
	"fmt"
	"slices"

	"github.com/hellobench/hellobench/internal/report"
)

// explained is where the processor time of each arm goes, by layer, in a run that has profiles.
func explained(d *report.Document) *Grid {
	var layers []string
	for i := range d.Explained {
		for _, l := range d.Explained[i].Layers {
			if !slices.Contains(layers, l.Name) {
				layers = append(layers, l.Name)
			}
		}
	}
	heads := []string{"Arm", ">CPU µs/req", ">Without profiler", ">Kernel µs"}
	for _, l := range layers {
		heads = append(heads, ">"+l)
	}
	g := grid("Where the processor time of a request goes, in µs", heads...)
	for i := range d.Explained {
		e := &d.Explained[i]
		if !e.Seen() {
			g.note(fmt.Sprintf("%s has no profile: %s", Text(e.Arm), Text(e.Reason)))
			g.add(append([]string{Text(e.Arm)}, slices.Repeat([]string{None}, len(heads)-1)...)...)
			continue
		}
		row := []string{Text(e.Arm), Number(e.CPU * 1e6), None, Number(e.Kernel * e.CPU * 1e6)}
		if e.Measured > 0 {
			row[2] = Number(e.Measured * 1e6)
		}
		for _, name := range layers {
			share := 0.0
			for _, l := range e.Layers {
				if l.Name == name {
					share = l.Share
				}
			}
			if e.UserOnly {
				share *= 1 - e.Kernel
			}
			row = append(row, Number(share*e.CPU*1e6))
		}
		g.add(row...)
	}
	g.note(fmt.Sprintf("From one more start of each server, at %d connections, under a sampling profiler; no other figure is taken from it. A sample counts for the layer of the code that runs, not of the code that called it; of Node.js a system call counts for the code that makes it, of Python system calls are in the column of the kernel alone. That column is the kernel's own accounting.", d.Explained[0].Connections))
	return g
}

// flames are the flame graphs, one for each arm.
func flames(d *report.Document) (out []Item) {
	for i := range d.Explained {
		if d.Explained[i].Seen() {
			out = append(out, Item{Flame: &d.Explained[i]})
		}
	}
	return out
}
