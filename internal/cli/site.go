package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/html"
)

func (a *app) siteCommand() *cobra.Command {
	var out, reference string
	cmd := &cobra.Command{
		Use:   "site RUN... --out DIR",
		Short: "Make a static site of many runs",
		Long: `Make a folder of pages that any web server can show: an index of the runs, the
report of each, and the trend over all of them. A run that cannot be read is left
out, with a note. What the folder has of other runs stays.`,
		Example: "  hellobench site results/2* --out public",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return usageError{errors.New("--out: name the folder of the site")}
			}
			return a.site(args, out, reference)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the folder of the site")
	cmd.Flags().StringVar(&reference, "reference", "", "the arm that the trend takes all others over (default: the one that the newest run entered twice)")
	return cmd
}

// trendPage is the site's page of the trend.
const trendPage = "trend.html"

func (a *app) site(dirs []string, out, reference string) error {
	var docs []*report.Document
	var errs []error
	for _, dir := range dirs {
		doc, err := buildDocument(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		docs = append(docs, doc)
	}
	if len(docs) == 0 {
		return errors.Join(errs...)
	}
	for _, err := range errs {
		a.say("note: left out: %v", err)
	}
	slices.SortStableFunc(docs, func(a, b *report.Document) int { return b.Asked.Start.Compare(a.Asked.Start) })
	docs = slices.CompactFunc(docs, (*report.Document).Same)
	pages, err := writeReports(docs, out)
	if err != nil {
		return err
	}
	trend := ""
	if t, err := report.NewTrend(docs, reference); err != nil {
		a.say("note: no trend: %v", err)
	} else {
		trend = trendPage
		if err := writeTo(filepath.Join(out, trend), func(w io.Writer) error { return html.WriteTrend(w, t) }); err != nil {
			return err
		}
	}
	index := filepath.Join(out, "index.html")
	if err := writeTo(index, func(w io.Writer) error { return html.WriteIndex(w, docs, pages, trend) }); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, index)
	return err
}

// writeReports writes the page of each run, and returns where, as seen from the index.
func writeReports(docs []*report.Document, out string) (pages []string, err error) {
	for _, d := range docs {
		name := filepath.Base(d.Asked.ID)
		for n := 2; slices.Contains(pages, "runs/"+name+"/report.html"); n++ { // two folders of one name
			name = fmt.Sprintf("%s-%d", filepath.Base(d.Asked.ID), n)
		}
		dir := filepath.Join(out, "runs", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if err := writeTo(filepath.Join(dir, htmlFile), func(w io.Writer) error { return html.Write(w, d) }); err != nil {
			return nil, err
		}
		pages = append(pages, "runs/"+name+"/report.html")
	}
	return pages, nil
}
