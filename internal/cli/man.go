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
		Use:     "man DIR",
		Short:   "Write the manual pages into a folder",
		Example: "  hellobench man /usr/local/share/man/man1",
		Args:    arguments(cobra.ExactArgs(1)),
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
