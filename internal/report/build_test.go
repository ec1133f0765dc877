package report_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/synthetic"
	"github.com/hellobench/hellobench/internal/report/table"
)

func TestLook(t *testing.T) {
	run, trials, verdicts := synthetic.Run(6, true)
	d, err := report.Build(run, trials, verdicts)
	require.NoError(t, err)
	require.NoError(t, table.Write(os.Stdout, d))
	require.NoError(t, table.Verdicts(os.Stdout, d))
}
