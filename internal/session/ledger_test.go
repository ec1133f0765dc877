package session_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/profile"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/session"
)

// TestTheFullProfileAnswersTheLedger: each comparison has, at each of its levels, an
// experiment in which all of its arms are side by side.
func TestTheFullProfileAnswersTheLedger(t *testing.T) {
	p, err := session.LoadProfile("full")
	require.NoError(t, err)
	l, err := claims.DecodeLedger(fixtures.ClaimsFile, fixtures.Claims)
	require.NoError(t, err)
	for _, c := range l.Claims {
		for _, cmp := range c.Comparisons {
			arms := []string{cmp.A, cmp.AOver, cmp.B, cmp.BOver}
			assert.True(t, sideBySide(p, arms), "%s, %s", c.ID, cmp.Group) // of a start
			for _, level := range cmp.List() {
				if cmp.Idle > 0 {
					level.Idle = cmp.Idle
				}
				levels := []record.Level{level}
				if cmp.Baseline > 0 {
					levels = append(levels, record.Level{Connections: cmp.Baseline})
				}
				assert.True(t, sideBySide(p, arms, levels...), "%s, %s at %v", c.ID, cmp.Group, level)
			}
		}
	}
}

// sideBySide says whether an experiment has the arms, none of which is "", at the levels.
func sideBySide(p *profile.Profile, arms []string, levels ...record.Level) bool {
	return slices.ContainsFunc(p.Experiments, func(e record.Experiment) bool {
		for _, arm := range arms {
			if arm != "" && !slices.Contains(e.Arms, arm) {
				return false
			}
		}
		for _, level := range levels {
			if !slices.ContainsFunc(e.Levels, func(l int) bool { return p.Levels[l] == level }) {
				return false
			}
		}
		return true
	})
}
