// Package cli is the command line of hellobench: one file a subcommand. It is
// the only place that prints and the only place that puts the parts together.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hellobench/hellobench/internal/http1"
	"github.com/hellobench/hellobench/internal/session"
	"github.com/hellobench/hellobench/internal/yamlfile"
	"github.com/hellobench/hellobench/runners"
)

// Exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitMissed   = 3 // a required verdict or threshold, or something got worse
	exitInvalid  = 4 // the gates forbid an answer
	exitNoAnswer = 5 // an answer was required, and there is none
)

// interrupt is the cause of a context that a signal ended.
type interrupt struct{ signal syscall.Signal }

func (i interrupt) Error() string { return i.signal.String() }

// echo is how long a repeated signal is taken for the first one.
const echo = 300 * time.Millisecond

// Signals returns a context that ends at the first SIGINT, SIGTERM or SIGHUP.
// A second signal ends the process at once; the guard then ends its servers. What
// comes right after the first is the same signal, to the group of processes.
func Signals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(ch, syscall.SIGHUP)
	}
	go func() {
		select {
		case s := <-ch:
			sig, _ := s.(syscall.Signal)
			cancel(interrupt{sig})
			time.Sleep(echo)
			signal.Stop(ch)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(ch); cancel(nil) }
}

// usageError is a mistake in the call itself.
type usageError struct{ error }

// exitError ends the program with a code of its own. Its message, if any, is
// what is left to be said.
type exitError struct {
	code int
	msg  string
}

func (e exitError) Error() string { return e.msg }

// app is what every subcommand needs.
type app struct {
	out, err io.Writer
	args     []string // of the command that runs

	resumable atomic.Pointer[string] // the folder of a run that has begun
	saving    atomic.Bool            // what was measured is being written down
	stays     atomic.Bool            // signals are none of this command's business
}

// What a signal ends has this time to end by itself, and this time to write down
// what it has measured. Commands that only read, and what hangs in a system call,
// need not know of signals then; the guard ends what they have started.
const (
	patience     = 700 * time.Millisecond
	savePatience = 10 * time.Second
)

// Run runs the command line and returns the exit code. It prints one line for
// an error, and a second one with what can be done about it where that is known.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	log.SetOutput(io.Discard) // libraries print there what is counted as an error here
	a := &app{out: outputOf(stdout), err: outputOf(stderr)}
	done := make(chan error, 1)
	go func() { done <- a.execute(ctx, args) }()
	select {
	case err := <-done:
		return a.exitCode(ctx, err)
	case <-ctx.Done():
	}
	expired, saving := time.After(patience), false
	for {
		select {
		case err := <-done:
			return a.exitCode(ctx, err)
		case <-expired:
		}
		switch {
		case a.stays.Load():
			expired = nil
		case a.saving.Load() && !saving:
			expired, saving = time.After(savePatience), true
		default:
			return a.exitCode(ctx, ctx.Err())
		}
	}
}

// execute runs a command line.
func (a *app) execute(ctx context.Context, args []string) error {
	a.args = args
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	return root.ExecuteContext(ctx)
}

func (a *app) exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	var sig interrupt
	if errors.As(context.Cause(ctx), &sig) {
		_, _ = fmt.Fprintf(a.err, "hellobench: interrupted\n")
		if dir := a.resumable.Load(); dir != nil {
			_, _ = fmt.Fprintf(a.err, "go on with: %s run --resume %s\n", os.Args[0], *dir)
		}
		return 128 + int(sig.signal)
	}
	var exit exitError
	if err.Error() != "" {
		for _, line := range a.linesOf(err) {
			if !strings.HasPrefix(line, "hint: ") {
				line = "hellobench: " + line
			}
			_, _ = fmt.Fprintln(a.err, line)
		}
	}
	if errors.As(err, &exit) {
		return exit.code
	}
	var missing *runners.Unavailable
	if errors.As(err, &missing) && missing.Hint != "" {
		_, _ = fmt.Fprintf(a.err, "hint: %s\n", missing.Hint)
	}
	var mistake *yamlfile.Error
	if errors.As(err, &mistake) {
		return exitUsage // it says file and line; the help would not help
	}
	var (
		usage   usageError
		options session.UsageError
		limit   session.LimitError
	)
	if errors.As(err, &limit) {
		return exitUsage // it says what to do
	}
	if errors.As(err, &usage) || errors.As(err, &options) {
		_, _ = fmt.Fprintln(a.err, "hint: hellobench --help, or hellobench COMMAND --help")
		return exitUsage
	}
	return exitFailed
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "hellobench",
		Short: "Measure web servers honestly, and hold an article's claims against it",
		Long: `hellobench launches Hello World servers, loads them, and says which of an
article's claims about Node.js and Python survive measurement.

  hellobench run --profile quick     a look, in under a minute
  hellobench run                     the article's servers, with figures to quote
  hellobench load URL                load one URL on this machine

Exit codes: 0 done; 1 failed; 2 wrong usage, a mistake in a file, or more than this
machine allows; 3 a required verdict was missed, something got worse, or a server
failed under load; 4 the machine spoiled the run; 5 no answer where one was
required; 130 or 143 interrupted, what was measured is saved.

Environment: HELLOBENCH_CACHE is the folder in which servers are installed;
HELLOBENCH_SSH is the ssh that reaches other machines, such as "ssh -F FILE".`,
		Version:      strings.TrimPrefix(tool(), "hellobench "),
		SilenceUsage: true, SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return usageError{fmt.Errorf("there is no command %q; did you mean %s?", args[0], strings.Join(near, " or "))}
			}
			if strings.Contains(args[0], "://") {
				return usageError{fmt.Errorf("there is no command %q; did you mean load URL?", http1.Mask(args[0]))}
			}
			return usageError{fmt.Errorf("there is no command %q", args[0])}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{wrongValue(err)} })
	root.AddCommand(a.runCommand(), a.reportCommand(), a.verdictsCommand(), a.compareCommand(), a.trendCommand(), a.siteCommand(), a.mergeCommand(), a.loadCommand(), a.nullCommand(), a.calibrateCommand(), a.doctorCommand(), a.listCommand(), manCommand(), a.guardCommand(), a.agentCommand())
	return root
}

// wrongValue says what a flag wants, in the place of what its parser says.
func wrongValue(err error) error {
	var wrong *pflag.InvalidValueError
	if !errors.As(err, &wrong) {
		return err
	}
	want := map[string]string{
		"int": "a whole number", "uint64": "a whole number from 0", "float64": "a number", "duration": "a time such as 500ms, 10s or 2m", "bool": "true or false",
	}[wrong.GetFlag().Value.Type()]
	if want == "" {
		return err
	}
	return fmt.Errorf("--%s %q: want %s", wrong.GetFlag().Name, wrong.GetValue(), want)
}

// arguments wraps cobra's own checks so that a wrong count is a usage error, and
// so is a flag without a value.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; it is %s", err, cmd.UseLine())}
		}
		return refuseEmpty(cmd)
	}
}

// textOrJSON are the formats of a command for people and for programs.
var textOrJSON = []string{"text", "json"}

// oneOf checks a flag that knows a few words.
func oneOf(flag, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	return usageError{fmt.Errorf("--%s %q: want %s", flag, value, strings.Join(words, ", "))}
}

func (a *app) guardCommand() *cobra.Command {
	return &cobra.Command{
		Use: "guard PROGRAM [ARGUMENT]...", Hidden: true, DisableFlagParsing: true,
		Short: "Run a program and end all of it when the harness is gone (started by run)",
		RunE: func(_ *cobra.Command, args []string) error {
			a.stays.Store(true)
			if code := runners.GuardMain(args); code != 0 {
				return exitError{code: code}
			}
			return nil
		},
	}
}
