package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hellobench/hellobench/internal/agent"
)

func (a *app) agentCommand() *cobra.Command {
	return &cobra.Command{
		Use: "agent", Hidden: true, Args: arguments(cobra.NoArgs),
		Short: "Start servers or generate load for a run on another machine (started by run over ssh)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.stays.Store(true)                                     // it ends with its input, and what it started with it
			signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // not ignored: the servers would inherit that
			ctx, conn := cmd.Context(), newStandard()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			return agent.Serve(ctx, conn, a.say)
		},
	}
}

// standard is standard input and output as one connection.
type standard struct {
	*io.PipeReader // to close standard input would wait for what is read of it
	io.Writer
}

func newStandard() standard {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, os.Stdin)
		_ = w.CloseWithError(err)
	}()
	return standard{r, os.Stdout}
}
