package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestCrossCheckCatchesAnEngineThatErrs(t *testing.T) {
	us := func(p50, p90, apart int) reading {
		d := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
		return reading{p50: d(p50), p90: d(p90), apart50: d(apart), apart90: d(apart)}
	}
	for name, c := range map[string]struct {
		cost, read [2]reading
		agree      bool
	}{
		"a fast server, and a goroutine to wake": {[2]reading{us(28, 35, 1), us(67, 80, 2)}, [2]reading{us(33, 41, 1), us(72, 85, 2)}, true},
		"a slow server":                          {[2]reading{us(28, 35, 1), us(67, 80, 2)}, [2]reading{us(5000, 9000, 20), us(5200, 9300, 30)}, true},
		"a slow server, 10% apart":               {[2]reading{us(28, 35, 1), us(67, 80, 2)}, [2]reading{us(5000, 9000, 20), us(5540, 9300, 30)}, false},
		"more than the cost of waking":           {[2]reading{us(28, 35, 1), us(40, 50, 2)}, [2]reading{us(43, 50, 1), us(102, 80, 2)}, false},
		"only the p90":                           {[2]reading{us(28, 35, 1), us(67, 80, 2)}, [2]reading{us(33, 41, 1), us(72, 140, 2)}, false},
		"a processor that is kept":               {[2]reading{us(28, 35, 1), us(3000, 9000, 300)}, [2]reading{us(33, 41, 1), us(3050, 9100, 400)}, false},
		"the same, by chance":                    {[2]reading{us(28, 35, 1), us(800, 3000, 900)}, [2]reading{us(33, 41, 1), us(3050, 9100, 900)}, false},
		"the other engine":                       {[2]reading{us(28, 35, 1), us(67, 80, 2)}, [2]reading{us(300, 500, 2), us(72, 85, 2)}, false},
		"a disturbed machine":                    {[2]reading{us(28, 60, 30), us(67, 120, 50)}, [2]reading{us(33, 90, 30), us(110, 250, 80)}, true},
	} {
		got := crossCheck("a", 1000, c.cost, c.read)
		assert.Equal(t, c.agree, got.Agree, "%s: %+v", name, got)
		assert.Positive(t, got.Tolerance)
	}
}
