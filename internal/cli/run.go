package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hellobench/hellobench/fixtures"
	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/report"
	"github.com/hellobench/hellobench/internal/report/show"
	"github.com/hellobench/hellobench/internal/session"
)

func (a *app) runCommand() *cobra.Command {
	var o session.Options
	var format string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Measure servers and answer the claims",
		Long: `Run a profile: every block starts all servers of an experiment afresh and sends
load to them in turns, in rounds of short windows. Each finished block is on disk
at once; the report is made from what is there, however the run ends.`,
		Example: `  hellobench run --profile quick
  hellobench run --profile quick --server ./my-server --arm my-server,flask-gunicorn-gthread
  hellobench run --server-host bench@server1 --load-host bench@generator1
  hellobench run --resume results/latest`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Tool, o.Command, o.Seeded = tool(), a.args, cmd.Flags().Changed("seed")
			if cmd.Flags().Changed("resume") {
				if !session.Begun(o.Resume) {
					return a.startOver(cmd, o, format)
				}
				if err := onlyFlags(cmd, "resume", "format", "explain"); err != nil {
					return err
				}
			}
			return a.run(cmd.Context(), o, format)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Profile, "profile", "article", "a profile's name (see list profiles), or a .yaml file")
	f.StringArrayVar(&o.Arms, "arm", nil, "only these arms: of the profile, or SERVER[:workers=N][:threads=N][:instances=N][:route=/PATH][:beside=/PATH][:variant=NAME][:close][:shared]")
	f.StringSliceVar(&o.Servers, "server", nil, "folder of a server of your own (docs/adding-a-server.md); becomes an arm unless --arm says which")
	f.StringVar(&o.Claims, "claims", "", "a ledger of your own (.yaml, docs/formats/claims.schema.json) instead of the article's")
	f.StringVar(&o.Engine, "engine", "auto", "auto, wire or vegeta")
	f.StringVar(&o.Blocks, "blocks", "", "number of blocks, N or MIN..MAX (the profile's by default)")
	f.Uint64Var(&o.Seed, "seed", 0, "seed of the order and the set-up (random by default, recorded in run.json)")
	f.StringVar(&o.ServerCPUs, "server-cpus", "", "cores of the servers (the first by default; on a machine of their own all)")
	f.StringVar(&o.LoadCPUs, "load-cpus", "", "cores of the generator (the second by default; on a machine of its own all)")
	f.StringVar(&o.ServerHost, "server-host", "", "[USER@]HOST that ssh reaches: install, start and meter the servers there (docs/machines.md)")
	f.StringSliceVar(&o.LoadHosts, "load-host", nil, "[USER@]HOST that ssh reaches: generate the load there; several share it")
	f.StringVar(&o.ServerAddress, "server-address", "", "IPv4 address at which the generators reach the servers (that of the ssh connection by default)")
	f.StringVar(&o.Out, "out", "", "run folder (results/TIME-PROFILE by default)")
	f.StringVar(&o.Shard, "shard", "", "i/n: only every n-th block, beginning with the i-th; auto: as the task of a Slurm array, a Kubernetes Indexed Job or a CI matrix says; the same --seed on all machines, then merge")
	f.BoolVar(&o.Explain, "explain", false, "after the measurement, start each server once more under a sampling profiler and show where its time goes")
	f.StringVar(&o.Resume, "resume", "", "continue the run in this folder with its own profile, seed and cores; start it over if it had not begun")
	f.StringVar(&format, "format", "text", "format of the output at the end: text or json")
	completeProfiles(cmd)
	completeWith(cmd, "engine", session.Engines...)
	completeWith(cmd, "arm", fixtures.ServerNames()...)
	completeWith(cmd, "format", textOrJSON...)
	return cmd
}

// startOver starts the run of a folder in which none had begun: as this command says
// if it says anything, else as the one that left the folder.
func (a *app) startOver(cmd *cobra.Command, o session.Options, format string) error {
	o.Out, o.Resume = o.Resume, ""
	args := session.CommandOf(o.Out)
	if args == nil || onlyFlags(cmd, "resume", "format") != nil {
		_, _ = fmt.Fprintf(a.err, "note: no run had begun in %s: starting profile %s there\n", o.Out, o.Profile)
		return a.run(cmd.Context(), o, format)
	}
	_, _ = fmt.Fprintf(a.err, "note: no run had begun in %s: starting it over, hellobench %s\n", o.Out, strings.Join(args, " "))
	return a.execute(cmd.Context(), append(args, "--out", o.Out, "--format", format))
}

func (a *app) run(ctx context.Context, o session.Options, format string) error {
	if err := oneOf("format", format, textOrJSON...); err != nil {
		return err
	}
	if o.Resume != "" {
		if old, err := record.ReadRun(o.Resume); err == nil && old.State == record.Complete && !o.Explain {
			doc, err := deriveDocument(old, o.Resume)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(a.err, "%s is complete: there is nothing to go on with\n", o.Resume)
			return errors.Join(a.printRun(doc, o.Resume, format, nil), judge(doc))
		}
	}
	progress := newProgress(a.err)
	s, err := session.Open(ctx, o, session.Tell{Say: a.say, Observe: progress.observe})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	a.resumable.Store(&s.Dir)
	err = s.Measure(ctx)
	progress.close()
	if err == nil && s.Run.Explain {
		err = s.Explain(ctx)
	}
	a.saving.Store(true)
	// What can be shown is shown, even where the disk takes nothing more.
	err = s.End(ctx, err)
	doc, rerr := deriveDocument(s.Run, s.Dir)
	if rerr != nil {
		return errors.Join(err, rerr)
	}
	failed := writeFolder(s.Dir, doc)
	if err = errors.Join(err, a.printRun(doc, s.Dir, format, failed), failed.err()); err != nil {
		return err
	}
	return judge(doc)
}

func (a *app) say(format string, args ...any) { _, _ = fmt.Fprintf(a.err, format+"\n", args...) }

// machineHint is what can be done about a run that the machine spoiled.
const machineHint = "hint: hellobench doctor says what disturbs this machine; close what else uses its cores, and run again"

// judge is an error if the run came to nothing that an answer can stand on, or
// if a server failed by itself.
func judge(doc *report.Document) error {
	if err := hopelessArms(doc); err != nil {
		return err
	}
	if failed := doc.FailedServers(); len(failed) > 0 {
		var lines []string
		for i := range failed {
			lines = append(lines, "server failed: "+show.Breakdown(&failed[i]))
		}
		return exitError{exitMissed, strings.Join(lines, "\n") + "\nhint: what it printed is in the run folder, under logs"}
	}
	if detail := doc.TooShort(); detail != "" {
		return exitError{exitFailed, "the windows are shorter than a response: " + detail + "\nhint: measure with a profile that has a longer window and lead_in (docs/adding-a-server.md)"}
	}
	if doc.Invalid() {
		return exitError{exitInvalid, "the run is invalid: the machine spoiled every figure or every block, see the gates above\n" + machineHint}
	}
	return nil
}

// hopelessArms is an error if an arm became ready in no trial.
func hopelessArms(doc *report.Document) error {
	var errs []error
	for _, arm := range doc.Arms {
		failed, ready, why := 0, false, ""
		for _, f := range doc.Failures {
			if f.Arm == arm.Name {
				failed++
				ready, why = ready || f.Ready, f.Reason
			}
		}
		measured := slices.ContainsFunc(doc.Cells, func(c report.Cell) bool { return c.Arm == arm.Name })
		if failed > 0 && !measured && !ready {
			errs = append(errs, fmt.Errorf("%s failed in every trial: %s", arm.Name, why))
		}
	}
	return errors.Join(errs...)
}

// onlyFlags refuses flags that have no meaning beside the first one.
func onlyFlags(cmd *cobra.Command, allowed ...string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if !slices.Contains(allowed, f.Name) {
			err = usageError{fmt.Errorf("--%s has no meaning together with --%s", f.Name, allowed[0])}
		}
	})
	return err
}
