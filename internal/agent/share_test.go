package agent

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/load"
)

// TestShare: each machine goes on with the servers where the one before ended, so that
// all of them get as many connections.
func TestShare(t *testing.T) {
	e := NewEngine("wire", make([]Generator, 3), 0)
	urls := []string{"http://127.0.0.1:1/", "http://127.0.0.1:2/", "http://127.0.0.1:3/", "http://127.0.0.1:4/"}
	parts, err := e.share(load.Spec{Exchanges: http1.Get(urls...), Connections: 64, Duration: 1})
	require.NoError(t, err)
	dealt := map[string]int{}
	total := 0
	for _, p := range parts {
		total += p.Spec.Connections
		for i := range p.Spec.Connections {
			dealt[p.Spec.Exchanges[i%len(urls)].URL]++
		}
	}
	assert.Equal(t, 64, total)
	for _, u := range urls {
		assert.Equal(t, 16, dealt[u], u)
	}

	parts, err = e.share(load.Spec{Exchanges: http1.Get(urls...), Connections: 9, Duration: 1})
	require.NoError(t, err)
	assert.Len(t, parts, 2, "each has a connection to each server")

	parts, err = e.share(load.Spec{Exchanges: http1.Get(urls[0]), Schedule: &load.Schedule{Rate: 30}, Duration: 1})
	require.NoError(t, err)
	seeds := map[uint64]bool{}
	for _, p := range parts {
		assert.InDelta(t, 10, p.Spec.Schedule.Rate, 1e-9)
		seeds[p.Spec.Schedule.Seed] = true
	}
	assert.Len(t, seeds, 3)
}
