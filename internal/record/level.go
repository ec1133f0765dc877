package record

import (
	"cmp"
	"fmt"
	"slices"
)

// Kind is a kind of load level. Kinds are ordered as people read them.
type Kind int

// The kinds of levels.
const (
	Closed Kind = iota // closed loop: Connections requests in flight
	Open               // open loop: Rate requests a second
	Idle               // the same beside Idle connections, kept alive and without a request
	Share              // open loop at this Share of the arm's own capacity in the trial
	SLO                // open loop at the largest rate that holds the SLO, searched for
)

// kinds is what there is to know of each kind.
var kinds = [...]struct {
	key        string // by which profiles and ledgers list levels of the kind
	ofCapacity bool
	label      func(l Level) string
}{
	Closed: {key: "connections", label: func(l Level) string { return fmt.Sprintf("c=%d", l.Connections) }},
	Open:   {key: "rates", label: func(l Level) string { return fmt.Sprintf("r=%g/s", l.Rate) }},
	Idle:   {key: "idle", label: func(l Level) string { return fmt.Sprintf("r=%g/s idle=%d", l.Rate, l.Idle) }},
	Share:  {key: "shares", ofCapacity: true, label: func(l Level) string { return fmt.Sprintf("%g%% of capacity", 100*l.Share) }},
	SLO:    {key: "slo", ofCapacity: true, label: func(Level) string { return "largest rate under the SLO" }},
}

// String is the key by which profiles and ledgers list levels of the kind.
func (k Kind) String() string { return kinds[k].key }

// OfCapacity says whether the rate of such a level depends on what the arm did
// before in the same trial.
func (k Kind) OfCapacity() bool { return kinds[k].ofCapacity }

// Level is one load level, by the parameters of its kind. Those of other kinds are 0.
type Level struct {
	Connections int     `json:"connections"`     // closed loop: requests in flight; open loop: the most connections, 0: as many as it takes
	Rate        float64 `json:"rate,omitempty"`  // Open and Idle, in requests a second
	Idle        int     `json:"idle,omitempty"`  // connections
	Share       float64 `json:"share,omitempty"` // from 0 to 1
	SLO         bool    `json:"slo,omitempty"`
}

// Kind is told by which parameters the level has.
func (l Level) Kind() Kind {
	switch {
	case l.SLO:
		return SLO
	case l.Share > 0:
		return Share
	case l.Idle > 0:
		return Idle
	case l.Rate > 0:
		return Open
	}
	return Closed
}

// Open says whether the level is an open loop.
func (l Level) Open() bool { return l.Kind() != Closed }

// String is the level's label in reports: "c=64" or "r=1000/s".
func (l Level) String() string { return kinds[l.Kind()].label(l) }

// Compare orders levels as people read them: by kind, then by load.
func (l Level) Compare(o Level) int {
	return cmp.Or(cmp.Compare(l.Kind(), o.Kind()), cmp.Compare(l.Idle, o.Idle), cmp.Compare(l.Rate, o.Rate), cmp.Compare(l.Share, o.Share), cmp.Compare(l.Connections, o.Connections))
}

// FewConnections is how many leave little behind in a server: the memory of
// Node.js is a sixth larger after 256 of them, and three times as large after 10,000.
const FewConnections = 256

// Crowd says whether the level has so many connections that the server is
// another one afterwards: its heap has grown, and its memory is not given back.
func (l Level) Crowd() bool { return l.Connections+l.Idle > FewConnections }

// OpenFiles is how many open files a level takes on either side: one a
// connection, and as many again, since a connection that ends and its
// successor may both be open.
func (l Level) OpenFiles() uint64 { return 2 * uint64(l.Connections+l.Idle) }

// mistake says why there is no such level, "" if there is.
func (l Level) mistake() string {
	switch {
	case l.Rate > 0 && l.Share > 0, l.SLO && (l.Rate > 0 || l.Share > 0):
		return "has more than one of rate, share and slo"
	case l.Kind() == Closed && l.Connections < 1:
		return "is a closed loop without connections"
	case l.Idle != 0 && l.Rate <= 0:
		return "has idle connections and no rate"
	case l.Connections < 0, l.Idle < 0, l.Rate < 0, l.Share < 0:
		return "has a negative number"
	case l.Connections > mostConnections, l.Idle > mostConnections, l.Rate > 1e9, l.Share > 1:
		return "has a number that is too large"
	}
	return ""
}

// Levels lists levels by kind, as profiles do and the conditions of claims.
// Idle connections beside a rate each of them lists in a way of its own.
type Levels struct {
	Connections []int     `yaml:"connections"` // closed loops
	Rates       []float64 `yaml:"rates"`       // open loops
	Shares      []float64 `yaml:"shares"`      // open loops at shares of each arm's own capacity
	SLO         bool      `yaml:"slo"`         // the level that is searched for
}

// List is the levels, in the order of Compare.
func (l *Levels) List() (out []Level) {
	for _, n := range l.Connections {
		out = append(out, Level{Connections: n})
	}
	for _, r := range l.Rates {
		out = append(out, Level{Rate: r})
	}
	for _, s := range l.Shares {
		out = append(out, Level{Share: s})
	}
	if l.SLO {
		out = append(out, Level{SLO: true})
	}
	slices.SortFunc(out, Level.Compare)
	return out
}
