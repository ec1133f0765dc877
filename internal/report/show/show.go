// Package show turns the figures of a report into the words and the rounded
// numbers that a reader sees, the same in every rendering. It scales units,
// rounds to what the interval carries and makes outside text safe to print.
// It computes no result and writes nowhere; escaping for a markup is the
// renderer's.
package show

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/sample"
)

// digits is the number of significant digits of a shown figure.
const digits = 3

// None stands where there is no figure.
const None = "-"

// Number rounds to three significant digits, with thousands separators and
// without exponent: 42,100, 8.31, 0.0123. Whole digits beyond the third are
// zeros. What is not finite is None.
func Number(v float64) string { return rounded(v, decimals(v)) }

// decimals is the number of decimals that three significant digits take,
// negative where whole digits are rounded.
func decimals(v float64) int {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	exp := int(math.Floor(math.Log10(math.Abs(v))))
	if math.Abs(v) >= math.Pow(10, float64(exp+1))-0.5*math.Pow(10, float64(exp-digits+1)) { // 9.999 becomes 10.0
		exp++
	}
	return digits - 1 - exp
}

func rounded(v float64, places int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return None
	}
	if places < 0 {
		unit := math.Pow(10, float64(-places))
		v = math.Round(v/unit) * unit
	}
	return separate(strconv.FormatFloat(v, 'f', max(0, places), 64))
}

// wide is how many times its middle an interval may reach to be shown in
// full; beyond it only that it does is worth a reader's time.
const wide = 100

// between writes the ends of an interval with the decimals of its middle, or
// with their own where they are a decade away from it. An end more than wide times away is shown
// as a limit: "[<0.0183, >183]".
func between(mid, low, high float64) string {
	ends := [2]string{}
	for i, v := range []float64{low, high} {
		switch {
		case mid > 0 && v < mid/wide:
			ends[i] = "<" + Number(mid/wide)
			continue
		case mid > 0 && v > mid*wide:
			ends[i] = ">" + Number(mid*wide)
			continue
		}
		places := decimals(mid)
		if v < mid/10 || v > mid*10 {
			places = decimals(v)
		}
		ends[i] = rounded(v, places)
	}
	return "[" + ends[0] + ", " + ends[1] + "]"
}

// Count is a whole number with thousands separators.
func Count(n uint64) string { return separate(strconv.FormatUint(n, 10)) }

// separate puts commas between the thousands.
func separate(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}

// Units that figures are scaled to: value times factor is in the named unit.
var (
	RequestsPerSecond = Unit{"req/s", 1}
	Milliseconds      = Unit{"ms", 1e3}
	Microseconds      = Unit{"µs", 1e6}
	Mebibytes         = Unit{"MiB", 1.0 / (1 << 20)}
	Ratio             = Unit{"x", 1}
)

// Unit scales a figure in base units for the eye.
type Unit struct {
	Name   string
	Factor float64
}

func (u Unit) write(v float64) string { return Number(v * u.Factor) }

// Seconds takes the unit in which a duration has one to three whole digits.
func Seconds(v float64) string {
	for _, u := range []Unit{{"s", 1}, Milliseconds, Microseconds} {
		if math.Abs(v)*u.Factor >= 1 {
			return Number(v*u.Factor) + " " + u.Name
		}
	}
	if v == 0 {
		return "0 s"
	}
	return Number(v*1e9) + " ns"
}

// Bytes takes MiB, or GiB from 1024 MiB on.
func Bytes(v float64) string {
	if v >= 1<<30 {
		return Number(v/(1<<30)) + " GiB"
	}
	return Number(v/(1<<20)) + " MiB"
}

// InUnit is how a figure in a base unit is written, with the unit that it is scaled to.
func InUnit(u sample.Unit) func(float64) string {
	switch u {
	case sample.Seconds:
		return Seconds
	case sample.Bytes:
		return Bytes
	default:
		return Number
	}
}

// Percent shows a share: 0.0123 as 1.23%.
func Percent(v float64) string {
	if v > 0 && v < 1e-6 {
		return "<0.0001%"
	}
	return Number(v*100) + "%"
}

// PlusMinus shows an estimate with the half-width of its interval in percent,
// "42,100 ±1.2%": the interval of a geometric mean reaches as many times above
// it as below. From a factor of two on it shows the factor, "42,100 ×÷2.4". A
// single block has no interval and shows none.
func PlusMinus(e *report.Estimate, u Unit) string {
	if e == nil {
		return None
	}
	s := Number(e.Mid * u.Factor)
	if e.Confidence == 0 || e.Mid <= 0 {
		return s
	}
	if e.Low <= 0 { // the arithmetic mean of blocks of which some answered nothing
		return s + " ±" + tenths((e.High-e.Low)/2/e.Mid*100) + "%"
	}
	switch factor := math.Sqrt(e.High / e.Low); {
	case factor < 2:
		return s + " ±" + tenths((factor-1)*100) + "%"
	case factor <= wide:
		return s + " ×÷" + tenths(factor)
	}
	return s + " ×÷>" + tenths(wide)
}

// tenths has one decimal below 10, none from there on.
func tenths(v float64) string {
	if v < 9.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return separate(strconv.FormatFloat(v, 'f', 0, 64))
}

// Between shows an estimate with its interval, "1.23 [1.20, 1.31]". An
// interval that attains less than the report's confidence carries an asterisk.
func Between(e *report.Estimate, u Unit) string {
	if e == nil {
		return None
	}
	s := Number(e.Mid * u.Factor)
	if e.Confidence == 0 {
		return s
	}
	s += " " + between(e.Mid*u.Factor, e.Low*u.Factor, e.High*u.Factor)
	if Weak(e) {
		s += "*"
	}
	return s
}

// Weak says that an interval is the range of too few blocks to attain the
// report's confidence.
func Weak(e *report.Estimate) bool {
	return e != nil && e.Confidence > 0 && e.Confidence < report.Confidence-1e-9
}

// Effect shows a ratio with its interval, "8.31x [7.90, 8.74]", None where
// nothing could be computed.
func Effect(mid, low, high float64) string {
	if mid <= 0 {
		return None
	}
	s := Number(mid) + "x"
	if low > 0 && high >= low {
		s += " " + between(mid, low, high)
	}
	return s
}

// Text makes text from outside safe for a terminal and for one line: control
// and formatting characters and broken UTF-8 appear as escapes, white space
// as single spaces.
func Text(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' || r == '\t' || r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
