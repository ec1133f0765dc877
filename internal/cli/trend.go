package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/html"
	"github.com/hellobench/hellobench/internal/report/table"
)

func (a *app) trendCommand() *cobra.Command {
	var format, out, reference string
	var alarm bool
	cmd := &cobra.Command{
		Use:   "trend RUN...",
		Short: "Find when ratios between arms changed over many runs",
		Long: `Put runs in order of time, take the throughput of every arm over one reference
arm's in the same block, and find where that ratio changed. A new stretch begins
where the machine or the method changes; runs of two stretches are shown and
not compared.

With --alarm the exit code is 3 if a ratio changed within the newest three runs
and the A/A ratio did not: then it was neither the machine nor the harness.`,
		Args: arguments(cobra.MinimumNArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "html", "json"); err != nil {
				return err
			}
			var docs []*report.Document
			for _, dir := range args {
				doc, err := buildDocument(dir)
				if err != nil {
					return err
				}
				docs = append(docs, doc)
			}
			t, err := report.NewTrend(docs, reference)
			if err != nil {
				return usageError{fmt.Errorf("trend: %w", err)}
			}
			write := map[string]func(io.Writer) error{
				"text": func(w io.Writer) error { return table.Trend(w, t) },
				"html": func(w io.Writer) error { return html.WriteTrend(w, t) },
				"json": func(w io.Writer) error { return writeJSON(w, t) },
			}[format]
			if out == "" {
				err = write(a.out)
			} else {
				err = writeTo(out, write)
			}
			if err != nil || !alarm {
				return err
			}
			return news(t)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, html or json")
	completeWith(cmd, "format", "text", "html", "json")
	cmd.Flags().StringVar(&out, "out", "", "file (default: print)")
	cmd.Flags().StringVar(&reference, "reference", "", "the arm that all are taken over (default: the one that the newest run entered twice)")
	cmd.Flags().BoolVar(&alarm, "alarm", false, "exit 3 if something changed lately")
	return cmd
}

// news is an error if a ratio changed lately while the A/A ratio did not. Lately
// is as many runs back as it takes to see a change, so that it is one of the
// newest stretch: what an earlier machine or method showed was news in its time.
func news(t *report.Trend) error {
	lately := func(s report.TrendSerie) bool {
		return slices.ContainsFunc(s.Changes, func(c report.TrendChange) bool { return c.Run >= len(t.Runs)-report.TrendSegment })
	}
	if slices.ContainsFunc(t.Series, func(s report.TrendSerie) bool { return s.Noise && lately(s) }) {
		return nil
	}
	for _, s := range t.Series {
		if lately(s) {
			c := s.Changes[len(s.Changes)-1]
			return exitError{exitMissed, fmt.Sprintf("%s at %s changed at %s: from %.3g of %s to %.3g", s.Arm, s.Level, t.Runs[c.Run].ID, c.Before, s.Over, c.After)}
		}
	}
	return nil
}
