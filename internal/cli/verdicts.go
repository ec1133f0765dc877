package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/table"
	"github.com/hellobench/hellobench/internal/session"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

func (a *app) verdictsCommand() *cobra.Command {
	var require []string
	var file, format string
	var margin float64
	cmd := &cobra.Command{
		Use:   "verdicts RUN [ID...]",
		Short: "Show the answers of a run with their evidence",
		Long: `Show the verdict on each claim, or on those named. With --require VALUE (of the
named claims) or --require ID=VALUE, the exit code is 3 if one of them has another
answer, and 5 if none has another but one has no answer: it is inconclusive, or
not testable here.

A run can be judged anew, by another ledger (--claims) or another margin
(--margin), without measuring again. Such an answer was not stated before the
run, and says so.`,
		Example: "  hellobench verdicts results/latest node-faster --require supported",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("format", format, textOrJSON...); err != nil {
				return err
			}
			want, err := requirements(require, args[1:])
			if err != nil {
				return err
			}
			if err := within("margin", margin, 0, mostMargin); err != nil {
				return err
			}
			doc, err := judgeAnew(args[0], file, margin, cmd.Flags().Changed("margin"))
			if err != nil {
				return err
			}
			if err := errors.Join(knowsClaims(doc, slices.Sorted(maps.Keys(want))), keepClaims(doc, args[1:])); err != nil {
				return err
			}
			if len(doc.Verdicts) == 0 {
				_, _ = fmt.Fprintln(a.err, "note: the run answers no claim, because the arms of none are all part of it")
			}
			write := table.Verdicts
			if format == "json" {
				write = func(w io.Writer, doc *report.Document) error { return report.WriteJSON(w, doc.Verdicts) }
			}
			if err := write(a.out, doc); err != nil {
				return err
			}
			return required(doc, want)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&require, "require", nil, requireUsage)
	f.StringVar(&format, "format", "text", "text, or json as in verdicts.json")
	f.StringVar(&file, "claims", "", "judge the run by this ledger instead of its own")
	f.Float64Var(&margin, "margin", 0, "judge the run by this margin in the place of each claim's, as 0.25; at_least stays")
	completeWith(cmd, "require", values...)
	completeWith(cmd, "format", textOrJSON...)
	return cmd
}

// judgeAnew derives the report of a run, by another ledger or margin if there is one.
func judgeAnew(dir, file string, margin float64, changed bool) (*report.Document, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	if file == "" && !changed {
		return deriveDocument(run, dir)
	}
	ledger, err := session.LedgerOf(run, dir)
	if err != nil {
		return nil, err
	}
	if file != "" {
		text, err := session.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--claims: %w", err)
		}
		if ledger, err = claims.DecodeLedger(file, text); err != nil {
			return nil, err
		}
		if ledger.Hash != run.ClaimsHash {
			run.Notices = append(run.Notices, "judged by a ledger that was not the run's own: its claims and margins were not stated before the run")
		}
		if err := ledger.CheckArms(session.ServersOf(run).CheckName); err != nil {
			return nil, err
		}
		left := ledger.Within(run.Arms)
		run.Notices, run.Title = append(run.Notices, session.LeftOut(left)...), ""
		if len(left) > 0 {
			run.Title = session.Heading(run.Arms)
		}
	}
	if changed {
		ledger.SetMargin(margin)
		run.Notices = append(run.Notices, fmt.Sprintf("judged by a margin of %g%% that was not stated before the run", 100*margin))
	}
	trials, err := record.TrialsOf(dir, run)
	if err != nil {
		return nil, err
	}
	return judgeTrials(run, trials, ledger)
}

// keepClaims leaves only the named verdicts, in the order of the names; no names leave all.
func keepClaims(doc *report.Document, ids []string) error {
	if err := knowsClaims(doc, ids); err != nil || len(ids) == 0 {
		return err
	}
	var kept []claims.Verdict
	for _, id := range ids {
		kept = append(kept, doc.Verdicts[slices.IndexFunc(doc.Verdicts, func(v claims.Verdict) bool { return v.ID == id })])
	}
	doc.Verdicts, doc.Tally = kept, report.Count(kept)
	return nil
}

const requireUsage = "the verdict that a claim has to have, as ID=supported: supported, refuted, depends, inconclusive or \"not testable here\"; exit 3 if it has another, 5 if it has no answer"

// values are the words that a verdict can be required by.
var values = func() (words []string) {
	for _, v := range claims.Values {
		words = append(words, string(v))
	}
	return words
}()

// requirements reads what is required: ID=VALUE, or a VALUE of each of the ids.
func requirements(words, ids []string) (map[string]claims.Value, error) {
	want := map[string]claims.Value{}
	for _, word := range words {
		id, value, named := strings.Cut(word, "=")
		of := []string{id}
		if !named {
			value, of = word, ids
		}
		if err := oneOf("require", value, values...); err != nil {
			return nil, err
		}
		if len(of) == 0 {
			return nil, usageError{fmt.Errorf("--require %s: name the claim that it is required of, as ID=%s", word, word)}
		}
		for _, id := range of {
			if had := want[id]; had != "" && had != claims.Value(value) {
				return nil, usageError{fmt.Errorf("--require: of claim %q two answers are required, %s and %s", id, had, value)}
			}
			want[id] = claims.Value(value)
		}
	}
	return want, nil
}

// required is an error unless each verdict is the wanted one. Another answer is
// another code than none, and outweighs it.
func required(doc *report.Document, wanted map[string]claims.Value) error {
	var none error
	for _, v := range doc.Verdicts {
		want := wanted[v.ID]
		missed := exitError{exitMissed, fmt.Sprintf("claim %q is %s, required was %s: %s", v.ID, v.Verdict, want, v.Reason)}
		switch {
		case want == "" || v.Verdict == want:
		case v.Verdict.Answers():
			return missed
		case none == nil:
			missed.code = exitNoAnswer
			none = missed
		}
	}
	return none
}

// knowsClaims refuses a claim that the run does not answer.
func knowsClaims(doc *report.Document, ids []string) error {
	known := make([]string, len(doc.Verdicts))
	for i := range doc.Verdicts {
		known[i] = doc.Verdicts[i].ID
	}
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return usageError{fmt.Errorf("there is no claim %q among those that the run answers%s", id, yamlfile.DidYouMean(id, slices.Sorted(slices.Values(known))))}
		}
	}
	return nil
}
