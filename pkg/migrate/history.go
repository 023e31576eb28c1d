package migrate

import (
	"context"
	"path"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// history brings the data of other commits into the store, from DVC's cache, and
// makes their sums known.
func (m *Importer) history(ctx context.Context, q ImportRequest) error {
	if !q.AllBranches && !q.AllTags {
		return nil
	}
	commits, err := m.repo.NamedCommits(ctx, repo.RefQuery{Branches: q.AllBranches, Tags: q.AllTags})
	if err != nil {
		return err
	}
	git := m.repo.Git()
	seen := map[string]bool{}
	var wants []want
	for _, c := range commits {
		m.res.Commits++
		files, err := git.Files(ctx, c.Commit)
		if err != nil {
			return err
		}
		for name, blob := range files {
			base := path.Base(name)
			if base != dvc.LockName && !dvc.IsPointer(base) || seen[blob] {
				continue
			}
			seen[blob] = true
			text, err := git.Blob(ctx, blob)
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

// wantsOf is what a file of another commit names.
func wantsOf(r *Reader, f repo.ForeignFile) ([]want, error) {
	if path.Base(f.Path) == dvc.LockName {
		return r.lockOuts(f, false)
	}
	return pointerWants(f)
}
