package record

// The names of the gates. What each checks, and its threshold, stands in
// package bench.
const (
	GateGeneratorCPU    = "generator-cpu"
	GateCeiling         = "generator-ceiling"
	GateIdleConnections = "idle-connections"
	GateConnections     = "connections"
	GateErrors          = "errors"
	GateLittlesLaw      = "littles-law"
	GateHostNoise       = "host-noise"
	GateNetwork         = "network"
	GateOfferedRate     = "offered-rate"
	GateResident        = "resident"     // a server that was not asked worked
	GateWindow          = "window"       // a response takes longer than it
	GateShared          = "shared-cores" // the generator took too much of what the server was to have, or the server left it idle
	GateEngines         = "engines"      // the two engines read different latencies: spoils the whole run
)

// LowerBound says whether a gate speaks of the generator and not of the
// server: the figure is then a lower bound of what the server can do. Any
// other gate spoils the figure.
func LowerBound(gate string) bool {
	return gate == GateGeneratorCPU || gate == GateCeiling || gate == GateLittlesLaw
}

// OfRound says whether a gate speaks of what happened to the machine during a
// window, and so to the whole round.
func OfRound(gate string) bool {
	switch gate {
	case GateHostNoise, GateNetwork, GateOfferedRate, GateResident, GateShared:
		return true
	}
	return false
}

// OfServer says whether a gate speaks of the server, which answered wrongly or
// lost connections. All others speak of the machine or of the generator.
func OfServer(gate string) bool {
	return gate == GateErrors || gate == GateConnections || gate == GateIdleConnections
}

// ServerFailed says by what the server itself failed in a window; it is empty
// where it did not, or where the machine may have been the cause. Wrong answers no machine makes.
func (w *Window) ServerFailed() (detail string) {
	disturbed := false
	for _, g := range w.Gates {
		disturbed = disturbed || g.Name == GateHostNoise
		if OfServer(g.Name) && detail == "" {
			detail = g.Detail
		}
	}
	if disturbed && !w.Load.Errors.Wrong() {
		return ""
	}
	return detail
}

// Wrong says whether most errors are wrong answers.
func (e Errors) Wrong() bool { return 2*(e.Status+e.Body) > e.Total() }
