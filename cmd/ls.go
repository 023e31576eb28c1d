package cmd

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type lsOptions struct {
	app *app
	workspace.ListRequest
}

func newLsCmd(a *app) *cobra.Command {
	o := &lsOptions{app: a}
	c := &cobra.Command{
		Use:     "ls [path]...",
		Aliases: []string{"list"},
		Short:   "List tracked data",
		Long: `Lists tracked paths with their size, or what is in a tracked directory. It reads
trees only, so the data need not be there. --json writes one array, -R too.`,
		Example: "  mlops ls\n  mlops ls data/train\n  mlops ls -R --rev v1.0",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Dir, o.Paths = ".", args
			return runLs(ctx, o)
		}),
	}
	c.Flags().StringVar(&o.Rev, "rev", "", "as it was at a git `REVISION`")
	c.Flags().BoolVarP(&o.Recursive, "recursive", "R", false, "every file in tracked directories")
	return c
}

func runLs(ctx context.Context, o *lsOptions) error {
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	list := []workspace.Listed{}
	if err := w.List(ctx, o.ListRequest, func(l workspace.Listed) error { list = append(list, l); return nil }); err != nil {
		return err
	}
	return o.app.io.Result(list, func(out io.Writer) error {
		t := o.app.io.Table().Right(0, 1)
		for _, l := range list {
			files := ""
			name := shown(l.Path)
			if l.Kind == "dir" {
				files = term.Plural(l.Files, "file")
				name += "/"
			}
			t.Row(term.Bytes(l.Size), files, name)
		}
		return t.Write(out)
	})
}
