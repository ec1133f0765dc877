// Command hellobench launches Hello World servers, loads them, and says which
// of an article's claims about Node.js and Python survive measurement.
package main

import (
	"context"
	"os"

	"github.com/hellobench/hellobench/internal/cli"
)

func main() {
	ctx, stop := cli.Signals(context.Background())
	defer stop()
	os.Exit(cli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
