package plot_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/plot"
	"github.com/hellobench/hellobench/internal/report/synthetic"
)

func TestLook(t *testing.T) {
	run, trials, verdicts := synthetic.Run(6, true)
	run.Quotable = false
	d, err := report.Build(run, trials, verdicts)
	require.NoError(t, err)
	for i := range d.Charts {
		for _, f := range plot.Formats {
			w, err := os.Create("/tmp/look/" + d.Charts[i].Name + "." + f)
			require.NoError(t, err)
			require.NoError(t, plot.Write(w, d, &d.Charts[i], f))
			require.NoError(t, w.Close())
		}
	}
}
