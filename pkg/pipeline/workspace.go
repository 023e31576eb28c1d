package pipeline

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// WorkspaceData is Data over a workspace. Keep, Writable and Remove are the workspace's
// own.
type WorkspaceData struct{ *workspace.Workspace }

// Hash returns what stands at paths now.
func (d WorkspaceData) Hash(ctx context.Context, paths []string) (map[string]stagefile.Asset, error) {
	if len(paths) == 0 {
		return map[string]stagefile.Asset{}, nil
	}
	found, err := d.Workspace.Hash(ctx, paths)
	return assets(found), err
}

// HashWith returns the directory dir as it would be with assets below it in place.
func (d WorkspaceData) HashWith(ctx context.Context, dir string, with []stagefile.Asset) (stagefile.Asset, error) {
	o, err := d.Workspace.HashWith(ctx, dir, objects(with))
	return asset(o), err
}

// Save stores what stands at paths, durably.
func (d WorkspaceData) Save(ctx context.Context, paths []string) (map[string]stagefile.Asset, error) {
	if len(paths) == 0 {
		return map[string]stagefile.Asset{}, nil
	}
	found, err := d.Workspace.Save(ctx, paths)
	return assets(found), err
}

func assets(found map[string]repo.Object) map[string]stagefile.Asset {
	out := make(map[string]stagefile.Asset, len(found))
	for p, o := range found {
		out[p] = asset(o)
	}
	return out
}

// Restore puts assets in place, over whatever stands there.
func (d WorkspaceData) Restore(ctx context.Context, list []stagefile.Asset) error {
	_, err := d.Workspace.Restore(ctx, objects(list), workspace.RestoreOptions{Force: true})
	return err
}

func objects(list []stagefile.Asset) []repo.Object {
	out := make([]repo.Object, len(list))
	for i, a := range list {
		out[i] = repo.FromAsset(a)
	}
	return out
}

// Absent returns those of list whose bytes are not all in the store.
func (d WorkspaceData) Absent(ctx context.Context, list []stagefile.Asset) ([]stagefile.Asset, error) {
	if len(list) == 0 {
		return nil, nil
	}
	found, err := d.Workspace.Absent(ctx, objects(list))
	out := make([]stagefile.Asset, len(found))
	for i, o := range found {
		out[i] = asset(o)
	}
	return out, err
}
