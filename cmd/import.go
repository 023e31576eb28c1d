package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type importOptions struct {
	getOptions
	force bool
}

func newImportCmd(a *app) *cobra.Command {
	o := &importOptions{getOptions: getOptions{app: a}}
	c := &cobra.Command{
		Use:   "import <repository> <path>",
		Short: "Track data of another repository, or take a DVC repository over",
		Long: `Brings a file or directory of another repository here and tracks it: its pointer
says where it is from, and 'mlops update' moves it on. The repository is a URL that
git understands, or a directory; mlops, DVC or git itself may have the data there.
Only what the path needs is fetched.

'mlops import dvc' is something else: it takes the DVC repository here over.`,
		Example: "  mlops import https://github.com/org/data images/train\n  mlops import ../models best.pt --rev v1.2 -o models/best.pt\n  mlops import dvc",
		Args:    cobra.ExactArgs(2),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runImport(ctx, o, args[0], args[1]) }),
	}
	f := c.Flags()
	f.StringVar(&o.rev, "rev", "", "branch or tag that is followed, or a commit; else the default branch")
	f.StringVarP(&o.out, "output", "o", "", "name of the data here, instead of the last part of the path")
	f.IntVarP(&o.jobs, "jobs", "j", 0, "requests in flight")
	f.BoolVarP(&o.force, "force", "f", false, "overwrite what is not saved")
	c.AddCommand(newImportDVCCmd(a), newImportMLflowCmd(a))
	return c
}

func isDirectory(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}

func runImport(ctx context.Context, o *importOptions, url, p string) error {
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	to, err := r.Rel(".", target(o.out, p))
	if err != nil {
		return err
	}
	if isDirectory(url) { // its pointer is in git: a path that holds for others, too
		if url, err = storedPath(r, url); err != nil {
			return err
		}
	}
	got, err := o.take(ctx, r, migrate.TakeRequest{Source: migrate.Source{Repo: url, Path: p, Rev: o.rev}, To: to, Force: o.force})
	if err != nil {
		return err
	}
	err = o.app.io.Result(got, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "imported %s at %s, %s, %s\n", got.Path, short(got.Source.Commit), term.Plural(got.Files, "file"), term.Bytes(got.Size))
		return err
	})
	if err == nil {
		o.app.io.Hint("git %sadd %s", toRoot(r.Root), workspace.Quote([]string{string(got.Pointer)}))
	}
	return err
}

// storedPath is the path of a directory relative to the root of a repository.
func storedPath(r *repo.Repo, dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(r.Root, abs)
	if err != nil {
		return abs, nil //nolint:nilerr // another drive
	}
	return filepath.ToSlash(rel), nil
}

func short(commit string) string { return commit[:min(len(commit), 8)] }

func (o *importOptions) take(ctx context.Context, r *repo.Repo, q migrate.TakeRequest) (migrate.Taken, error) {
	return migrate.Taker{Repo: r, Connect: o.app.connector(o.jobs), Report: o.app.io.Progress()}.Take(ctx, q)
}
