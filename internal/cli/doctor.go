package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/host/doctor"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/table"
)

func (a *app) doctorCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Tell what on this machine would spoil a measurement",
		Long: `Look at this machine for a second and report what would spoil a measurement, the
worst first, each with the command that fixes it and the one that restores the
present setting. Nothing is changed. --format sh prints a script that takes "fix"
or "restore"; scripts/tune-host runs a command between the two.

Exit code: 0; 1 if a check is bad, so that a script can refuse to measure.`,
		Example: "  hellobench doctor",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), format) },
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, json or sh")
	completeWith(cmd, "format", "text", "json", "sh")
	return cmd
}

func (a *app) doctor(ctx context.Context, format string) error {
	if err := oneOf("format", format, "text", "json", "sh"); err != nil {
		return err
	}
	checks := doctor.Checks(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	doctor.SortChecks(checks)
	count := map[doctor.State]int{}
	for _, c := range checks {
		count[c.State]++
	}
	var err error
	switch format {
	case "json":
		err = report.WriteJSON(a.out, checks)
	case "sh":
		_, err = io.WriteString(a.out, doctorScript(checks))
		return err // what is bad is about to be fixed
	default:
		_, err = io.WriteString(a.out, doctorText(checks, table.Columns(a.out))+"\n"+wrap("", closing(count), "", table.Columns(a.out)))
	}
	if err == nil && count[doctor.Bad] > 0 {
		err = exitError{code: exitFailed}
	}
	return err
}

// doctorText is a paragraph a check; of what is well, the finding is enough.
func doctorText(checks []doctor.Check, columns int) string {
	var b strings.Builder
	for _, c := range checks {
		head := fmt.Sprintf("%-8s %-13s ", c.State, c.Name)
		b.WriteString(wrap(head, c.Finding, "", columns))
		if c.State == doctor.OK {
			continue
		}
		b.WriteString(wrap("         why      ", c.Why, "", columns))
		if c.Mend != "" {
			b.WriteString(wrap("         fix      ", c.Mend, ` \`, columns))
		}
		if c.Restore != "" {
			b.WriteString(wrap("         restore  ", c.Restore, ` \`, columns))
		}
	}
	return b.String()
}

// doctorScript is a shell script that fixes what can be put back, and puts back
// what is there now. What leaves no trace to be put back is left out.
func doctorScript(checks []doctor.Check) string {
	var fix, restore strings.Builder
	for _, c := range checks {
		if c.Mend != "" && c.Restore != "" {
			// What is of one shell is of the one that calls the script.
			fmt.Fprintf(&fix, "\t# %s: %s\n\t%s\n", c.Name, c.Finding, strings.ReplaceAll(c.Mend, "$$", "$PPID"))
			fmt.Fprintf(&restore, "\t%s\n", strings.ReplaceAll(c.Restore, "$$", "$PPID"))
		}
	}
	if fix.Len() == 0 {
		fix.WriteString("\t: # nothing that can be put back has to be fixed\n")
		restore.WriteString("\t:\n")
	}
	return "#!/bin/sh\n# Made by hellobench doctor: fixes this machine for a measurement, and puts it back.\nset -eu\ncase \"${1-}\" in\nfix)\n" +
		fix.String() + "\t;;\nrestore)\n\tset +e # what can be put back is\n" + restore.String() + "\t;;\n*)\n\techo \"usage: $0 fix|restore\" >&2\n\texit 2\n\t;;\nesac\n"
}

func closing(count map[doctor.State]int) string {
	line := "Nothing here spoils a measurement."
	switch {
	case count[doctor.Bad] > 0:
		line = "Figures from this machine as it is now are not for quoting."
	case count[doctor.Warn] > 0:
		line = "Measure, and keep the warnings in mind when you read the figures."
	}
	return fmt.Sprintf("%d bad, %d warn, %d unknown, %d ok. %s",
		count[doctor.Bad], count[doctor.Warn], count[doctor.Unknown], count[doctor.OK], line)
}

// wrap breaks a text at spaces so that it fits, but for single words that are
// longer, and sets it behind a head.
// What joins the lines of a command is a backslash: it can then be copied as
// it stands. Spaces inside quotes are no place to break.
func wrap(head, text, join string, columns int) string {
	indent := strings.Repeat(" ", utf8.RuneCountInString(head))
	var b strings.Builder
	b.WriteString(head)
	column := len(indent)
	for i, word := range words(text, join != "") {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+width+len(join) > columns:
			b.WriteString(join + "\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += width
	}
	b.WriteByte('\n')
	return b.String()
}

// words splits at spaces, in a command only at those that are neither inside
// single quotes nor escaped.
func words(text string, command bool) []string {
	inside, escaped := false, false
	return strings.FieldsFunc(text, func(r rune) bool {
		split := r == ' ' && !inside && !escaped
		switch {
		case !command || escaped:
			escaped = false
		case r == '\'':
			inside = !inside
		case r == '\\' && !inside:
			escaped = true
		}
		return split
	})
}
