package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// USL is the Universal Scalability Law: the throughput at load N (connections
// or workers, never both in one fit) is
//
//	X(N) = Lambda N / (1 + Sigma (N-1) + Kappa N (N-1)).
//
// Lambda > 0 is the throughput at N = 1, Sigma >= 0 the contention (the share
// of work that queues for one resource) and Kappa >= 0 the coherence (what each pair
// costs, which makes throughput fall beyond a peak). Source: Gunther, Guerrilla Capacity
// Planning (2007), chapters 4 to 6.
type USL struct {
	Lambda float64 `json:"lambda"`
	Sigma  float64 `json:"sigma"`
	Kappa  float64 `json:"kappa"`
}

// At is the throughput that the law gives at load n >= 1.
func (u USL) At(n float64) float64 { return u.Lambda * n / uslDivisor(n, u.Sigma, u.Kappa) }

// Peak is the load of greatest throughput, sqrt((1-Sigma)/Kappa). It is +Inf
// for a law that only rises (Kappa = 0) and 0 for one that never does (Sigma >= 1).
// It is a formula, not a finding: BootstrapUSL tells whether it may be reported.
func (u USL) Peak() float64 {
	switch {
	case u.Sigma >= 1:
		return 0
	case u.Kappa == 0:
		return math.Inf(1)
	default:
		return math.Sqrt((1 - u.Sigma) / u.Kappa)
	}
}

func uslDivisor(n, sigma, kappa float64) float64 { return 1 + sigma*(n-1) + kappa*n*(n-1) }

// minLevels is how many distinct loads a fit of three parameters needs to leave
// as many degrees of freedom for the misfit to show.
const minLevels = 6

// uslFitter holds the loads and the scratch space of repeated fits.
type uslFitter struct {
	n        []float64
	logN     []float64
	starts   []gridPoint
	scale    float64   // kappa is searched in units of 1/max(n)^2, which makes it comparable to sigma
	divisor  []float64 // logarithms
	residual []float64
	bySigma  []float64
	byKappa  []float64
}

func newUSLFitter(n []float64) (*uslFitter, error) {
	distinct := map[float64]bool{}
	top := 1.0
	f := &uslFitter{
		n: n, logN: make([]float64, len(n)), divisor: make([]float64, len(n)),
		residual: make([]float64, len(n)), bySigma: make([]float64, len(n)),
		byKappa: make([]float64, len(n)),
	}
	for k, v := range n {
		if !(v >= 1) || math.IsInf(v, 1) {
			return nil, fmt.Errorf("fit scalability: load %v at index %d is not a number of at least 1", v, k)
		}
		distinct[v] = true
		top = math.Max(top, v)
		f.logN[k] = math.Log(v)
	}
	if len(distinct) < minLevels {
		return nil, fmt.Errorf("fit scalability: %d distinct loads, at least %d are needed", len(distinct), minLevels)
	}
	f.scale = 1 / (top * top)
	for _, s := range sigmaGrid {
		for _, k := range kappaGrid {
			f.starts = append(f.starts, gridPoint{point{sigma: s, kappa: k}, f.logDivisors(s, k)})
		}
	}
	return f, nil
}

func (f *uslFitter) logDivisors(sigma, scaledKappa float64) []float64 {
	out := make([]float64, len(f.n))
	for k, n := range f.n {
		out[k] = math.Log(uslDivisor(n, sigma, scaledKappa*f.scale))
	}
	return out
}

// The grid of starts: sigma itself and kappa in units of the fitter's scale. A
// kappa of 1 bends the curve at the top load, one of 10^4 at a hundredth of it.
var (
	sigmaGrid = []float64{0, 1e-3, 1e-2, 0.1, 0.5, 2}
	kappaGrid = []float64{0, 1e-2, 0.1, 1, 10, 100, 1e4}
)

// point is a place in the search: sigma and scaled kappa, the best ln lambda for them and the squared error.
type point struct{ sigma, kappa, logLambda, sse float64 }

// gridPoint is a start with its log divisors, which no throughput changes.
type gridPoint struct {
	point
	logDivisor []float64
}

// fit refines the best few of the grid points.
func (f *uslFitter) fit(logX []float64, few int) USL {
	grid := make([]point, len(f.starts))
	for k, g := range f.starts {
		grid[k] = f.residuals(logX, g.logDivisor, g.point)
	}
	slices.SortFunc(grid, func(a, b point) int { return cmp.Compare(a.sse, b.sse) })
	best := grid[0]
	for _, start := range grid[:few] {
		if p := f.descend(logX, start); p.sse < best.sse {
			best = p
		}
	}
	return USL{Lambda: math.Exp(best.logLambda), Sigma: best.sigma, Kappa: best.kappa * f.scale}
}

// at evaluates a point; the residuals stay in the scratch space.
func (f *uslFitter) at(logX []float64, sigma, scaledKappa float64) point {
	for k, n := range f.n {
		f.divisor[k] = math.Log(uslDivisor(n, sigma, scaledKappa*f.scale))
	}
	return f.residuals(logX, f.divisor, point{sigma: sigma, kappa: scaledKappa})
}

func (f *uslFitter) residuals(logX, logDivisor []float64, p point) point {
	for k, d := range logDivisor {
		f.residual[k] = logX[k] - f.logN[k] + d
		p.logLambda += f.residual[k] / float64(len(f.n))
	}
	for k := range f.residual {
		f.residual[k] -= p.logLambda
		p.sse += f.residual[k] * f.residual[k]
	}
	return p
}

// descend improves a point until the squared error no longer falls or the step no longer matters.
func (f *uslFitter) descend(logX []float64, p point) point {
	const maxSteps, negligible = 200, 1e-9
	damping := 1e-3
	p = f.at(logX, p.sigma, p.kappa) // each accepted step leaves its residuals likewise
	for range maxSteps {
		m := f.normalEquations(p)
		for {
			ds, dk := m.step(p, damping)
			if math.Abs(ds) <= negligible*p.sigma && math.Abs(dk) <= negligible*p.kappa {
				return p
			}
			next := f.at(logX, math.Max(0, p.sigma+ds), math.Max(0, p.kappa+dk))
			if next.sse < p.sse {
				p = next
				break
			}
			if damping *= 4; damping > 1e12 {
				return p
			}
		}
		damping = math.Max(damping/10, 1e-12)
	}
	return p
}

// normal holds J'J and J'r of the residuals by sigma and scaled kappa.
type normal struct{ ss, sk, kk, rs, rk float64 }

func (f *uslFitter) normalEquations(p point) normal {
	kappa := p.kappa * f.scale
	meanS, meanK := 0.0, 0.0
	for k, n := range f.n {
		d := uslDivisor(n, p.sigma, kappa)
		f.bySigma[k] = (n - 1) / d
		f.byKappa[k] = f.scale * n * (n - 1) / d
		meanS += f.bySigma[k] / float64(len(f.n))
		meanK += f.byKappa[k] / float64(len(f.n))
	}
	var m normal
	for k, r := range f.residual {
		s, c := f.bySigma[k]-meanS, f.byKappa[k]-meanK // centered: lambda is fitted out
		m.ss += s * s
		m.sk += s * c
		m.kk += c * c
		m.rs += s * r
		m.rk += c * r
	}
	return m
}

// step is the damped step over the parameters that are free: one that stands at
// its bound and would have to cross it stays.
func (m normal) step(p point, damping float64) (sigma, kappa float64) {
	freeS := p.sigma > 0 || m.rs < 0
	freeK := p.kappa > 0 || m.rk < 0
	ss, kk := m.ss*(1+damping), m.kk*(1+damping)
	switch {
	case freeS && freeK:
		det := ss*kk - m.sk*m.sk
		return (m.sk*m.rk - kk*m.rs) / det, (m.sk*m.rs - ss*m.rk) / det
	case freeS:
		return -m.rs / ss, 0
	case freeK:
		return 0, -m.rk / kk
	default:
		return 0, 0
	}
}
