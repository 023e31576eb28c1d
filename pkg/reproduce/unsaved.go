package reproduce

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

func refuse(unsaved []string) error {
	if len(unsaved) == 0 {
		return nil
	}
	return errs.New(errs.Conflict, "these files have changes that are not saved: %s", workspace.Quote(unsaved)).
		Hint("save them: git commit or git stash; or give them up: --force")
}

// holds reports whether a file on disk, if any, has the content that git knows
// by an id. One that is not there does not.
func (p *Reproducer) holds(ctx context.Context, name, blob string) (bool, error) {
	text, err := os.ReadFile(p.repo.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	want, err := p.repo.Git().Blob(ctx, blob)
	return bytes.Equal(text, want), err
}

// leftovers are untracked files that the last applied run brought and that the
// code tree does not have.
func (p *Reproducer) leftovers(ctx context.Context, codeTree string) ([]string, error) {
	git := p.repo.Git()
	last := git.Applied(ctx)
	if last == "" {
		return nil, nil
	}
	base, err := git.Base(ctx)
	if err != nil {
		return nil, err
	}
	head, err := git.CodeChanges(ctx, base, last)
	if err != nil {
		return nil, err
	}
	gone, err := git.CodeChanges(ctx, last, codeTree)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, c := range gone {
		added := slices.ContainsFunc(head, func(h repo.CodeChange) bool { return h.Path == c.Path && h.Old == "" })
		if c.New != "" || !added {
			continue
		}
		if same, err := p.holds(ctx, c.Path, c.Old); err != nil || !same {
			if err != nil {
				return nil, err
			}
			continue
		}
		list = append(list, c.Path)
	}
	return list, nil
}

// unsaved returns those of paths whose content is neither in the commit that is
// checked out, nor kept by a run, nor what a run brought.
func (p *Reproducer) unsaved(ctx context.Context, paths []string) ([]string, error) {
	git := p.repo.Git()
	base, err := git.Base(ctx)
	if err != nil {
		return nil, err
	}
	dirty, err := p.dirty(ctx, base, paths)
	if err != nil {
		return nil, err
	}
	if dirty, err = p.unkept(ctx, dirty); err != nil || len(dirty) == 0 {
		return nil, err
	}
	if last := git.Applied(ctx); last != "" {
		if dirty, err = p.dirty(ctx, last, dirty); err != nil || len(dirty) == 0 {
			return nil, err
		}
	}
	newest, err := p.runs.Runs(ctx, track.Query{Limit: 1, Bare: true})
	if err != nil || len(newest) == 0 {
		return dirty, err
	}
	run, err := p.runs.Run(ctx, newest[0].ID)
	if err != nil {
		return nil, err
	}
	k, err := p.kept(ctx, &run)
	if err != nil {
		return dirty, nil //nolint:nilerr // then that run saves nothing
	}
	if t, err := p.tree(ctx, &run, k); err == nil {
		return p.dirty(ctx, t, dirty)
	}
	return dirty, nil
}

// dirty returns those of paths whose file is there and is not as in a tree.
func (p *Reproducer) dirty(ctx context.Context, treeish string, paths []string) ([]string, error) {
	changes, err := p.repo.Git().CodeChanges(ctx, treeish, "")
	if err != nil {
		return nil, err
	}
	byPath := make(map[string]repo.CodeChange, len(changes))
	for _, c := range changes {
		byPath[c.Path] = c
	}
	tracked, err := p.repo.Git().Tracks(ctx, paths...)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, name := range paths {
		if _, err := os.Lstat(p.repo.Path(name)); err != nil {
			continue // nothing there that could be lost
		}
		c, changed := byPath[name]
		switch {
		case changed && c.Old != "" && c.New == "":
			same, err := p.holds(ctx, name, c.Old)
			if err != nil {
				return nil, err
			}
			if !same {
				list = append(list, name)
			}
		case changed || !slices.Contains(tracked, name):
			list = append(list, name)
		}
	}
	return list, nil
}

// unkept returns those of paths whose content no run kept.
func (p *Reproducer) unkept(ctx context.Context, paths []string) ([]string, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	code, err := p.recentCode(ctx)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, name := range paths {
		text, err := os.ReadFile(p.repo.Path(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a link may lead nowhere
			return nil, err
		}
		found := false
		for _, prefix := range []string{track.ParamsPrefix, track.LockPrefix, track.OutsPrefix} {
			has, err := p.runs.HasAsset(ctx, prefix+name, oid.Sum(text))
			if err != nil {
				return nil, err
			}
			found = found || has
		}
		if link, err := os.Readlink(p.repo.Path(name)); err == nil {
			text = []byte(link)
		}
		if !found {
			if found, err = p.inCode(ctx, code, name, oid.Sum(text)); err != nil {
				return nil, err
			}
		}
		if !found {
			list = append(list, name)
		}
	}
	return list, nil
}
