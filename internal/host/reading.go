package host

import "github.com/hellobench/hellobench/internal/record"

// Reading is what cores did, and how much of it was hellobench's own work. Take one
// before and one after what is measured.
type Reading struct {
	Noise    Noise      `json:"noise"`
	Self     record.CPU `json:"self"`     // of this process
	Children record.CPU `json:"children"` // of those that it started and that have ended
	Servers  bool       `json:"-"`        // the servers run on these cores
}

// Read reads what these cores did.
func Read(cores []int) (Reading, error) {
	n, err := ReadNoise(cores)
	return Reading{Noise: n, Self: SelfCPU(), Children: ChildrenCPU()}, err
}
