package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/repo"
)

func newRemoteDefaultCmd(a *app) *cobra.Command {
	var local bool
	c := &cobra.Command{
		Use:               "default [name]",
		Short:             "Show or set the remote that is used without --remote",
		Example:           "  mlops remote default\n  mlops remote default lab --local",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeRemotes,
		RunE:              a.run(func(ctx context.Context, args []string) error { return runRemoteDefault(ctx, a, args, local) }),
	}
	c.Flags().BoolVar(&local, "local", false, "in config.local.yaml: this machine only, not in git")
	return c
}

func runRemoteDefault(ctx context.Context, a *app, args []string, local bool) error {
	r, err := a.repo(ctx)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		name, url, err := a.remoteName(ctx, "")
		if err != nil {
			return err
		}
		return a.io.Result(listedRemote{name, url, true}, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, name)
			return err
		})
	}
	name := args[0]
	url, ok := r.Config.Remotes[name]
	if !ok {
		return unknownRemote(r, name)
	}
	if err := repo.EditConfig(ctx, settingsFile(r, local), []string{"core", "remote"}, name); err != nil {
		return err
	}
	return a.io.Result(listedRemote{name, url, true}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s (%s) is the default remote\n", name, url)
		return err
	})
}
