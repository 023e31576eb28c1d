package migrate

import (
	"context"
	"fmt"
	"io/fs"
	"path"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// past is what other commits declare and what ran there.
type past struct {
	stages []*stagefile.Stage
	runs   []entry // of locks
}

// history brings the data of other commits into the store, from DVC's cache, and
// makes their sums and stages known.
func (m *Importer) history(ctx context.Context, q ImportRequest) error {
	if !q.AllBranches && !q.AllTags {
		return nil
	}
	commits, err := m.repo.NamedCommits(ctx, repo.RefQuery{Branches: q.AllBranches, Tags: q.AllTags})
	if err != nil {
		return err
	}
	c := commitReader{git: m.repo.Git(), texts: map[string][]byte{}}
	seen := map[string]bool{}
	var wants []want
	for _, commit := range commits {
		m.res.Commits++
		if c.files, err = c.git.Files(ctx, commit.Commit); err != nil {
			return err
		}
		for name, blob := range c.files {
			base := path.Base(name)
			if base == stagefile.DVCFileName {
				m.declared(ctx, &c, name)
				continue
			}
			if base != dvc.LockName && !dvc.IsPointer(base) || seen[blob] {
				continue
			}
			seen[blob] = true
			text, err := c.read(ctx, name)
			if err != nil {
				return err
			}
			some, err := wantsOf(m.reader, repo.ForeignFile{Path: name, Text: text})
			if err != nil {
				m.problem(err)
				continue
			}
			wants = append(wants, some...)
		}
	}
	for i := range wants {
		wants[i].path = ""
	}
	lacking, err := m.lacking(ctx, wants)
	if err != nil {
		return err
	}
	return m.bringSums(ctx, lacking)
}

// declared notes the stages of a pipeline file of another commit, and what their
// lock says. A file that cannot be read has none, as in the workspace.
func (m *Importer) declared(ctx context.Context, c *commitReader, name string) {
	file, err := stagefile.Load(func(p string) ([]byte, error) { return c.read(ctx, p) }, name)
	if err != nil {
		return
	}
	lock := &dvc.Lock{}
	lockName := path.Join(path.Dir(name), dvc.LockName)
	if text, err := c.read(ctx, lockName); err == nil {
		if lock, err = dvc.ParseLock(lockName, text); err != nil {
			return
		}
	}
	for i := range file.Stages {
		s := &file.Stages[i]
		m.past.stages = append(m.past.stages, s)
		if ran, ok := lock.Stage(s.Name); ok {
			m.past.runs = append(m.past.runs, entry{s, ran})
		}
	}
}

// commitReader reads the files of one commit after the other, each content once.
type commitReader struct {
	git   repo.Git
	files map[string]string // path to blob
	texts map[string][]byte // blob to content
}

func (c *commitReader) read(ctx context.Context, name string) ([]byte, error) {
	blob, ok := c.files[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	text, had := c.texts[blob]
	if had {
		return text, nil
	}
	text, err := c.git.Blob(ctx, blob)
	if err == nil {
		c.texts[blob] = text
	}
	return text, err
}

// wantsOf is what a file of another commit names.
func wantsOf(r *Reader, f repo.ForeignFile) ([]want, error) {
	if path.Base(f.Path) == dvc.LockName {
		return r.lockOuts(f, false)
	}
	return pointerWants(f)
}
