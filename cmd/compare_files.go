package cmd

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// revisions is a repository as package compare reads it.
type revisions struct{ *repo.Repo }

// Open opens the files at a commit, or of the workspace for "".
func (r revisions) Open(ctx context.Context, commit string) (compare.Files, error) {
	s, err := r.Snapshot(ctx, commit)
	if err != nil {
		return nil, err
	}
	return files{s}, nil
}

type files struct{ *repo.Snapshot }

// Data is what is tracked: path to id.
func (f files) Data(ctx context.Context) (map[string]string, error) {
	tracked, err := f.Tracked(ctx)
	if err != nil {
		return nil, err
	}
	data := make(map[string]string, len(tracked))
	for _, t := range tracked {
		data[t.Path] = t.ID.String()
	}
	return data, nil
}

// tellProblems says on stderr what could not be read.
func (a *app) tellProblems(problems []compare.Problem) {
	for _, p := range problems {
		a.io.Warn("%s", p)
	}
}
