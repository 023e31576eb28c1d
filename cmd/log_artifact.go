package cmd

import (
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type logArtifactOptions struct {
	logTarget

	model bool
}

func newLogArtifactCmd(a *app) *cobra.Command {
	o := &logArtifactOptions{logTarget: logTarget{app: a}}
	c := &cobra.Command{
		Use:     "artifact PATH...",
		Short:   "Keep files or directories with the run",
		Long:    "Keep files or directories of the repository with the run. They go to the store by\ntheir content: what is there already costs nothing.",
		Example: "  mlops log artifact plots/confusion.png\n  mlops log artifact model.pkl --model",
		Args:    cobra.MinimumNArgs(1),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runLogArtifact(ctx, o, args) }),
	}
	c.Flags().BoolVar(&o.model, "model", false, "they are models")
	o.flags(c)
	return c
}

func runLogArtifact(ctx context.Context, o *logArtifactOptions, args []string) error {
	repo, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	paths := make([]string, len(args))
	for i, arg := range args {
		if paths[i], err = repo.Rel(".", arg); err != nil {
			return err
		}
	}
	saved, err := workspace.New(repo, o.app.io.Progress()).Save(ctx, paths)
	if err != nil {
		return err
	}
	role := track.Artifact
	if o.model {
		role = track.Model
	}
	var b track.Batch
	for _, path := range slices.Sorted(maps.Keys(saved)) {
		object := saved[path]
		kind := "file"
		if object.Kind == tree.Dir {
			kind = "dir"
		}
		b.Assets = append(b.Assets, track.Asset{Path: path, Role: role, Kind: kind, ID: object.ID, Size: object.Size, Files: object.Files})
	}
	return o.log(ctx, b)
}
