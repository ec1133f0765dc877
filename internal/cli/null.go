package cli

import (
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/host"
	"github.com/hellobench/hellobench/internal/load/null"
)

func (a *app) nullCommand() *cobra.Command {
	var addr, cpus string
	cmd := &cobra.Command{
		Use:   "null",
		Short: "Run the null server: the same small answer to everything, as fast as can be",
		Long: `Run the null server until it is interrupted. What a load generator reaches
against it is the generator's own ceiling.`,
		Example: "  hellobench null --addr 127.0.0.1:8080",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := host.ParseCPUs(cpus)
			if err != nil {
				return usageError{fmt.Errorf("--server-cpus: %w", err)}
			}
			if _, err := net.ResolveTCPAddr("tcp", addr); err != nil {
				return usageError{fmt.Errorf("--addr %q: %w; want an address such as 127.0.0.1:8080", addr, err)}
			}
			list, notice, err := host.Pin(list)
			if err != nil {
				return usageError{fmt.Errorf("--server-cpus: %w", err)}
			}
			if notice != "" {
				_, _ = fmt.Fprintf(a.err, "note: %s\n", notice)
			}
			if _, err := host.RaiseOpenFiles(); err != nil {
				return err
			}
			s, err := null.Start(cmd.Context(), null.Options{Addr: addr, CPUs: list})
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(a.out, "null server at %s\n", s.URL()); err != nil {
				return err
			}
			return s.Wait()
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "address to listen at")
	cmd.Flags().StringVar(&cpus, "server-cpus", "", "cores, one event loop each (not pinned by default)")
	return cmd
}
