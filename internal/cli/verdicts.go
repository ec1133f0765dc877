package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/table"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

func (a *app) verdictsCommand() *cobra.Command {
	var require, file string
	var margin float64
	cmd := &cobra.Command{
		Use:   "verdicts RUN [ID...]",
		Short: "Show the answers of a run with their evidence",
		Long: `Show the verdict on each claim, or on those named. With --require, the exit code
is 3 unless each of the named claims has that verdict.

A run can be judged anew, by another ledger (--claims) or another margin
(--margin), without measuring again. Such an answer was not stated before the
run, and says so.`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if require != "" {
				if err := oneOf("require", require, string(claims.Supported), string(claims.Refuted), string(claims.Depends), string(claims.Inconclusive), string(claims.NotTestable)); err != nil {
					return err
				}
				if len(args) == 1 {
					return usageError{fmt.Errorf("--require %s: name the claim that it is required of", require)}
				}
			}
			if cmd.Flags().Changed("margin") && (margin < 0 || margin > 10) {
				return usageError{fmt.Errorf("--margin %g: want a share from 0 to 10, such as 0.25", margin)}
			}
			doc, err := judgeAnew(args[0], file, margin, cmd.Flags().Changed("margin"))
			if err != nil {
				return err
			}
			if err := keepClaims(doc, args[1:]); err != nil {
				return err
			}
			if len(doc.Verdicts) == 0 {
				_, _ = fmt.Fprintln(a.err, "note: the run answers no claim, because the arms of none are all part of it")
			}
			if err := table.Verdicts(a.out, doc); err != nil {
				return err
			}
			return required(doc, claims.Value(require))
		},
	}
	f := cmd.Flags()
	f.StringVar(&require, "require", "", "supported, refuted, depends, inconclusive or \"not testable here\": exit 3 unless the named claims are")
	f.StringVar(&file, "claims", "", "judge the run by this ledger instead of its own")
	f.Float64Var(&margin, "margin", 0, "judge the run by this margin in the place of each claim's, as 0.25; at_least stays")
	completeWith(cmd, "require", string(claims.Supported), string(claims.Refuted), string(claims.Depends), string(claims.Inconclusive), string(claims.NotTestable))
	return cmd
}

// judgeAnew derives the report of a run, by another ledger or margin if there is one.
func judgeAnew(dir, file string, margin float64, changed bool) (*report.Document, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	ledger, err := ledgerOf(run, dir)
	if err != nil {
		return nil, err
	}
	if file != "" {
		text, err := readFile(file)
		if err != nil {
			return nil, fmt.Errorf("--claims: %w", err)
		}
		if ledger, err = claims.DecodeLedger(file, text); err != nil {
			return nil, err
		}
		if ledger.Hash != run.ClaimsHash {
			run.Notices = append(run.Notices, "judged by a ledger that was not the run's own: its claims and margins were not stated before the run")
		}
		if err := ledger.CheckArms(serversOf(run).checkName); err != nil {
			return nil, err
		}
		left := ledger.Within(run.Arms)
		run.Notices, run.Title = append(run.Notices, leftOut(left)...), ""
		if len(left) > 0 {
			run.Title = heading(run.Arms)
		}
	}
	if changed {
		ledger.SetMargin(margin)
		run.Notices = append(run.Notices, fmt.Sprintf("judged by a margin of %g%% that was not stated before the run", 100*margin))
	}
	trials, err := record.ReadTrials(dir)
	if err != nil {
		return nil, err
	}
	return judgeTrials(run, trials, ledger)
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
			return usageError{fmt.Errorf("there is no claim %q among those that the run answers%s", id, yamlfile.DidYouMean(id, slices.Sorted(maps.Keys(byID))))}
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
