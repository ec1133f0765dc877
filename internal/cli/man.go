package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/hellobench/hellobench/fixtures"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages into a folder",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("make the folder of manual pages: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the date: the same program writes the same pages
			// Without a title each page has the name of its command.
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: tool(), Manual: "hellobench"}, args[0])
		},
	}
}

// completeWith offers words for a flag in a shell.
func completeWith(cmd *cobra.Command, flag string, words ...string) {
	// It fails only for a flag that does not exist.
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}

// completeProfiles offers the embedded profiles, and files.
func completeProfiles(cmd *cobra.Command) {
	if err := cmd.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions(fixtures.ProfileNames(), cobra.ShellCompDirectiveDefault)); err != nil {
		panic(err)
	}
}

// examples stand in the help and in the manual page of a command.
var examples = map[string]string{
	"run": `  hellobench run --profile quick
  hellobench run --profile quick --server ./my-server --arm my-server,flask-gunicorn-gthread
  hellobench run --server-host bench@server1 --load-host bench@generator1
  hellobench run --resume results/latest`,
	"report":   "  hellobench report results/latest --format html --out report.html",
	"verdicts": "  hellobench verdicts results/latest node-faster --require supported",
	"compare":  "  hellobench compare results/before results/after --reference node-http",
	"trend":    "  hellobench trend results/2* --reference node-http",
	"site":     "  hellobench site results/2* --out public",
	"merge":    "  hellobench merge shard-1 shard-2 --out merged",
	"load": `  hellobench load --connections 64 http://127.0.0.1:8080/
  hellobench load --rate 1000 --max-p99 20ms --max-errors 0 http://127.0.0.1:8080/
  hellobench load -X POST -H 'Content-Type: application/json' --body '{"n":1}' --expect-status 201 http://127.0.0.1:8080/items`,
	"null":      "  hellobench null --addr 127.0.0.1:8080",
	"calibrate": "  hellobench calibrate --engine wire",
	"doctor":    "  hellobench doctor",
	"list":      "  hellobench list servers",
	"man":       "  hellobench man /usr/local/share/man/man1",
}
