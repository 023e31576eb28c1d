package repo

import (
	"context"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// NamedCommit is a commit with the branches and tags that name it.
type NamedCommit struct {
	Commit string
	Names  []string
}

// RefQuery chooses what NamedCommits lists.
type RefQuery struct{ Branches, Tags, Commits bool }

// NamedCommits lists the commits that branches and tags name, each once, or all
// commits that refs reach, which are named by their ids.
func (r *Repo) NamedCommits(ctx context.Context, q RefQuery) ([]NamedCommit, error) {
	if !r.git.Exists() {
		return nil, errs.New(errs.NotFound, "%w", errNoGit).Hint("git init")
	}
	var found []NamedCommit
	at := map[string]int{}
	add := func(commit, name string) {
		i, ok := at[commit]
		if !ok {
			i = len(found)
			at[commit] = i
			found = append(found, NamedCommit{Commit: commit})
		}
		found[i].Names = append(found[i].Names, name)
	}
	if q.Commits {
		out, err := r.git.run(ctx, "rev-list", "--all")
		for id := range strings.FieldsSeq(out) {
			add(id, id)
		}
		return found, err
	}
	for _, kind := range []struct {
		wanted bool
		prefix string
	}{{q.Branches, "refs/heads/"}, {q.Tags, "refs/tags/"}} {
		if !kind.wanted {
			continue
		}
		out, err := r.git.run(ctx, "for-each-ref", "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)", kind.prefix)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			f := strings.Fields(line)
			for i := 1; i+1 < len(f); i += 2 {
				if f[i] == "commit" {
					add(f[i+1], strings.TrimPrefix(f[0], kind.prefix))
				}
			}
		}
	}
	return found, nil
}
