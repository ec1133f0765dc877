package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hellobench/hellobench/internal/claims"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/markdown"
	"github.com/hellobench/hellobench/internal/report/plot"
	"github.com/hellobench/hellobench/internal/report/table"
)

// Names of the derived files in a run folder.
const (
	verdictsFile = "verdicts.json"
	markdownFile = "report.md"
	plotsFolder  = "plots"
)

// buildDocument derives the report of a run folder from its raw data, with
// the ledger as it stood when the run began.
func buildDocument(dir string) (*report.Document, error) {
	run, err := record.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	trials, err := record.ReadTrials(dir)
	if err != nil {
		return nil, err
	}
	ledger, err := claims.DecodeLedger(filepath.Join(dir, record.RunFile)+" (claims)", []byte(run.Claims))
	if err != nil {
		return nil, err
	}
	verdicts, err := claims.Evaluate(ledger, run, trials)
	if err != nil {
		return nil, err
	}
	return report.Build(run, trials, verdicts)
}

// renderFolder writes every derived file of a run folder.
func renderFolder(dir string) (*report.Document, error) {
	doc, err := buildDocument(dir)
	if err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(doc.Verdicts, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode verdicts: %w", err)
	}
	if err := record.WriteFile(filepath.Join(dir, verdictsFile), append(data, '\n')); err != nil {
		return nil, err
	}
	plots := filepath.Join(dir, plotsFolder)
	if err := os.MkdirAll(plots, 0o755); err != nil {
		return nil, fmt.Errorf("make the plots folder: %w", err)
	}
	if err := plot.Folder(plots, doc); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(dir, markdownFile))
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	if err := markdown.Write(f, doc); err != nil {
		_ = f.Close()
		return nil, err
	}
	return doc, f.Close()
}

// printRun prints a finished run for people or for programs.
func (a *app) printRun(doc *report.Document, dir, format string) error {
	if format == "json" {
		return writeJSON(a.out, doc)
	}
	if err := table.Write(a.out, doc); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\nreport: %s\nplots:  %s\ndata:   %s\n",
		filepath.Join(dir, markdownFile), filepath.Join(dir, plotsFolder), filepath.Join(dir, record.TrialsFile))
	return err
}
