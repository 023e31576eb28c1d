package cmd

import (
	"context"
	"slices"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

// revisions is a repository as package compare reads it.
type revisions struct {
	*repo.Repo
	pulled *transfer.Transfer // brings files that are not on this machine; nil: they are missing
}

// readRevisions may ask the default remote for files, with pull.
func (a *app) readRevisions(ctx context.Context, r *repo.Repo, pull bool) (revs revisions, err error) {
	revs.Repo = r
	if pull {
		revs.pulled, _, err = a.transfer(ctx, "", 0)
	}
	return revs, err
}

// Open opens the files at a commit, or of the workspace for "".
func (r revisions) Open(ctx context.Context, commit string) (compare.Files, error) {
	s, err := r.Snapshot(ctx, commit)
	if err != nil {
		return nil, err
	}
	if r.pulled != nil {
		s.Fetch = r.fetch
	}
	return files{s}, nil
}

// fetch brings an object into the store, or what is below it.
func (r revisions) fetch(ctx context.Context, o repo.Object, below string) error {
	s := transfer.Selection{Objects: []repo.Object{o}}
	if below != "" {
		s = transfer.Selection{Parts: []transfer.PartOf{{Dir: o, Path: below}}}
	}
	_, err := r.pulled.Fetch(ctx, transfer.FetchRequest{Selection: s})
	return err
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

// pullUsage is of the flag --pull of commands that compare files.
const pullUsage = "fetch files that are not on this machine from the default remote"

// tellProblems says on stderr what could not be read.
func (a *app) tellProblems(problems []compare.Problem, pulled bool) {
	for _, p := range problems {
		a.io.Warn("%s", p)
	}
	switch {
	case !slices.ContainsFunc(problems, compare.Problem.Elsewhere):
	case pulled:
		a.io.Hint("type 'mlops push' where the data is")
	default:
		a.io.Hint("--pull fetches what is not in the store")
	}
}
