package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/csv"
	"github.com/hellobench/hellobench/internal/report/html"
	"github.com/hellobench/hellobench/internal/report/markdown"
	"github.com/hellobench/hellobench/internal/report/table"
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
	trials, err := record.ReadTrials(dir)
	if err != nil {
		return nil, err
	}
	ledger, err := ledgerOf(run, dir)
	if err != nil {
		return nil, err
	}
	return judgeTrials(run, trials, ledger)
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

// ledgerOf is the ledger as it stood when the run began.
func ledgerOf(run *record.Run, dir string) (*claims.Ledger, error) {
	ledger, err := claims.StoredLedger(filepath.Join(dir, record.RunFile)+" (claims)", []byte(run.Claims))
	if err != nil {
		return nil, err
	}
	if err := ledger.Keep(run.Asked); err != nil {
		return nil, fmt.Errorf("%s: asked: %w", filepath.Join(dir, record.RunFile), err)
	}
	return ledger, nil
}

func judgeTrials(run *record.Run, trials []record.Trial, ledger *claims.Ledger) (*report.Document, error) {
	trials = gateEngines(run, trials)
	verdicts, err := claims.Evaluate(ledger, run, trials)
	if err != nil {
		return nil, err
	}
	doc, err := report.Build(run, trials, verdicts)
	if err != nil {
		return nil, err
	}
	doc.Question = cmp.Or(run.Title, ledger.Title)
	return doc, nil
}

// renderFolder writes every derived file of a run folder.
func renderFolder(dir string) (*report.Document, error) {
	doc, err := buildDocument(dir)
	if err != nil {
		return nil, err
	}
	return doc, writeFolder(dir, doc)
}

func writeFolder(dir string, doc *report.Document) error {
	data, err := json.MarshalIndent(doc.Verdicts, "", "  ")
	if err != nil {
		return fmt.Errorf("encode verdicts: %w", err)
	}
	if err := record.WriteFile(filepath.Join(dir, verdictsFile), append(data, '\n')); err != nil {
		return err
	}
	if _, err := drawCharts(doc, filepath.Join(dir, plotsFolder), "svg", "png"); err != nil {
		return err
	}
	if err := writeTo(filepath.Join(dir, htmlFile), func(w io.Writer) error { return html.Write(w, doc) }); err != nil {
		return err
	}
	return writeTo(filepath.Join(dir, markdownFile), func(w io.Writer) error { return markdown.Write(w, doc) })
}

// writeTo makes or replaces a file with what render writes.
func writeTo(name string, render func(io.Writer) error) error {
	var buf bytes.Buffer
	if err := render(&buf); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	return record.WriteFile(name, buf.Bytes())
}

// printRun prints a finished run for people or for programs.
func (a *app) printRun(doc *report.Document, dir, format string) error {
	if format == "json" {
		return csv.WriteJSON(a.out, doc)
	}
	if err := table.Write(a.out, doc); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\nreport: %s\nplots:  %s\ndata:   %s\n",
		filepath.Join(dir, htmlFile), filepath.Join(dir, plotsFolder), filepath.Join(dir, record.TrialsFile))
	return err
}
