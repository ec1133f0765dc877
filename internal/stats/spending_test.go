package stats

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

func TestSpendAlpha(t *testing.T) {
	// scipy: differences of 2*norm.sf(norm.isf(alpha/2)/sqrt(t)) and of
	// alpha*log(1+(e-1)*t) at t = (5, 10, 15, 20, 30)/30.
	for name, c := range map[string]struct {
		f     Spending
		alpha float64
		want  []float64
	}{
		"O'Brien-Fleming, 5%": {oBrienFleming, 0.05, []float64{1.579449240239549e-06, 0.000685315418983797, 0.004887701812560366, 0.01080006976926377, 0.033625333549951786}},
		"O'Brien-Fleming, 1%": {oBrienFleming, 0.01, []float64{2.799972295512759e-10, 8.139759718547706e-06, 0.0002615769169157057, 0.0013367295002502846, 0.008393553543118229}},
		"Pocock, 5%":          {Pocock, 0.05, []float64{0.012591615447890128, 0.010050005815306937, 0.00836410408471681, 0.007163400421593191, 0.011830874230492935}},
		"Pocock, 1%":          {Pocock, 0.01, []float64{0.002518323089578026, 0.0020100011630613873, 0.0016728208169433621, 0.0014326800843186376, 0.0023661748460985874}},
	} {
		t.Run(name, func(t *testing.T) {
			parts := SpendAlpha(c.f, c.alpha, PlannedLooks())
			require.Len(t, parts, len(c.want))
			for k := range parts {
				assert.InEpsilon(t, c.want[k], parts[k], 1e-9, "look %d", k+1)
			}
		})
	}
}

func TestSpendingProperties(t *testing.T) {
	for name, f := range map[string]Spending{"O'Brien-Fleming": oBrienFleming, "Pocock": Pocock} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			alpha := rapid.Float64Range(1e-4, 0.5).Draw(t, "alpha")
			looks := rapid.SliceOfNDistinct(rapid.IntRange(2, 100), 1, 8, rapid.ID[int]).Draw(t, "looks")
			slices.Sort(looks)
			parts := SpendAlpha(f, alpha, looks)
			total := 0.0
			for _, p := range parts {
				assert.GreaterOrEqual(t, p, 0.0)
				total += p
			}
			assert.InDelta(t, alpha, total, 1e-12)
			assert.Zero(t, f(alpha, 0))
			assert.InDelta(t, alpha, f(alpha, 2), 1e-12, "nothing is left beyond the plan")
		}))
	}
}

// oBrienFleming spends next to nothing early: 2 - 2 Phi(z(1-alpha/2)/sqrt(t)).
// Source: Lan & DeMets (Biometrika 1983), first spending function.
func oBrienFleming(alpha, fraction float64) float64 {
	if fraction <= 0 {
		return 0
	}
	z := distuv.UnitNormal.Quantile(alpha / 2)
	return 2 * distuv.UnitNormal.CDF(z/math.Sqrt(math.Min(fraction, 1)))
}
