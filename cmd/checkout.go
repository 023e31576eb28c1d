package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// shown is a path as a terminal may see it.
func shown(p repo.Text) string { return workspace.ShowPath(string(p)) }

type checkoutOptions struct {
	app *app
	workspace.CheckoutRequest
}

func newCheckoutCmd(a *app) *cobra.Command {
	o := &checkoutOptions{app: a}
	c := &cobra.Command{
		Use:   "checkout [revision] [path]...",
		Short: "Restore tracked data",
		Long: `Makes tracked files and directories what pointers and locks say, or what those of
a git revision say. Typical after 'git checkout' or 'git pull'.

Changes that are not saved are never lost: the command stops and lists them,
unless --force throws them away. A first word that names a path is taken as a
path; put -- before paths that are named like a revision.`,
		Example: "  mlops checkout\n  mlops checkout data/train\n  mlops checkout v1.0 data/train\n  mlops checkout -- main",
		Args:    cobra.ArbitraryArgs,
	}
	c.RunE = a.run(func(ctx context.Context, args []string) error {
		return runCheckout(ctx, o, args, c.ArgsLenAtDash() == 0)
	})
	c.Flags().BoolVarP(&o.Force, "force", "f", false, "overwrite and remove what is not saved")
	return c
}

func runCheckout(ctx context.Context, o *checkoutOptions, args []string, onlyPaths bool) error {
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	var unknown error
	o.Dir, o.Paths = ".", args
	if !onlyPaths {
		var revs []string
		if revs, o.Paths, unknown, err = o.app.revisions(ctx, args, 1); err != nil {
			return err
		}
		if len(revs) > 0 {
			o.Rev = revs[0]
		}
	}
	res, err := w.Checkout(ctx, o.CheckoutRequest)
	if err != nil && !errs.Is(err, errs.Partial) {
		return neither(err, unknown, o.Paths)
	}
	if rerr := o.app.io.Result(res, func(out io.Writer) error { return printRestored(out, res, err != nil) }); rerr != nil {
		return rerr
	}
	return err
}

func printRestored(w io.Writer, res workspace.RestoreResult, failed bool) error {
	if !failed && res.Written+res.Removed == 0 && len(res.Changed) == 0 {
		_, err := fmt.Fprintln(w, "everything is as it should be")
		return err
	}
	text := fmt.Sprintf("restored %s, %s", term.Plural(res.Written, "file"), term.Bytes(res.Bytes))
	if res.Removed > 0 {
		text += fmt.Sprintf("; removed %s", term.Plural(res.Removed, "file"))
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// revisions takes up to limit git revisions off the front of args. What is
// tracked, or is there, is a path; unknown is what git says of the first word
// that is neither.
func (a *app) revisions(ctx context.Context, args []string, limit int) (revs, paths []string, unknown, err error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	paths = args
	for len(paths) > 0 && len(revs) < limit {
		if a.isPath(r, paths[0]) {
			break
		}
		if _, err := r.Commit(ctx, paths[0]); errs.Is(err, errs.NotFound) {
			unknown = err // a path that is gone, or a mistake: the use case says which
			break
		} else if err != nil {
			return nil, nil, nil, err
		}
		revs, paths = append(revs, paths[0]), paths[1:]
	}
	return revs, paths, unknown, nil
}

// neither joins the error of a use case, that the first of paths is not tracked,
// with that of git, that it is no revision.
func neither(err, unknown error, paths []string) error {
	if unknown == nil || len(paths) == 0 || !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "is not tracked") {
		return err
	}
	e := errs.New(errs.NotFound, "%s is not tracked, and no revision of git", workspace.ShowPath(paths[0]))
	for _, h := range append(errs.Hints(unknown), errs.Hints(err)...) {
		if !strings.HasPrefix(h, "track it:") { // there is nothing of that name
			e.Hint("%s", h)
		}
	}
	return e
}

// isPath reports whether a word names something in the workspace, or the
// pointer of something.
func (a *app) isPath(r *repo.Repo, word string) bool {
	p, err := r.Rel(".", word)
	if err != nil {
		return true // outside of the repository: no revision either
	}
	for _, name := range []string{p, repo.PointerPath(p)} {
		if _, err := os.Lstat(r.Path(name)); err == nil {
			return true
		}
	}
	return false
}
