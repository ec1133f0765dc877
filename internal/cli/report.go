package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/benchfmt"
	"github.com/hellobench/hellobench/internal/report/csv"
	"github.com/hellobench/hellobench/internal/report/html"
	"github.com/hellobench/hellobench/internal/report/junit"
	"github.com/hellobench/hellobench/internal/report/markdown"
	"github.com/hellobench/hellobench/internal/report/plot"
	"github.com/hellobench/hellobench/internal/report/table"
	"github.com/hellobench/hellobench/internal/yamlfile"
)

// renderers write a document as one text. JUnit's depends on what is required.
var renderers = []struct {
	format string
	write  func(io.Writer, *report.Document) error
}{
	{"table", table.Write},
	{"markdown", markdown.Write},
	{"html", html.Write},
	{"csv", csv.Write},
	{"json", func(w io.Writer, d *report.Document) error { return report.WriteJSON(w, d) }},
	{"benchfmt", benchfmt.Write},
	{"junit", nil},
}

// formatOf is the format of a file that is named without one.
var formatOf = map[string]string{".txt": "table", ".md": "markdown", ".html": "html", ".csv": "csv", ".json": "json", ".xml": "junit"}

// formats are those of the renderers, then those of pictures.
func formats() (names []string) {
	for _, r := range renderers {
		names = append(names, r.format)
	}
	return append(names, plot.Formats...)
}

func (a *app) reportCommand() *cobra.Command {
	var format, out string
	var require []string
	cmd := &cobra.Command{
		Use:   "report RUN",
		Short: "Show a run again, in any format",
		Long: `Derive the report of a run folder anew from its raw data. Without --format, the
files in the folder are renewed and the tables are printed; in a folder that cannot
be written to, the tables are printed all the same. svg, png and pdf are
one file a chart, so --out names a folder; the others are one text.`,
		Example: "  hellobench report results/latest --format html --out report.html",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			limitMemory(args[0])
			if len(require) > 0 && format != "junit" {
				return usageError{errors.New("--require: needs --format junit; for the exit code alone there is hellobench verdicts --require")}
			}
			if !cmd.Flags().Changed("format") && out == "" {
				return a.renew(args[0])
			}
			if !cmd.Flags().Changed("format") {
				if format = formatOf[filepath.Ext(out)]; format == "" {
					return usageError{errors.New("--out: needs --format")}
				}
			}
			if format == "text" { // as the other commands call it
				format = "table"
			}
			return a.report(args[0], format, out, require)
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", yamlfile.List(formats(), "or"))
	completeWith(cmd, "format", formats()...)
	cmd.Flags().StringSliceVar(&require, "require", nil, "with junit: "+requireUsage)
	cmd.Flags().StringVar(&out, "out", "", "file, or folder for pictures (default: print; pictures go into RUN/plots)")
	return cmd
}

// limitMemory lets the collector take its turns by what a report holds, which
// is hardly more than the journal, and not at twice that. Where the user has set
// a lower limit, that stands.
func limitMemory(dir string) {
	journal, err := os.Stat(filepath.Join(dir, record.TrialsFile))
	if err != nil {
		return // whoever reads it will say so
	}
	limit := max(journal.Size()*3/2, 64<<20)
	debug.SetMemoryLimit(min(limit, debug.SetMemoryLimit(-1)))
}

// renew writes the derived files of a run folder anew, and prints the tables. A
// folder that must not be written to is no failure: it can be looked at.
func (a *app) renew(dir string) error {
	doc, err := buildDocument(dir)
	if err != nil {
		return err
	}
	failed := writeFolder(dir, doc)
	if err := a.printRun(doc, dir, "text", failed); err != nil {
		return err
	}
	if err := failed.err(); !readOnly(err) {
		return err
	}
	_, _ = fmt.Fprintf(a.err, "note: %s cannot be written to, so it holds no new %s\n", dir, strings.Join(slices.Sorted(maps.Keys(failed)), ", "))
	return nil
}

// readOnly says whether an error is that of a folder which must not be written to.
func readOnly(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

func (a *app) report(dir, format, out string, require []string) error {
	if err := oneOf("format", format, formats()...); err != nil {
		return err
	}
	text := !slices.Contains(plot.Formats, format)
	want, err := requirements(require, nil)
	if err != nil {
		return err
	}
	doc, err := buildDocument(dir)
	if err != nil {
		return err
	}
	if err := knowsClaims(doc, slices.Sorted(maps.Keys(want))); err != nil {
		return err
	}
	if !text {
		if out == "" {
			out = filepath.Join(dir, plotsFolder)
		}
		return a.pictures(doc, out, format)
	}
	var render func(io.Writer, *report.Document) error
	for _, r := range renderers {
		if r.format == format {
			render = r.write
		}
	}
	if format == "junit" {
		render = func(w io.Writer, d *report.Document) error { return junit.Write(w, d, want) }
	}
	if out == "" {
		err = render(a.out, doc)
	} else {
		err = writeTo(out, func(w io.Writer) error { return render(w, doc) })
	}
	if err != nil {
		return err
	}
	return required(doc, want)
}

// pictures writes every chart in the given formats into a folder and says where they are.
func (a *app) pictures(doc *report.Document, folder string, formats ...string) error {
	names, err := drawCharts(doc, folder, formats...)
	for _, n := range names {
		if _, err := fmt.Fprintln(a.out, n); err != nil {
			return err
		}
	}
	return err
}

func drawCharts(doc *report.Document, folder string, formats ...string) ([]string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of plots: %w", err)
	}
	var names []string
	var first error
	failed := 0
	for i := range doc.Charts {
		chart := &doc.Charts[i]
		for _, format := range formats {
			name := filepath.Join(folder, chart.Name+"."+format)
			if err := writeTo(name, func(w io.Writer) error { return plot.Write(w, doc, chart, format) }); err != nil {
				first = cmp.Or(first, err)
				failed++
				continue
			}
			names = append(names, name)
		}
	}
	if failed > 1 {
		first = fmt.Errorf("%w (and %d more pictures)", first, failed-1)
	}
	return names, first
}
