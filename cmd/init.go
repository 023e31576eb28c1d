package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/repo"
)

type initOptions struct {
	app *app
	dir string
	repo.InitOptions
}

func newInitCmd(a *app) *cobra.Command {
	o := &initOptions{app: a, dir: "."}
	c := &cobra.Command{
		Use:   "init [directory]",
		Short: "Make a repository in a git repository",
		Long: `Makes a directory .mlops with the settings of the repository, which belong into
git, and room for data, which git ignores. What is there already is kept, so the
command may be repeated.`,
		Example: "  mlops init\n  mlops init project\n  mlops init --no-git",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				o.dir = args[0]
			}
			return runInit(ctx, o)
		}),
	}
	c.Flags().BoolVar(&o.NoGit, "no-git", false, "do without git")
	return c
}

func runInit(ctx context.Context, o *initOptions) error {
	res, err := repo.Init(ctx, o.dir, o.InitOptions)
	if err != nil {
		return err
	}
	err = o.app.io.Result(res, func(w io.Writer) error {
		text := "made a repository in " + res.Root
		if !res.Created {
			text = res.Root + " is a repository already"
		}
		_, err := fmt.Fprintln(w, text)
		return err
	})
	if err == nil && res.Git && len(res.Files) > 0 {
		o.app.io.Hint("git add %s", strings.Join(res.Files, " "))
	}
	return err
}
