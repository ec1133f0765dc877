package cli

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/explain"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/html"
	"github.com/hellobench/hellobench/internal/report/markdown"
	"github.com/hellobench/hellobench/internal/report/table"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/session"
)

// Names of the derived files in a run folder.
const (
	verdictsFile = "verdicts.json"
	markdownFile = "report.md"
	htmlFile     = "report.html"
	plotsFolder  = "plots"
)

// buildDocument derives the report of a run folder from its raw data.
func buildDocument(dir string) (*report.Document, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	return deriveDocument(run, dir)
}

// deriveDocument derives the report of a run from its trials, with the ledger
// as it stood when the run began.
func deriveDocument(run *record.Run, dir string) (*report.Document, error) {
	trials, err := record.TrialsOf(dir, run)
	if err != nil {
		return nil, err
	}
	ledger, err := session.LedgerOf(run, dir)
	if err != nil {
		return nil, err
	}
	if run.Schema < record.SchemaVersion {
		return formerDocument(run, trials, ledger, dir)
	}
	doc, err := judgeTrials(run, trials, ledger)
	if err != nil {
		return nil, err
	}
	return doc, doc.Explain(dir)
}

// formerDocument is that of a run of schema 1. It keeps the verdicts that it was given,
// for it has no rounds, which the analysis of today is for.
func formerDocument(run *record.Run, trials []record.Trial, ledger *claims.Ledger, dir string) (*report.Document, error) {
	verdicts, err := ledger.StoredVerdicts(filepath.Join(dir, verdictsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return judgeTrials(run, trials, ledger)
	}
	if err != nil {
		return nil, err
	}
	t, err := sample.New(run, gateEngines(run, trials))
	if err != nil {
		return nil, err
	}
	run.Notices = append(run.Notices, "The run is of an older version: its verdicts are those of its "+verdictsFile+", and the tables are of today's analysis.")
	return documentOf(t, verdicts, ledger), nil
}

// gateEngines fails every window of a run whose engines do not agree.
func gateEngines(run *record.Run, trials []record.Trial) []record.Trial {
	if !run.Engine.Disproved() {
		return trials
	}
	gate := record.Gate{Name: record.GateEngines, Detail: run.Engine.CrossCheck.String()}
	for i := range trials {
		for j := range trials[i].Windows {
			w := &trials[i].Windows[j]
			w.Gates = append(w.Gates, gate)
		}
	}
	return trials
}

// judgeTrials gives the claims of a ledger their verdicts.
func judgeTrials(run *record.Run, trials []record.Trial, ledger *claims.Ledger) (*report.Document, error) {
	if run.Schema < record.SchemaVersion {
		run.Notices = append(run.Notices, "The run is of an older version: its verdicts are those of today's analysis, which wants rounds that it does not have.")
	}
	t, err := sample.New(run, gateEngines(run, trials))
	if err != nil {
		return nil, err
	}
	return documentOf(t, claims.Evaluate(ledger, t), ledger), nil
}

func documentOf(t *sample.Table, verdicts []claims.Verdict, ledger *claims.Ledger) *report.Document {
	doc := report.Build(t, verdicts)
	doc.Question = cmp.Or(t.Run.Title, ledger.Title)
	return doc
}

// unwritten is why derived files of a run folder could not be written, by name.
type unwritten map[string]error

// err is all that went wrong, a line a file.
func (u unwritten) err() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(u)) {
		errs = append(errs, u[name])
	}
	return errors.Join(errs...)
}

// writeFolder writes every derived file of a run folder that it can.
func writeFolder(dir string, doc *report.Document) unwritten {
	failed := unwritten{}
	for name, render := range map[string]func(io.Writer) error{
		verdictsFile: func(w io.Writer) error { return report.WriteJSON(w, doc.Verdicts) },
		htmlFile:     func(w io.Writer) error { return html.Write(w, doc) },
		markdownFile: func(w io.Writer) error { return markdown.Write(w, doc) },
	} {
		if err := writeTo(filepath.Join(dir, name), render); err != nil {
			failed[name] = err
		}
	}
	if _, err := drawCharts(doc, filepath.Join(dir, plotsFolder), "svg", "png"); err != nil {
		failed[plotsFolder] = err
	}
	for i := range doc.Explained {
		if e := &doc.Explained[i]; e.Seen() {
			name := filepath.Join(explain.Folder, e.Picture())
			if err := writeTo(filepath.Join(dir, name), e.Flame); err != nil {
				failed[name] = err
			}
		}
	}
	return failed
}

// printRun prints a finished run for people or for programs, and names the files
// that were written.
func (a *app) printRun(doc *report.Document, dir, format string, failed unwritten) error {
	if format == "json" {
		return report.WriteJSON(a.out, doc)
	}
	if err := table.Write(a.out, doc); err != nil {
		return err
	}
	lines := "\n"
	for _, f := range []struct{ what, name string }{
		{"report: ", htmlFile}, {"plots:  ", plotsFolder}, {"data:   ", record.TrialsFile},
	} {
		if failed[f.name] == nil {
			lines += f.what + filepath.Join(dir, f.name) + "\n"
		}
	}
	_, err := io.WriteString(a.out, lines)
	return err
}
