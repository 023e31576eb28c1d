package workspace

import (
	"context"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/repo"
)

// Version is a content that a tracked path had, with the commit that brought it.
type Version struct {
	repo.LogEntry
	Listed
}

// versionsPerLook is how many commits are looked at for each version that is
// wanted: many change the pointer or lock, and not this path.
const versionsPerLook = 4

// Versions lists which contents a tracked path had in the commits before HEAD,
// the newest first and at most limit; none without git. The path is relative to
// the repository.
func (w *Workspace) Versions(ctx context.Context, path string, limit int) ([]Version, error) {
	now, err := w.versionAt(ctx, "", "", path)
	if err != nil {
		return nil, err
	}
	file := repo.PointerPath(path)
	if now != nil {
		file = string(now.Source)
	}
	// An output is named by the stage that makes it; its lock says what it was.
	if pipeline, _, found := strings.Cut(file, ".yaml:"); found {
		file = pipeline + ".lock"
	}
	log, err := w.repo.Git().Log(ctx, versionsPerLook*limit, file)
	if err != nil {
		return nil, err
	}
	var all []Version
	for _, e := range log {
		was, err := w.versionAt(ctx, e.Commit, file, path)
		if err != nil {
			return nil, err
		}
		if was == nil {
			continue
		}
		if n := len(all); n > 0 && all[n-1].ID == was.ID { // the older commit brought it
			all[n-1].LogEntry = e
			continue
		}
		if len(all) == limit {
			break
		}
		all = append(all, Version{e, *was})
	}
	return all, nil
}

// versionAt is what a revision tracks at a path; nil when it does not. Where file
// is a pointer or lock it alone is read.
func (w *Workspace) versionAt(ctx context.Context, rev, file, path string) (*Listed, error) {
	if rev != "" {
		named, known, err := w.repo.NamedAt(ctx, rev, file)
		if err != nil {
			return nil, err
		}
		for _, t := range named {
			if t.Path == path {
				return &Listed{
					Path: repo.Text(path), Kind: t.Kind.String(), Exec: t.Exec, Size: t.Size, Files: t.Files, ID: t.ID,
					Target: repo.Text(path), Source: repo.Text(t.Source),
				}, nil
			}
		}
		if known {
			return nil, nil //nolint:nilnil // none is an answer
		}
	}
	var all []Listed
	err := w.List(ctx, ListRequest{Dir: w.repo.Root, Rev: rev}, func(l Listed) error {
		all = append(all, l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(l Listed) bool { return string(l.Path) == path })
	if i < 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	return &all[i], nil
}
