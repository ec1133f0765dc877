package cli

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/session"
)

// TestEnginesThatDiffer: no answer stands on figures of engines that do not agree.
func TestEnginesThatDiffer(t *testing.T) {
	dir := filepath.Join("..", "..", "results", "reference")
	run, err := record.ReadRun(dir)
	require.NoError(t, err)
	run.Engine.CrossCheck = &record.CrossCheck{Arm: "node-http", Rate: 1000, Wire: time.Millisecond, Vegeta: 2 * time.Millisecond, Tolerance: 20 * time.Microsecond}
	trials, err := record.TrialsOf(dir, run)
	require.NoError(t, err)
	ledger, err := session.LedgerOf(run, dir)
	require.NoError(t, err)
	doc, err := judgeTrials(run, trials, ledger)
	require.NoError(t, err)
	assert.True(t, doc.Invalid())
	assert.Empty(t, doc.FailedServers())
	var exit exitError
	require.ErrorAs(t, judge(doc), &exit)
	assert.Equal(t, exitInvalid, exit.code)
	for _, v := range doc.Verdicts {
		for _, c := range v.Conditions {
			if c.Metric == "throughput" || c.Metric == "latency-p50" || c.Metric == "latency-p99" {
				assert.Contains(t, []claims.Value{claims.Inconclusive, claims.NotTestable}, c.Verdict, v.ID)
			}
		}
	}
}
