package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/record"
	"github.com/hellobench/hellobench/internal/sample"
	"github.com/hellobench/hellobench/internal/session"
)

func (a *app) mergeCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge RUN... --out DIR",
		Short: "Merge the shards of a run",
		Long: `Merge run folders that are shards of one plan (run --seed S --shard i/n) into one
run, whose report is the same as if one machine had measured all of it. Runs that
differ in plan, method, servers or ledger are refused.`,
		Example: "  hellobench merge shard-1 shard-2 --out merged",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return usageError{errors.New("--out: name the folder for the merged run")}
			}
			return a.merge(args, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the folder of the merged run")
	return cmd
}

func (a *app) merge(dirs []string, out string) error {
	var merged *record.Run
	var all []record.Trial
	var shards []*record.Shard
	for _, dir := range dirs {
		r, err := record.ReadRun(dir)
		if err != nil {
			return err
		}
		if _, err := session.LedgerOf(r, dir); err != nil {
			return err
		}
		trials, err := record.TrialsOf(dir, r)
		if err != nil {
			return err
		}
		if merged == nil {
			merged = r
		} else if err := join(merged, r); err != nil {
			return fmt.Errorf("merge %s with %s: %w", dir, dirs[0], err)
		}
		all, shards = append(all, trials...), append(shards, r.Shard)
	}
	slices.SortStableFunc(all, func(a, b record.Trial) int {
		return cmp.Or(cmp.Compare(a.Block, b.Block), cmp.Compare(a.Position, b.Position))
	})
	for i := 1; i < len(all); i++ {
		if all[i].Block == all[i-1].Block && all[i].Position == all[i-1].Position {
			return fmt.Errorf("merge: block %d, arm %q is in two of the runs", all[i].Block+1, all[i].Arm)
		}
	}
	if len(dirs) > 1 || merged.Shard != nil { // a whole run may have ended early, and is complete all the same
		merged.Shard, merged.State = nil, record.Interrupted
	}
	t, err := sample.New(merged, all)
	if err != nil {
		return err
	}
	if len(t.Blocks.Counted) == len(merged.Plan) {
		merged.State = record.Complete
	} else if absent := absent(shards); absent != "" {
		merged.Notices = append(merged.Notices, "Merged without "+absent+".")
	}
	return a.writeMerged(merged, all, out)
}

// absent names the shards that are not among these, if the others say how many there are.
func absent(shards []*record.Shard) string {
	var there []int
	of := 0
	for _, s := range shards {
		if s == nil || of > 0 && s.Of != of {
			return ""
		}
		there, of = append(there, s.Index), s.Of
	}
	var names []string
	for i := range of {
		if !slices.Contains(there, i) {
			names = append(names, fmt.Sprintf("%d/%d", i+1, of))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "shard " + strings.Join(names, ", ")
}

// join takes the second of two shards into the first, or says what keeps them apart.
func join(into, r *record.Run) error {
	for _, part := range []struct {
		what string
		a, b any
	}{
		{"method", into.Method, r.Method},
		{"ledger", into.ClaimsHash, r.ClaimsHash},
		{"claims", into.Asked, r.Asked},
		{"seed", into.Seed, r.Seed},
		{"levels that the machines allow (open files)", into.Unreachable, r.Unreachable},
		{"experiments", into.Experiments, r.Experiments},
		{"plan", into.Plan, r.Plan},
		{"arms", into.Arms, r.Arms},
		{"levels", into.Levels, r.Levels},
		{"engine", into.Engine.Name, r.Engine.Name},
		{"windows", []any{into.LongWindow, into.TailWindow, into.Warmup, into.WarmupMax, into.Timeout}, []any{r.LongWindow, r.TailWindow, r.Warmup, r.WarmupMax, r.Timeout}},
		{"servers", withoutPaths(into.Servers), withoutPaths(r.Servers)},
		{"missing arms", into.Missing, r.Missing},
		{"whether the load came over a network", into.Apart(), r.Apart()},
	} {
		if !reflect.DeepEqual(part.a, part.b) {
			return fmt.Errorf("they differ in %s, so they are no shards of one run", part.what)
		}
	}
	if !session.SameMachine(into.Environment, r.Environment) {
		into.Notices = append(into.Notices, fmt.Sprintf("Merged from several machines, among them %s with %d cores, %s: blocks of each were compared within themselves.",
			r.Environment.CPU, r.Environment.Cores, r.Environment.Kernel))
	}
	if into.ServerHost != r.ServerHost || !slices.EqualFunc(into.Generators, r.Generators, func(a, b record.Generator) bool { return a.Host == b.Host }) {
		into.Notices = append(into.Notices, "The shards had their servers or their load on different machines; those of the first are shown.")
	}
	if len(into.Environment.Different(&r.Environment)) > 0 {
		into.Environment.Join(&r.Environment)
	}
	for _, n := range r.Notices {
		if !slices.Contains(into.Notices, n) {
			into.Notices = append(into.Notices, n)
		}
	}
	into.Quotable = into.Quotable && r.Quotable
	if r.Engine.Disproved() {
		into.Engine.CrossCheck = r.Engine.CrossCheck
	}
	into.Engine.Ceiling = min(into.Engine.Ceiling, r.Engine.Ceiling)
	for i, c := range into.Engine.Ceilings { // at the same levels
		into.Engine.Ceilings[i].Throughput = min(c.Throughput, r.Engine.CeilingAt(record.Level{Connections: c.Connections}))
	}
	if r.Start.Before(into.Start) {
		into.Start = r.Start
	}
	if r.End.After(into.End) {
		into.End = r.End
	}
	return nil
}

// withoutPaths leaves out where the executables are, which is each machine's own business.
func withoutPaths(servers []record.ServerVersion) []record.ServerVersion {
	servers = slices.Clone(servers)
	for i := range servers {
		servers[i].Executables = nil
	}
	return servers
}

func (a *app) writeMerged(run *record.Run, trials []record.Trial, out string) error {
	dir, err := session.NewFolder(out, run.Profile, run.Start, nil)
	if err != nil {
		return err
	}
	run.ID = filepath.Base(dir)
	journal, err := record.OpenJournal(dir)
	if err != nil {
		return err
	}
	all := make([]*record.Trial, len(trials))
	for i := range trials {
		all[i] = &trials[i]
	}
	if err := journal.Append(all); err != nil {
		return errors.Join(err, journal.Close())
	}
	if err := journal.Close(); err != nil {
		return err
	}
	if err := record.WriteRun(dir, run); err != nil {
		return err
	}
	doc, err := buildDocument(dir)
	if err != nil {
		return err
	}
	failed := writeFolder(dir, doc)
	return errors.Join(a.printRun(doc, dir, "text", failed), failed.err())
}
