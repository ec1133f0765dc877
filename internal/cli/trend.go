package cli

import (
	"fmt"
	"io"

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

With --alarm the exit code is 3 if it takes the newest run to see a change, or a
server fails in it that did not before. So of weekly calls, each with all runs up
to then, one raises the alarm, and it names the first run that changed. A change
of the A/A ratio is that of the machine or the harness, and raises none.`,
		Example: "  hellobench trend results/2* --reference node-http",
		Args:    arguments(cobra.MinimumNArgs(2)),
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
				"json": func(w io.Writer) error { return report.WriteJSON(w, t) },
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
	cmd.Flags().BoolVar(&alarm, "alarm", false, "exit 3 if the newest run is the first to show a change")
	return cmd
}

// news is an error if the newest run showed something that no earlier one did.
func news(t *report.Trend) error {
	if len(t.News) == 0 {
		return nil
	}
	n := t.News[0]
	run := fmt.Sprintf("%s (%s)", t.Runs[n.Run].ID, t.Runs[n.Run].Start.UTC().Format("2006-01-02"))
	text := fmt.Sprintf("%s at %s has failed since %s; it was sound in the run before that", n.Arm, n.Level, run)
	if c := n.Change; c != nil {
		text = fmt.Sprintf("%s at %s changed at %s: from %.3g of %s to %.3g", n.Arm, n.Level, run, c.Before, n.Over, c.After)
	}
	if more := len(t.News) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return exitError{exitMissed, text}
}
