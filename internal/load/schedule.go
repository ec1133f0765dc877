package load

import (
	"math/rand/v2"
	"time"
)

// Schedule is the sequence of intended send times of an open loop, fixed
// before the window by its kind, rate and seed, whatever the server does. It
// takes constant memory: times are drawn as they are needed, and two equal
// schedules give the same times.
type Schedule struct {
	Rate    float64 // requests a second, above 0
	Poisson bool    // exponential gaps, else constant ones
	Seed    uint64
}

// MostRate is the highest rate of a schedule, in requests a second.
const MostRate = 1e8

// Times returns a cursor at the first send time.
func (s *Schedule) Times() *Times {
	return &Times{gap: float64(time.Second) / s.Rate, poisson: s.Poisson, rng: rand.New(rand.NewPCG(s.Seed, 0x68656c6c6f))}
}

// Times walks through a schedule. It does not allocate.
type Times struct {
	gap     float64 // mean, ns
	at      float64 // ns since the window began; exact to 1 ns for 104 days
	n       uint64
	poisson bool
	rng     *rand.Rand
}

// Next is the next send time, counted from the start of the window. The
// sequence has no end and never decreases. A constant schedule starts at 0.
func (t *Times) Next() time.Duration {
	if t.poisson {
		t.at += t.gap * t.rng.ExpFloat64()
	} else {
		t.at = t.gap * float64(t.n)
	}
	t.n++
	return time.Duration(t.at)
}
