package stats

// Position says where an interval of a ratio lies against a margin. The zero value is Unclear.
type Position int

// The positions, where U is 1+margin and L is 1/U.
const (
	Unclear   Position = iota // the interval reaches above U and does not start there: nothing is decided
	Beyond                    // Low > U: A beats B by more than the margin
	Within                    // L <= Low and High <= U: no material difference
	Reversed                  // High < L: B beats A by more than the margin
	NotBeyond                 // Low < L <= High <= U: equal or reversed, in either case not beyond
)

// Supports reports whether the position proves "A beats B by more than the margin".
func (p Position) Supports() bool { return p == Beyond }

// Refutes reports whether the position disproves "A beats B by more than the
// margin": every value of the interval is at most 1+margin.
func (p Position) Refutes() bool { return p == Within || p == Reversed || p == NotBeyond }

// Decide places the interval of a ratio A/B, above 1 in the claimed direction,
// against a margin (0.10 for 10%).
//
// It is the three-sided test of Goeman, Solari & Stijnen (Statistics in
// Medicine 2010): the ratios are split into reversed (below L), equal (L to U)
// and beyond (above U); exactly one of the three hypotheses is true, so each is
// tested at the full level and the answer is what was not rejected. Here a
// hypothesis is rejected when the interval has no value in common with its
// region, which holds the error of all three at 1 - confidence at once,
// whatever is asked afterwards. The claim is supported when both other
// hypotheses are rejected and refuted when its own is; the latter
// includes NotBeyond, which cannot say which of the other two is true.
// Values on the border belong to "equal". An interval that is not one (NaN,
// Low > High) or a margin that is negative or NaN is Unclear.
func Decide(i Interval, margin float64) Position {
	upper := 1 + margin
	switch {
	case !(i.Low <= i.High) || !(margin >= 0):
		return Unclear
	case i.Low > upper:
		return Beyond
	case i.High < 1/upper:
		return Reversed
	case i.High > upper:
		return Unclear
	case i.Low >= 1/upper:
		return Within
	default:
		return NotBeyond
	}
}
