package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/markdown"
	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/report/table"
)

func (a *app) compareCommand() *cobra.Command {
	var format, reference string
	margin := 0.10
	cmd := &cobra.Command{
		Use:   "compare BASE HEAD",
		Short: "Say what got faster or slower from one run to another",
		Long: `Compare two run folders, arm by arm and level by level. A row is better or worse
only where the whole interval of the ratio lies beyond the margin; "~" is no
such difference.
With --reference every figure is taken over that arm's in the same block, so
that what the machine did to both cancels: on shared machines use it. Runs of
two machines (another processor, number of cores, or kind of machine) can be
compared in no other way: without it their ratios are shown with "?".

A server that fails under load in head, and did not in base, got worse.

The exit code is 3 if anything got worse, 2 if the runs were measured by
different methods, 4 if the machine spoiled one of them, and 5 if no figure could be compared.`,
		Example: "  hellobench compare results/before results/after --reference node-http",
		Args:    arguments(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "markdown", "json"); err != nil {
				return err
			}
			if err := within("margin", margin, 0, mostMargin); err != nil {
				return err
			}
			return a.compare(args[0], args[1], reference, margin, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, markdown or json")
	completeWith(cmd, "format", "text", "markdown", "json")
	cmd.Flags().StringVar(&reference, "reference", "", "the arm over which every figure is taken, block by block")
	cmd.Flags().Float64Var(&margin, "margin", margin, "share by which a figure has to be worse to be a regression")
	return cmd
}

func (a *app) compare(baseDir, headDir, reference string, margin float64, format string) error {
	base, err := buildDocument(baseDir)
	if err != nil {
		return err
	}
	head, err := buildDocument(headDir)
	if err != nil {
		return err
	}
	for _, d := range []*report.Document{base, head} {
		if reference != "" && d.Arm(reference).Role == "" {
			return usageError{fmt.Errorf("--reference: %s has no arm %q", d.Asked.ID, reference)}
		}
	}
	c, err := report.Compare(base, head, reference, margin)
	if err != nil {
		return usageError{fmt.Errorf("compare %s %s: %w", baseDir, headDir, err)}
	}
	switch format {
	case "json":
		err = report.WriteJSON(a.out, c)
	case "markdown":
		err = markdown.Comparison(a.out, c)
	default:
		err = table.Comparison(a.out, c)
	}
	if err != nil {
		return err
	}
	return verdictOn(c)
}

// verdictOn is the exit code of a comparison: nothing got worse only where something was compared.
func verdictOn(c *report.Comparison) error {
	switch {
	case c.Regressions > 0:
		lines := []string{fmt.Sprintf("%d of %d figures got worse by more than the margin", c.Regressions, len(c.Rows))}
		for i := range c.Rows {
			if r := &c.Rows[i]; r.Metric == report.Works && r.Outcome == report.Worse {
				lines = append(lines, show.Text(fmt.Sprintf("%s at %s in %s: %s", r.Arm, r.Level, c.Head, r.Reason)))
			}
		}
		return exitError{exitMissed, strings.Join(lines, "\n")}
	case len(c.Invalid) > 0:
		return exitError{exitInvalid, fmt.Sprintf("%s: the machine spoiled the run, so there is nothing to compare\n%s", strings.Join(c.Invalid, ", "), machineHint)}
	case slices.ContainsFunc(c.Rows, func(r report.Change) bool { return r.Metric == report.Works && r.Outcome == report.NotComputed }):
		i := slices.IndexFunc(c.Rows, func(r report.Change) bool { return r.Metric == report.Works && r.Outcome == report.NotComputed })
		r := &c.Rows[i]
		return exitError{exitNoAnswer, show.Text(fmt.Sprintf("%s at %s cannot be compared: %s", r.Arm, r.Level, r.Reason))}
	case c.Answered() > 0:
		return nil
	case len(c.Machines) > 0 && c.Reference == "":
		return exitError{exitNoAnswer, fmt.Sprintf("%s and %s were measured on different machines: %s; no figure can be compared without --reference ARM, an arm that both runs measured",
			c.Base, c.Head, c.Machines)}
	default:
		return exitError{exitNoAnswer, fmt.Sprintf("no figure of %s and %s could be compared: %s", c.Base, c.Head, c.Rows[0].Reason)}
	}
}
