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
	GateCanary          = "canary" // of the null server after a block: spoils the whole block
)

// LowerBound says whether a gate speaks of the generator and not of the
// server: the figure is then a lower bound of what the server can do. Any
// other gate spoils the figure.
func LowerBound(gate string) bool {
	return gate == GateGeneratorCPU || gate == GateCeiling || gate == GateLittlesLaw
}
