package cmd

import (
	"context"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"
)

func newUICmd(a *app) *cobra.Command {
	o := &serverOptions{app: a}
	stay := false
	c := &cobra.Command{
		Use:   "ui",
		Short: "Look at runs in the browser",
		Long: `Look at runs, models, data and pipelines in the browser: mlops server, and the
browser opened at its page. Where the usual port is taken, a free one is used.
BROWSER names another program than the usual one.`,
		Example: `  mlops ui
  mlops ui --read-only
  mlops ui --no-browser --port 8080`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return runUI(ctx, o, stay) }),
	}
	o.flags(c)
	c.Flags().BoolVar(&stay, "no-browser", false, "do not open the browser")
	c.PreRun = func(c *cobra.Command, _ []string) { o.anyPort = !c.Flags().Changed("port") }
	return c
}

func runUI(ctx context.Context, o *serverOptions, stay bool) error {
	if !stay {
		o.ready = func(ctx context.Context, url string) {
			if err := browse(ctx, url); err != nil {
				o.app.io.Warn("the browser did not open: %v", err)
				o.app.io.Hint("open %s", url)
			}
		}
	}
	return runServer(ctx, o)
}

// browse opens a page in the browser of the user.
func browse(ctx context.Context, url string) error {
	command := []string{"xdg-open", url}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open", url}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	}
	if program := os.Getenv("BROWSER"); program != "" {
		command = []string{program, url}
	}
	return exec.CommandContext(ctx, command[0], command[1:]...).Run() //nolint:gosec // the user's own browser
}
