package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type pullOptions struct {
	transferOptions
	force bool
}

func newPullCmd(a *app) *cobra.Command {
	o := &pullOptions{transferOptions: transferOptions{app: a}}
	c := &cobra.Command{
		Use:   "pull [path]...",
		Short: "Bring data and runs of a remote to this machine, and restore the files",
		Long: `Fetches what pointers and locks name and is not here yet, and the runs of others,
then makes the files of the workspace what pointers and locks say. What runs made
comes with --artifacts. With paths, only those; a path may lie inside a tracked directory. Changes that are not saved
are never overwritten without --force.`,
		Example: "  mlops pull\n  mlops pull data/train\n  mlops pull --remote backup --jobs 8",
		Args:    cobra.ArbitraryArgs,
		RunE:    a.run(func(ctx context.Context, args []string) error { return runPull(ctx, o, args) }),
	}
	o.flags(c)
	o.artifactsFlag(c)
	c.Flags().BoolVarP(&o.force, "force", "f", false, "overwrite and remove what is not saved")
	return c
}

func runPull(ctx context.Context, o *pullOptions, paths []string) error {
	done, missing := o.pullForeign(ctx, paths)
	if done || missing != nil && !errs.Is(missing, errs.NotFound) {
		return missing
	}
	if r, err := o.app.repo(ctx); missing != nil && (err != nil || len(r.Config.Remotes) == 0) {
		return errors.Join(missing, err)
	}
	s, name, err := o.fetch(ctx, paths)
	if (missing != nil && err == nil || errs.Is(err, errs.NotFound) && s.Requests > 0) && !o.dryRun {
		// What is there is restored, what is not is the error.
		res, rerr := o.restore(ctx, paths, true)
		if rerr == nil {
			rerr = o.restored(res)
		}
		if missing != nil && err == nil && rerr == nil {
			rerr = o.report(s, "fetched from "+name+":", "would fetch from "+name+":", "nothing new in "+name)
		}
		return errors.Join(missing, err, rerr)
	}
	if err = errors.Join(missing, err); err != nil {
		return err
	}
	if !o.dryRun {
		res, err := o.restore(ctx, paths, false)
		if err != nil {
			return err
		}
		if err := o.restored(res); err != nil {
			return err
		}
	}
	return o.report(s, "fetched from "+name+":", "would fetch from "+name+":", "nothing new in "+name)
}

// restore makes the files what the pointers and locks say; only those whose
// objects are all here when some are known to be missing.
func (o *pullOptions) restore(ctx context.Context, paths []string, some bool) (res workspace.RestoreResult, err error) {
	r, err := o.app.repo(ctx)
	if err != nil {
		return res, err
	}
	chosen, err := o.choose(ctx, r, paths)
	if err != nil {
		return res, err
	}
	st, err := r.Store(ctx)
	if err != nil {
		return res, err
	}
	w, err := o.app.workspace(ctx)
	if err != nil {
		return res, err
	}
	if some {
		absent, err := w.Absent(ctx, chosen.Objects)
		if err != nil {
			return res, err
		}
		chosen.Objects = slices.DeleteFunc(chosen.Objects, func(o repo.Object) bool { return slices.Contains(absent, o) })
		chosen.Parts = nil
	}
	objects, err := chosen.Resolve(ctx, st)
	if err != nil {
		return res, err
	}
	return w.Restore(ctx, objects, workspace.RestoreOptions{Force: o.force})
}

func (o *pullOptions) restored(res workspace.RestoreResult) error {
	if o.app.io.JSON {
		return o.app.io.JSONLine(struct {
			Type string `json:"type"`
			workspace.RestoreResult
		}{"checkout", res})
	}
	if res.Written+res.Removed == 0 {
		return nil
	}
	text := "wrote " + term.Plural(res.Written, "file")
	if res.Removed > 0 {
		text += ", removed " + term.Count(res.Removed)
	}
	_, err := fmt.Fprintln(o.app.io.Out, text)
	return err
}
