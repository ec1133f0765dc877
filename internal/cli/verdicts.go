package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/table"
)

func (a *app) verdictsCommand() *cobra.Command {
	var require string
	cmd := &cobra.Command{
		Use:   "verdicts RUN [ID...]",
		Short: "Show the answers of a run with their evidence",
		Long: `Show the verdict on each claim, or on those named. With --require, the exit code
is 3 unless each of the named claims has that verdict.`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if require != "" {
				if err := oneOf("require", require, string(claims.Supported), string(claims.Refuted)); err != nil {
					return err
				}
				if len(args) == 1 {
					return usageError{fmt.Errorf("--require %s: name the claim that it is required of", require)}
				}
			}
			doc, err := buildDocument(args[0])
			if err != nil {
				return err
			}
			if err := keepClaims(doc, args[1:]); err != nil {
				return err
			}
			if err := table.Verdicts(a.out, doc); err != nil {
				return err
			}
			return required(doc, claims.Value(require))
		},
	}
	cmd.Flags().StringVar(&require, "require", "", "supported or refuted: exit 3 unless the named claims are")
	return cmd
}

// keepClaims leaves only the named verdicts; no names leave all.
func keepClaims(doc *report.Document, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	byID := map[string]claims.Verdict{}
	for _, v := range doc.Verdicts {
		byID[v.ID] = v
	}
	doc.Verdicts = nil
	for _, id := range ids {
		v, ok := byID[id]
		if !ok {
			return usageError{fmt.Errorf("there is no claim %q in the run's ledger", id)}
		}
		doc.Verdicts = append(doc.Verdicts, v)
	}
	doc.Tally = report.Count(doc.Verdicts)
	return nil
}

func required(doc *report.Document, want claims.Value) error {
	if want == "" {
		return nil
	}
	for _, v := range doc.Verdicts {
		if v.Verdict != want {
			return exitError{exitMissed, fmt.Sprintf("claim %q is %s, required was %s: %s", v.ID, v.Verdict, want, v.Reason)}
		}
	}
	return nil
}
