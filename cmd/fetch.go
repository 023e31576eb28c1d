package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

func newFetchCmd(a *app) *cobra.Command {
	o := &transferOptions{app: a}
	c := &cobra.Command{
		Use:   "fetch [path]...",
		Short: "Bring data and runs of a remote to this machine, without touching files",
		Long: `Brings into the store of this machine what pointers and locks name and is not here
yet, and the runs of others; with --artifacts also what runs made. Files of the workspace stay as they are: 'mlops
checkout' writes them, and 'mlops pull' does both. With paths, only those; a path
may lie inside a tracked directory. Every object is verified before it is kept;
one that was interrupted goes on where it stopped when you type it again.`,
		Example: "  mlops fetch\n  mlops fetch data/train/0001.png\n  mlops fetch --all\n  mlops fetch --artifacts",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			s, name, err := o.fetch(ctx, args)
			if err != nil {
				return err
			}
			return o.report(s, "fetched from "+name+":", "would fetch from "+name+":", "everything is here already")
		}),
	}
	o.flags(c)
	o.artifactsFlag(c)
	c.Flags().BoolVar(&o.all, "all", false, "what any git branch, tag or stash names, too")
	return c
}

func (o *transferOptions) artifactsFlag(c *cobra.Command) {
	c.Flags().BoolVar(&o.artifacts, "artifacts", false, "what runs made and logged, too")
}

// fetch brings objects, and without paths runs, into the store.
func (o *transferOptions) fetch(ctx context.Context, paths []string) (s transfer.Summary, name string, err error) {
	t, name, err := o.app.transfer(ctx, o.remote, o.jobs)
	if err != nil {
		return s, "", err
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return s, "", err
	}
	chosen, err := o.choose(ctx, r, paths)
	if err != nil {
		return s, "", err
	}
	req := transfer.FetchRequest{Selection: chosen, DryRun: o.dryRun, Artifacts: o.artifacts}
	if len(paths) == 0 || o.artifacts {
		if req.Runs, err = o.app.tracking(ctx); err != nil {
			return s, "", err
		}
		if req.Stages, err = o.app.stageCache(ctx); err != nil {
			return s, "", err
		}
		models, err := o.app.registry(ctx)
		if err != nil {
			return s, "", err
		}
		req.Models = models
		defer func() { o.app.tellWaiting(ctx, models) }()
	}
	s, err = t.Fetch(ctx, req)
	o.moved(ctx, track.RemoteFetched, name, s)
	return s, name, err
}
