package isolate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// Snapshot is the workspace at one moment, in the store.
type Snapshot struct {
	Code tree.Entry    `json:"code"` // a directory
	Data []repo.Object `json:"data"` // by path
}

// Assets are what a run must name, so that gc keeps the snapshot.
func (s Snapshot) Assets() []track.Asset {
	all := []track.Asset{{Path: track.CodeTree, Role: track.Artifact, Kind: tree.Dir.String(), ID: s.Code.ID, Size: s.Code.Size, Files: s.Code.Files}}
	for _, o := range s.Data {
		all = append(all, track.Asset{Path: o.Path, Role: track.Input, Kind: o.Kind.String(), ID: o.ID, Size: o.Size, Files: o.Files})
	}
	return all
}

// Take stores the workspace of r as it is now, and what stands at also: paths
// that a run needs though git ignores them. It reads only what the stat cache
// does not know.
func Take(ctx context.Context, r *repo.Repo, w *workspace.Workspace, also []string) (Snapshot, error) {
	tracked, err := r.Tracked(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	var s Snapshot
	if s.Code, err = takeCode(ctx, r, w, tracked); err != nil {
		return s, fmt.Errorf("take a snapshot of the workspace: %w", err)
	}
	if s.Data, err = takeData(ctx, r, w, tracked, also); err != nil {
		return s, fmt.Errorf("take a snapshot of the workspace: %w", err)
	}
	return s, nil
}

// takeData stores the data that pointers name where it stands on disk. Data
// that is absent is what its pointer says, if the store has it.
func takeData(ctx context.Context, r *repo.Repo, w *workspace.Workspace, tracked []repo.Tracked, also []string) ([]repo.Object, error) {
	var there []string
	var absent []repo.Object
	for _, t := range tracked {
		if t.Stage != "" {
			continue
		}
		if _, err := os.Lstat(r.Path(t.Path)); errors.Is(err, fs.ErrNotExist) {
			absent = append(absent, t.Object)
			continue
		}
		there = append(there, t.Path)
	}
	for _, p := range also {
		if _, err := os.Lstat(r.Path(p)); err == nil {
			there = append(there, p)
		}
	}
	there = outermost(there)
	var data []repo.Object
	if len(there) > 0 {
		saved, err := w.Save(ctx, there)
		if err != nil {
			return nil, err
		}
		for _, p := range there {
			data = append(data, saved[p])
		}
	}
	if len(absent) > 0 {
		missing, err := w.Absent(ctx, absent)
		if err != nil {
			return nil, err
		}
		for _, o := range absent {
			if !slices.ContainsFunc(missing, func(m repo.Object) bool { return m.Path == o.Path }) {
				data = append(data, o)
			}
		}
	}
	slices.SortFunc(data, func(a, b repo.Object) int { return strings.Compare(a.Path, b.Path) })
	return data, nil
}

// outermost drops paths that are inside others.
func outermost(paths []string) []string {
	all := map[string]bool{}
	for _, p := range paths {
		all[p] = true
	}
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(p string) bool { return isBelow(path.Dir(p), all) })
}

// takeCode stores the files that are no data.
func takeCode(ctx context.Context, r *repo.Repo, w *workspace.Workspace, tracked []repo.Tracked) (tree.Entry, error) {
	skip := map[string]bool{}
	for _, t := range tracked {
		if t.Cached {
			skip[t.Path] = true
		}
	}
	names, err := codeFiles(ctx, r, skip)
	if err != nil {
		return tree.Entry{}, err
	}
	edits := map[string]*tree.Entry{}
	links := map[string]string{}
	var files []string
	for _, name := range names {
		info, err := os.Lstat(r.Path(name))
		switch {
		case errors.Is(err, fs.ErrNotExist): // git tracks it, the user removed it
		case err != nil:
			return tree.Entry{}, err
		case info.Mode()&fs.ModeSymlink != 0:
			text, err := os.Readlink(r.Path(name))
			if err != nil {
				return tree.Entry{}, err
			}
			links[name] = text
		case info.Mode().IsRegular():
			files = append(files, name)
		}
	}
	var saved map[string]repo.Object
	if len(files) > 0 {
		if saved, err = w.Save(ctx, files); err != nil {
			return tree.Entry{}, err
		}
	}
	for _, name := range files {
		o := saved[name]
		edits[name] = &tree.Entry{Kind: o.Kind, Exec: o.Exec, Size: o.Size, Files: 1, ID: o.ID}
	}
	st, err := r.Store(ctx)
	if err != nil {
		return tree.Entry{}, err
	}
	return storeTree(ctx, st, edits, links)
}

// storeTree stores links and the nodes of a tree.
func storeTree(ctx context.Context, st *store.Store, edits map[string]*tree.Entry, links map[string]string) (root tree.Entry, err error) {
	batch, err := st.NewBatch(ctx)
	if err != nil {
		return root, err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	for name, text := range links {
		id, err := batch.PutBytes([]byte(text))
		if err != nil {
			return root, err
		}
		edits[name] = &tree.Entry{Kind: tree.Symlink, Size: int64(len(text)), Files: 1, ID: id}
	}
	if root, err = tree.Update(ctx, st, batch, oid.ID{}, edits); err != nil {
		return root, err
	}
	return root, batch.Commit()
}

// codeFiles lists the files that are copied, but those in skip.
func codeFiles(ctx context.Context, r *repo.Repo, skip map[string]bool) ([]string, error) {
	if r.Git().Exists() {
		listed, err := r.Git().Present(ctx)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, name := range listed {
			if repo.Internal(name) || isBelow(name, skip) {
				continue
			}
			info, err := os.Lstat(r.Path(name))
			if err == nil && info.IsDir() { // a submodule
				below, err := walk(ctx, r, name, skip)
				if err != nil {
					return nil, err
				}
				names = append(names, below...)
				continue
			}
			names = append(names, name)
		}
		return names, nil
	}
	return walk(ctx, r, ".", skip)
}

func isBelow(name string, dirs map[string]bool) bool {
	for at := name; at != "."; at = path.Dir(at) {
		if dirs[at] {
			return true
		}
	}
	return false
}

// walk lists the files at and below a directory that nothing excludes.
func walk(ctx context.Context, r *repo.Repo, dir string, skip map[string]bool) ([]string, error) {
	match := ignore.New()
	var names []string
	err := filepath.WalkDir(r.Path(dir), func(full string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		rel, err := filepath.Rel(r.Root, full)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if name != "." && (repo.Internal(name) || skip[name] || match.Match(name, d.IsDir())) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.IsDir() {
			names = append(names, name)
			return nil
		}
		text, err := os.ReadFile(filepath.Join(full, repo.IgnoreFile))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		match.Add(name, text)
		return err
	})
	if err != nil {
		return nil, errs.New(errs.KindOf(err), "look for files: %w", err)
	}
	return names, nil
}
