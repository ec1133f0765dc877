package record_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/record"
)

// drawn is the distribution of n draws, in milliseconds.
func drawn(n int, draw func(*rand.Rand) float64) *record.Distribution {
	rng := rand.New(rand.NewPCG(1, 2))
	h := record.NewHistogram()
	for range n {
		h.Record(time.Duration(draw(rng) * float64(time.Millisecond)))
	}
	return h.Distribution()
}

func TestOddities(t *testing.T) {
	pick := func(rng *rand.Rand, share, rare, usual float64) float64 {
		if rng.Float64() < share {
			return rare
		}
		return usual
	}
	for name, c := range map[string]struct {
		d    *record.Distribution
		want []record.Oddity
	}{
		"constant":              {drawn(5000, func(*rand.Rand) float64 { return 1 }), nil},
		"exponential":           {drawn(5000, func(rng *rand.Rand) float64 { return rng.ExpFloat64() }), nil},
		"p90 passes 40 ms":      {drawn(5000, func(rng *rand.Rand) float64 { return 18.5 * rng.ExpFloat64() }), nil},
		"one in ten is slower":  {drawn(5000, func(rng *rand.Rand) float64 { return pick(rng, 0.1, 10, 1) }), nil},
		"gevent at 64":          {drawn(5000, func(rng *rand.Rand) float64 { return pick(rng, 0.02, 450*rng.Float64(), 0.136) }), []record.Oddity{record.Starvation}},
		"every answer waits":    {drawn(100, func(rng *rand.Rand) float64 { return 43.5 + rng.Float64() }), []record.Oddity{record.DelayedACK}},
		"few answers, all wait": {drawn(50, func(rng *rand.Rand) float64 { return 44 + 4*float64(rng.IntN(2)) }), []record.Oddity{record.DelayedACK}},
		"two of a smooth tail":  {drawn(5000, func(rng *rand.Rand) float64 { return 27 * math.Exp(0.31*rng.NormFloat64()) }), nil},
		"median passes 40 ms":   {drawn(5000, func(rng *rand.Rand) float64 { return 62 * rng.ExpFloat64() }), nil},
		"one in five waits":     {drawn(5000, func(rng *rand.Rand) float64 { return pick(rng, 0.2, 41+rng.Float64(), 1) }), []record.Oddity{record.Starvation, record.DelayedACK}},
		"a slow handler, 50 ms": {drawn(5000, func(rng *rand.Rand) float64 { return 50 + rng.Float64() }), nil},
		"too few to tell":       {drawn(5, func(rng *rand.Rand) float64 { return pick(rng, 0.5, 100, 1) }), nil},
		"nothing":               {drawn(0, nil), nil},
		"absent":                {nil, nil},
	} {
		early := drawn(100, func(*rand.Rand) float64 { return 0.2 })
		pieces, whole := record.Measurement{Latency: c.d, FirstByte: early}, record.Measurement{Latency: c.d, FirstByte: c.d}
		if c.d == nil {
			pieces.FirstByte = nil
		}
		assert.Equal(t, c.want, pieces.Oddities(), name)
		assert.NotContains(t, whole.Oddities(), record.DelayedACK, "%s: a response in one piece waits for no timer", name)
		queued := record.Measurement{Latency: drawn(100, func(*rand.Rand) float64 { return 900 }), Service: c.d, FirstByte: drawn(100, func(*rand.Rand) float64 { return 880 })}
		assert.Equal(t, c.want, queued.Oddities(), "%s, behind a queue", name)
	}
	assert.NotEmpty(t, record.Starvation.Explain())
	assert.NotEmpty(t, record.DelayedACK.Explain())
}

// A percentile is known from ten samples beyond it on.
func TestKnown(t *testing.T) {
	for q, needed := range map[float64]int64{0.5: 1, 0.9: 100, 0.95: 200, 0.99: 1000, 0.999: 10_000} {
		assert.Equal(t, needed, record.Needed(q), "%g", q)
		assert.True(t, record.Known(q, needed), "%g", q)
		assert.False(t, record.Known(q, needed-1), "%g", q)
	}
	d := drawn(1000, func(rng *rand.Rand) float64 { return rng.Float64() })
	assert.NotNil(t, d.P99)
	assert.Nil(t, d.P999)
}
