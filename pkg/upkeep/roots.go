package upkeep

import (
	"context"
	"fmt"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Root is an object that something names.
type Root struct {
	By   string // who names it: a pointer file, a revision and path, a run
	Path string // where it belongs, for people
	Kind tree.Kind
	ID   oid.ID
	// Kept is false for a root whose bytes need not be here: git keeps them.
	Kept bool
	// Only is true for a root that no remote has: that it is missing is a fault.
	Only bool
}

// Source lists further roots, such as those of runs.
type Source interface {
	Roots(ctx context.Context, fn func(Root) error) error
}

// Upkeep works on one repository.
type Upkeep struct {
	repo    *repo.Repo
	sources []Source
}

// New returns the upkeep of r. The sources name roots beyond pointers and locks.
func New(r *repo.Repo, sources ...Source) *Upkeep {
	return &Upkeep{repo: r, sources: sources}
}

// workspaceRoots calls fn for what the workspace and git's index name.
func (u *Upkeep) workspaceRoots(ctx context.Context, fn func(Root) error) error {
	tracked, err := u.repo.Tracked(ctx)
	if err != nil {
		return err
	}
	if err := each(tracked, "", fn); err != nil {
		return err
	}
	if !u.repo.Git().Exists() {
		return nil
	}
	tracked, err = u.repo.TrackedStaged(ctx)
	if err != nil {
		return err
	}
	return each(tracked, "git's index", fn)
}

// allRoots calls fn for every root there is.
func (u *Upkeep) allRoots(ctx context.Context, fn func(Root) error) error {
	if err := u.workspaceRoots(ctx, fn); err != nil {
		return err
	}
	for _, s := range u.sources {
		if err := s.Roots(ctx, fn); err != nil {
			return err
		}
	}
	if !u.repo.Git().Exists() {
		return nil
	}
	revs, err := u.repo.GitRefs(ctx)
	if err != nil {
		return err
	}
	for _, rev := range revs {
		tracked, err := u.repo.TrackedAt(ctx, rev)
		if err != nil {
			return fmt.Errorf("revision %s: %w", rev, err)
		}
		if err := each(tracked, "commit "+rev[:min(len(rev), 12)], fn); err != nil {
			return err
		}
	}
	return nil
}

func each(tracked []repo.Tracked, in string, fn func(Root) error) error {
	for _, t := range tracked {
		by := t.Source
		if in != "" {
			by = in
		}
		if err := fn(Root{By: by, Path: t.Path, Kind: t.Kind, ID: t.ID, Kept: t.Cached && !t.Foreign}); err != nil {
			return err
		}
	}
	return nil
}
