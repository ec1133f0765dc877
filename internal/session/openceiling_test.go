package session

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/load"
)

// TestHighest finds a known limit from any rate, in few windows.
func TestHighest(t *testing.T) {
	for _, limit := range []float64{110, 999, 52_000, 180_000, 3e6} {
		for _, from := range []float64{100, 30_000, 1e6} {
			tries := 0
			got, err := highest(from, func(rate float64) (bool, error) { tries++; return rate <= limit, nil })
			require.NoError(t, err)
			assert.LessOrEqual(t, got, limit)
			assert.Greater(t, got, 0.957*limit, "limit %g from %g", limit, from)
			assert.Less(t, tries, 22)
		}
	}
	got, err := highest(1000, func(float64) (bool, error) { return false, nil })
	require.NoError(t, err)
	assert.Zero(t, got, "no rate holds")
	got, err = highest(1000, func(float64) (bool, error) { return true, nil })
	require.NoError(t, err)
	assert.LessOrEqual(t, got, float64(load.MostRate), "every rate holds")
	_, err = highest(1000, func(float64) (bool, error) { return false, errors.New("broken") })
	require.EqualError(t, err, "broken")
}
