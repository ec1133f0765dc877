package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/record"
)

func TestWindowAt(t *testing.T) {
	run := &record.Run{Window: time.Second, LongWindow: 5 * time.Second, TailWindow: 11 * time.Second}
	for _, c := range []struct {
		arm   record.Arm
		level record.Level
		rate  float64
		want  time.Duration
	}{
		{record.Arm{}, record.Level{Connections: 1024}, 0, time.Second},
		{record.Arm{}, record.Level{Connections: 10_000}, 0, 5 * time.Second},
		{record.Arm{Beside: "/cpu"}, record.Level{Kind: record.Open, Rate: 200}, 200, 5 * time.Second},
		{record.Arm{}, record.Level{Kind: record.Open, Rate: 500}, 500, time.Second}, // 21 s would be too long
		{record.Arm{}, record.Level{Kind: record.Open, Rate: 1000}, 1000, 10500 * time.Millisecond},
		{record.Arm{}, record.Level{Kind: record.Share, Share: 0.5}, 2100, 5 * time.Second},
		{record.Arm{}, record.Level{Kind: record.Share, Share: 0.5}, 30_000, 5 * time.Second},
		{record.Arm{}, record.Level{Kind: record.Idle, Rate: 2500, Idle: 10_000}, 2500, 5 * time.Second},
		{record.Arm{}, record.Level{Kind: record.SLO, Rate: 1000}, 1000, time.Second},
	} {
		assert.Equal(t, c.want, windowAt(run, c.arm, c.level, c.rate), "%v at %g", c.level, c.rate)
	}
	run.TailWindow = 0
	assert.Equal(t, time.Second, windowAt(run, record.Arm{}, record.Level{Kind: record.Open, Rate: 1000}, 1000))
}
