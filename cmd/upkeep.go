package cmd

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/trackdb"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/upkeep"
)

// runRoots lists what runs name.
type runRoots struct {
	app     *app
	repo    *repo.Repo
	removed int64 // ms; runs removed then or before are to be forgotten, 0: none
}

// Roots calls fn for each input, output, artifact and log of every run.
func (s runRoots) Roots(ctx context.Context, fn func(upkeep.Root) error) error {
	index, err := s.repo.Index(ctx)
	if err != nil {
		return err
	}
	return trackdb.New(index, s.app.clock).Objects(ctx, s.removed, func(run, path, kind string, id oid.ID) error {
		k, err := tree.ParseKind(kind)
		if err != nil {
			k = tree.File
		}
		by := "the server's files"
		if run != "" {
			by = "run " + run[:8]
		}
		return fn(upkeep.Root{By: by, Path: path, Kind: k, ID: id})
	})
}

// stageRoots lists the outputs in the stage cache since a time.
type stageRoots struct {
	repo  *repo.Repo
	since int64 // ms
}

// Roots calls fn for each output.
func (s stageRoots) Roots(ctx context.Context, fn func(upkeep.Root) error) error {
	index, err := s.repo.Index(ctx)
	if err != nil {
		return err
	}
	return pipeline.CachedOutputs(ctx, index, s.since, func(stage string, out stagefile.Asset) error {
		k, err := tree.ParseKind(string(out.Kind))
		if err != nil {
			return err
		}
		return fn(upkeep.Root{By: "stage cache of " + stage, Path: out.Path, Kind: k, ID: out.ID})
	})
}

// modelRoots lists the files of registered models.
type modelRoots struct {
	app  *app
	repo *repo.Repo
}

// Roots calls fn for the files of each version. What a remote has may be missing:
// it is fetched when somebody asks for it.
func (s modelRoots) Roots(ctx context.Context, fn func(upkeep.Root) error) error {
	index, err := s.repo.Index(ctx)
	if err != nil {
		if errs.Is(err, errs.Corrupt) {
			return nil // fsck says so itself; gc stops at the runs
		}
		return err
	}
	st, err := s.repo.Store(ctx)
	if err != nil {
		return err
	}
	return registrydb.New(index, s.app.clock).Objects(ctx, func(ref registry.Ref, d registry.Data, only bool) error {
		k, err := tree.ParseKind(d.Kind)
		if err != nil {
			k = tree.File
		}
		return fn(upkeep.Root{By: "model " + ref.String(), Path: "models:/" + ref.String(), Kind: k, ID: d.ID, Kept: only || st.Has(d.ID), Only: only})
	})
}
