package session

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/hellobench/hellobench/internal/load"
	"github.com/hellobench/hellobench/internal/record"
)

// The open loop's ceiling: the highest rate of which so much is sent inside the
// window, and so little of that late. Those are the gates of a window with room
// to spare.
const (
	openDelivered = 0.99
	openSlip      = time.Millisecond // at the p99

	openWindow   = 150 * time.Millisecond // at most
	openSteps    = 4                      // halvings of a factor of two: to 4.4%
	openAttempts = 3                      // other work on the machine can spoil a window
	openLeast    = 100.                   // below it a window has too few requests
)

// OpenCeiling is the highest rate, in requests a second, that an engine delivers
// on time to the null server, over 64 connections; closed is its closed-loop
// throughput there, near which the search begins. The measurement is that of the
// window at this rate; where no rate is delivered, which makes it 0, of the last.
func (s *Session) OpenCeiling(ctx context.Context, engine load.Engine, closed float64, window time.Duration) (float64, *record.Measurement, error) {
	var rate float64
	var best, last *record.Measurement
	err := s.withNull(ctx, func(spec load.Spec) error {
		spec.Duration = min(window, openWindow)
		try := func(at float64) (bool, error) {
			for range openAttempts {
				spec.Schedule = &load.Schedule{Rate: at, Poisson: true, Seed: 1}
				var err error
				if last, err = engine.Run(ctx, spec); err != nil {
					return false, err
				}
				if onTime, err := deliveredOnTime(last); onTime || err != nil {
					best = last
					return onTime, err
				}
			}
			return false, nil
		}
		var err error
		rate, err = highest(max(closed/4, openLeast), try)
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("calibrate the open loop: %w", err)
	}
	return rate, cmp.Or(best, last), nil
}

func deliveredOnTime(m *record.Measurement) (bool, error) {
	slip, err := m.Slip.Histogram()
	if err != nil {
		return false, err
	}
	return m.Errors.Total() == 0 && m.Delivered() >= openDelivered && slip.Quantile(0.99) < openSlip, nil
}

// highest is the highest rate that holds, to within 4.4%: it goes up from one
// rate by factors of two, or down where that does not hold, then halves the
// factor between the last that holds and the first that does not. 0: none holds.
func highest(from float64, holds func(rate float64) (bool, error)) (float64, error) {
	low, high := 0., math.Inf(1)
	for rate := from; low == 0 || math.IsInf(high, 1); {
		ok, err := holds(rate)
		switch {
		case err != nil:
			return 0, err
		case ok:
			low, rate = rate, 2*rate
		default:
			high, rate = rate, rate/2
		}
		if high <= openLeast || low >= load.MostRate/2 {
			return low, nil
		}
	}
	for range openSteps {
		middle := math.Sqrt(low * high)
		ok, err := holds(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}
