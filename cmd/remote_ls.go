package cmd

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

func newRemoteLsCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the remotes",
		Example: "  mlops remote ls\n  mlops remote ls --json",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runRemoteLs(ctx, a) }),
	}
}

func runRemoteLs(ctx context.Context, a *app) error {
	r, err := a.repo(ctx)
	if err != nil {
		return err
	}
	list := []listedRemote{}
	for _, name := range sortedKeys(r.Config.Remotes) {
		main := name == r.Config.Core.Remote || r.Config.Core.Remote == "" && len(r.Config.Remotes) == 1
		list = append(list, listedRemote{name, r.Config.Remotes[name], main})
	}
	if len(list) == 0 {
		a.io.Hint("there is no remote yet: mlops remote add origin s3://bucket/prefix (or gs://, azblob://, or a directory)")
	}
	return a.io.Result(list, func(w io.Writer) error {
		table := a.io.Table()
		for _, l := range list {
			mark := ""
			if l.Default {
				mark = "default"
			}
			table.Row(l.Name, l.URL, mark)
		}
		return table.Write(w)
	})
}
