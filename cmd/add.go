package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type addOptions struct {
	app *app
	workspace.AddRequest
}

func newAddCmd(a *app) *cobra.Command {
	o := &addOptions{app: a}
	return &cobra.Command{
		Use:        "add <path>...",
		SuggestFor: []string{"commit"},
		Short:      "Track files and directories",
		Long: `Stores files and directories, writes a pointer file PATH.mlops beside each, which
belongs into git, and makes git ignore the data itself. Type it again after a
change: only what changed is read and stored.

A path inside a tracked directory updates that directory, of which nothing else
needs to be there; a path that was deleted is taken out of it. Patterns such as
'data/**/*.csv' track each file that matches.`,
		Example: "  mlops add data/train.csv\n  mlops add data/images models\n  mlops add 'data/**/*.parquet'",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Dir, o.Paths = ".", args
			return runAdd(ctx, o)
		}),
	}
}

func runAdd(ctx context.Context, o *addOptions) error {
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	res, err := w.Add(ctx, o.AddRequest)
	if err != nil && (!errs.Is(err, errs.Partial) || len(res.Added) == 0) {
		return err
	}
	for _, x := range res.Added {
		if x.Changed {
			o.app.emit(ctx, track.DataAdded, string(x.Path), map[string]any{"id": x.ID, "size": x.Size, "files": x.Files})
		}
	}
	if rerr := o.app.io.Result(res, func(out io.Writer) error { return printAdded(out, res) }); rerr != nil {
		return rerr
	}
	if r, rerr := o.app.repo(ctx); rerr == nil && r.Git().Exists() {
		o.app.hintGit(r, res.Added)
	}
	return err
}

// hintGit says what to give to git, when that is short enough to be typed.
func (a *app) hintGit(r *repo.Repo, added []workspace.Added) {
	var files []string
	for _, x := range added {
		if !x.Changed {
			continue
		}
		pointer := string(x.Pointer)
		for _, f := range []string{pointer, path.Join(path.Dir(pointer), ".gitignore")} {
			if !slices.Contains(files, f) {
				files = append(files, f)
			}
		}
	}
	if n := len(files); n > 0 && n <= 6 {
		a.io.Hint("git %sadd %s", toRoot(r.Root), workspace.Quote(files))
	}
}

// toRoot is the -C with which commands take paths relative to root, "" where
// one stands there.
func toRoot(root string) string {
	wd, err := os.Getwd()
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	if real, err := filepath.EvalSymlinks(wd); err == nil {
		wd = real
	}
	rel, err := filepath.Rel(wd, root)
	if err != nil || rel == "." {
		return ""
	}
	return "-C " + workspace.Quote([]string{rel}) + " "
}

func printAdded(w io.Writer, res workspace.AddResult) error {
	for _, a := range res.Added {
		what := term.Bytes(a.Size)
		if a.Kind == "dir" {
			what = term.Plural(a.Files, "file") + ", " + what
		}
		verb := "added"
		if !a.Changed {
			verb = "unchanged"
		}
		if _, err := fmt.Fprintf(w, "%s %s (%s)\n", verb, shown(a.Path), what); err != nil {
			return err
		}
	}
	return nil
}
