package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/table"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

func (a *app) verdictsCommand() *cobra.Command {
	var require, file, format string
	var margin float64
	cmd := &cobra.Command{
		Use:   "verdicts RUN [ID...]",
		Short: "Show the answers of a run with their evidence",
		Long: `Show the verdict on each claim, or on those named. With --require, the exit code
is 3 if one of the named claims has another answer, and 5 if none has another but
one has no answer: it is inconclusive, or not testable here.

A run can be judged anew, by another ledger (--claims) or another margin
(--margin), without measuring again. Such an answer was not stated before the
run, and says so.`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			if require != "" {
				if err := oneOf("require", require, values...); err != nil {
					return err
				}
				if len(args) == 1 {
					return usageError{fmt.Errorf("--require %s: name the claim that it is required of", require)}
				}
			}
			if err := within("margin", margin, 0, mostMargin); err != nil {
				return err
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
			write := table.Verdicts
			if format == "json" {
				write = func(w io.Writer, doc *report.Document) error { return writeJSON(w, doc.Verdicts) }
			}
			if err := write(a.out, doc); err != nil {
				return err
			}
			return required(doc, claims.Value(require))
		},
	}
	f := cmd.Flags()
	f.StringVar(&require, "require", "", "supported, refuted, depends, inconclusive or \"not testable here\": exit 3 if a named claim has another answer, 5 if it has none")
	f.StringVar(&format, "format", "text", "text, or json as in verdicts.json")
	f.StringVar(&file, "claims", "", "judge the run by this ledger instead of its own")
	f.Float64Var(&margin, "margin", 0, "judge the run by this margin in the place of each claim's, as 0.25; at_least stays")
	completeWith(cmd, "require", values...)
	completeWith(cmd, "format", "text", "json")
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
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, usageError{fmt.Errorf("--claims: %w", err)}
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

// values are the words that a verdict can be required by.
var values = []string{string(claims.Supported), string(claims.Refuted), string(claims.Depends), string(claims.Inconclusive), string(claims.NotTestable)}

// required is an error unless each verdict is the wanted one. Another answer is
// another code than none, and outweighs it.
func required(doc *report.Document, want claims.Value) error {
	var none error
	for _, v := range doc.Verdicts {
		missed := exitError{exitMissed, fmt.Sprintf("claim %q is %s, required was %s: %s", v.ID, v.Verdict, want, v.Reason)}
		switch {
		case want == "" || v.Verdict == want:
		case v.Verdict.Answers():
			return missed
		case none == nil:
			missed.code, none = exitNoAnswer, missed
		}
	}
	return none
}
