package repo

import (
	"context"
	"path"
	"strings"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// GitRefs are the commits that somebody may want to check out: of HEAD, all
// branches, tags and remotes' branches, and every stash, each commit once.
func (r *Repo) GitRefs(ctx context.Context) ([]string, error) {
	if !r.git.Exists() {
		return nil, nil
	}
	var commits []string
	seen := map[string]bool{}
	add := func(id string) {
		if id != "" && !seen[id] {
			seen[id] = true
			commits = append(commits, id)
		}
	}
	head, err := r.git.Head(ctx)
	if err != nil {
		return nil, err
	}
	add(head)
	out, err := r.git.run(ctx, "for-each-ref", "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname)")
	if err != nil {
		return nil, err
	}
	stash := false
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		for i := 0; i+1 < len(f); i += 2 {
			if f[i] == "commit" {
				add(f[i+1])
			}
		}
		stash = true
	}
	if !stash {
		return commits, nil
	}
	// Only the newest stash is a ref; the others are in its log.
	out, err = r.git.run(ctx, "rev-parse", "--verify", "--quiet", "refs/stash")
	if err != nil || strings.TrimSpace(out) == "" {
		return commits, nil //nolint:nilerr // no stash is the usual case and git's way to say it
	}
	out, err = r.git.run(ctx, "log", "--walk-reflogs", "--format=%H", "refs/stash")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		add(strings.TrimSpace(line))
	}
	return commits, nil
}

// TrackedStaged lists what the pointers and locks in git's index name: what
// the next commit will hold.
func (r *Repo) TrackedStaged(ctx context.Context) ([]Tracked, error) {
	if !r.git.Exists() {
		return nil, nil
	}
	out, err := r.git.run(ctx, "write-tree")
	if err != nil {
		return nil, nil //nolint:nilerr // an index in the middle of a merge has no tree; the refs hold both sides
	}
	return r.trackedInTree(ctx, strings.TrimSpace(out))
}

// Commit is the commit that rev names; errs.NotFound when it names none.
func (r *Repo) Commit(ctx context.Context, rev string) (string, error) { return r.git.Commit(ctx, rev) }

// Pipelines lists the pipeline files of a commit, or of the workspace when
// commit is "": mlops.yaml of each directory, dvc.yaml where there is none.
func (r *Repo) Pipelines(ctx context.Context, commit string) ([]string, error) {
	var names []string
	if commit == "" {
		w, err := r.findPipelines(ctx)
		if err != nil {
			return nil, err
		}
		names = w.found
	} else {
		files, err := r.git.Files(ctx, commit)
		if err != nil {
			return nil, err
		}
		for name := range files {
			names = append(names, name)
		}
	}
	return choosePipelines(names), nil
}

// Changed returns the files that git tracks and that differ between commits:
// path to git's id of the content in each, "" where the file is not there.
func (r *Repo) Changed(ctx context.Context, commits []string) (map[string][]string, error) {
	changed := map[string][]string{}
	for i, commit := range commits {
		if commit == "" {
			continue
		}
		files, err := r.git.Files(ctx, commit)
		if err != nil {
			return nil, err
		}
		for name, id := range files {
			if changed[name] == nil {
				changed[name] = make([]string, len(commits))
			}
			changed[name][i] = id
		}
	}
	for name, ids := range changed {
		same := true
		for i, id := range ids {
			same = same && (commits[i] == "" || id == firstOf(ids, commits))
		}
		if same {
			delete(changed, name)
		}
	}
	return changed, nil
}

func firstOf(ids, commits []string) string {
	for i, commit := range commits {
		if commit != "" {
			return ids[i]
		}
	}
	return ""
}

// Names are the branches and tags, for suggestions.
func (r *Repo) Names(ctx context.Context) ([]string, error) { return r.git.Names(ctx) }

// Names are the branches and tags, for suggestions.
func (g Git) Names(ctx context.Context) ([]string, error) {
	if !g.Exists() {
		return nil, nil
	}
	out, err := g.run(ctx, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
	if err != nil {
		return nil, err
	}
	return append(strings.Fields(out), "HEAD"), nil
}

// choosePipelines keeps the pipeline files among names, one a directory.
func choosePipelines(names []string) []string {
	byDir := map[string]string{}
	for _, name := range names {
		base, dir := path.Base(name), path.Dir(name)
		if base == stagefile.FileName || base == stagefile.DVCFileName && byDir[dir] == "" {
			byDir[dir] = name
		}
	}
	return sortedValues(byDir)
}
