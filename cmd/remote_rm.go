package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
)

func newRemoteRmCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "rm <name>",
		Short:             "Forget a remote; what is in the bucket stays",
		Example:           "  mlops remote rm lab",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeRemotes,
		RunE:              a.run(func(ctx context.Context, args []string) error { return runRemoteRm(ctx, a, args[0]) }),
	}
}

func runRemoteRm(ctx context.Context, a *app, name string) error {
	r, err := a.repo(ctx)
	if err != nil {
		return err
	}
	url, ok := r.Config.Remotes[name]
	if !ok {
		return unknownRemote(r, name)
	}
	s, err := readSettings(r)
	if err != nil {
		return err
	}
	removed := false
	for _, l := range s.layers {
		if l.origin != fromLocal && l.origin != fromRepo {
			continue
		}
		if _, ok := l.values[remotesPrefix+name]; ok {
			if err := repo.EditConfig(ctx, l.file, []string{"remotes", name}, nil); err != nil {
				return err
			}
			removed = true
		}
		if l.values["core.remote"] == name {
			if err := repo.EditConfig(ctx, l.file, []string{"core", "remote"}, nil); err != nil {
				return err
			}
		}
	}
	if !removed {
		return errs.New(errs.Usage, "remote %s is not in the files of this repository", name).
			Hint("mlops config unset %s%s --user", remotesPrefix, name)
	}
	return a.io.Result(listedRemote{Name: name, URL: url}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "removed remote %s (%s); its objects are still there\n", name, url)
		return err
	})
}
