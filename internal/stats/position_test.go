package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestDecide(t *testing.T) {
	const l, u = 1 / 1.1, 1.1
	for name, c := range map[string]struct {
		low, high float64
		want      Position
	}{
		"above the margin":                {1.11, 1.3, Beyond},
		"starts at the margin":            {u, 1.3, Unclear},
		"across the margin":               {1.05, 1.2, Unclear},
		"from reversed to beyond":         {0.8, 1.2, Unclear},
		"inside":                          {0.95, 1.05, Within},
		"exactly the margin":              {l, u, Within},
		"inside and all above 1":          {1.02, 1.08, Within},
		"equal or reversed":               {0.85, 1.05, NotBeyond},
		"equal or reversed, up to margin": {0.85, u, NotBeyond},
		"below":                           {0.7, 0.9, Reversed},
		"ends at the lower margin":        {0.7, l, NotBeyond},
		"no lower end":                    {0, 1.05, NotBeyond},
		"no end at all":                   {0, math.Inf(1), Unclear},
		"no upper end":                    {1.2, math.Inf(1), Beyond},
		"upside down":                     {1.3, 1.2, Unclear},
		"not a number":                    {math.NaN(), 1.2, Unclear},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, Decide(Interval{Low: c.low, High: c.high}, 0.1))
		})
	}
	assert.Equal(t, Unclear, Decide(Interval{Low: 2, High: 3}, -0.1))
	assert.Equal(t, Unclear, Decide(Interval{Low: 2, High: 3}, math.NaN()))
	assert.Equal(t, Beyond, Decide(Interval{Low: 1.001, High: 3}, 0))
	assert.Equal(t, Reversed, Decide(Interval{Low: 0.5, High: 0.999}, 0))
}

func TestPositionMeaning(t *testing.T) {
	for p, want := range map[Position]struct {
		supports, refutes bool
	}{
		Unclear:   {false, false},
		Beyond:    {true, false},
		Within:    {false, true},
		Reversed:  {false, true},
		NotBeyond: {false, true},
	} {
		assert.Equal(t, want.supports, p.Supports(), "position %d", p)
		assert.Equal(t, want.refutes, p.Refutes(), "position %d", p)
	}
}

func drawInterval(t *rapid.T) Interval {
	a := rapid.Float64Range(0.3, 3).Draw(t, "one end")
	b := rapid.Float64Range(0.3, 3).Draw(t, "other end")
	return Interval{Low: min(a, b), High: max(a, b)}
}

func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := drawInterval(t)
		margin := rapid.Float64Range(0, 1).Draw(t, "margin")
		p := Decide(i, margin)

		// Both directions of a claim are never supported at once, and swapping the arms swaps beyond and reversed.
		mirrored := Decide(Interval{Low: 1 / i.High, High: 1 / i.Low}, margin)
		assert.Equal(t, p == Beyond, mirrored == Reversed)

		// A wider interval can lose an answer, never turn it around.
		wider := Decide(Interval{Low: i.Low * 0.9, High: i.High * 1.1}, margin)
		assert.False(t, p.Supports() && wider.Refutes() || p.Refutes() && wider.Supports())
		assert.False(t, p == Unclear && wider != Unclear)

		// A larger margin is harder to beat and easier to stay within.
		larger := Decide(i, margin+0.1)
		assert.False(t, larger.Supports() && !p.Supports())
		assert.False(t, p.Refutes() && !larger.Refutes())
	})
}
