package claims_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/yamlfile/yamltest"
)

// Each has keys of the schema that the others cannot have.
const (
	wholeB = `{"schema": 1, "title": "t", "source": "s", "alpha": 0.05, "claims": [{"id": "a", "section": "s", "paraphrase": "p", "margin": 0.1, "comparisons": [
{"group": "g", "metric": "throughput", "a": "x", "b": "y", "a_over": "z", "b_over": "z", "margin": 0.2, "cores": 1, "errors_count": true, "connections": [4]}]}]}`
	wholeLimit = `{"schema": 1, "alpha": 0.05, "claims": [{"id": "a", "section": "s", "paraphrase": "p", "comparisons": [
{"group": "g", "metric": "latency-p99", "a": "x", "limit": 0.1, "at_least": 2, "rates": [100], "idle": 5}]}]}`
	wholeFacts = `{"schema": 1, "alpha": 0.05, "claims": [{"id": "a", "section": "s", "paraphrase": "p", "facts": [{"group": "g", "arm": "x", "field": "jit", "is": "no"}]}]}`
	wholeNot   = `{"schema": 1, "alpha": 0.05, "claims": [{"id": "a", "section": "s", "paraphrase": "p", "not_measurable": "why"}]}`
)

// TestWrongLedgers makes every mistake that the schema knows.
func TestWrongLedgers(t *testing.T) {
	for _, whole := range []string{wholeB, wholeLimit, wholeFacts, wholeNot} {
		_, err := claims.DecodeLedger("claims.yaml", []byte(whole))
		require.NoError(t, err)
		tried := 0
		yamltest.Each(t, "claims", []byte(whole), func(w yamltest.Wrong) {
			tried++
			_, err := claims.DecodeLedger("claims.yaml", w.Data)
			if w.Surely {
				require.Error(t, err, w.What)
			}
			if err != nil {
				assert.LessOrEqual(t, yamltest.Clean(t, w.What, err), 2, "%s: %v", w.What, err)
			}
		})
		assert.Greater(t, tried, 100)
	}
}
