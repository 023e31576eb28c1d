package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/term"
)

// Status says how bad a finding is.
type Status string

// The states of a finding.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Problem Status = "problem"
)

// Finding is one thing that was looked at.
type Finding struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint"` // what to type, or ""
}

// fine is a finding without a fault.
func fine(name, format string, args ...any) Finding {
	return Finding{Name: name, Status: OK, Detail: fmt.Sprintf(format, args...)}
}

// Wrong is the finding of an error, with its first hint.
func Wrong(name string, status Status, err error) Finding {
	f := Finding{Name: name, Status: status, Detail: err.Error()}
	if hints := errs.Hints(err); len(hints) > 0 {
		f.Hint = hints[0]
	}
	return f
}

// Repository looks at r: its files, databases and file system.
func Repository(ctx context.Context, r *repo.Repo) []Finding {
	all := []Finding{
		fine("repository", "%s, format %d", r.Root, r.Config.Format),
		gitFiles(r),
		tracked(ctx, r),
		objects(ctx, r),
		database(ctx, "index.db", r.Index, "restore the file from a backup; 'mlops fsck' says more"),
	}
	if r.HasCache() {
		all = append(all, database(ctx, "cache.db", r.Cache, "remove .mlops/cache.db: it is made again"))
	}
	return append(all, diskSpace(r.MetaDir()), links(r), names(r))
}

// gitFiles looks for the lines that keep data out of git and merges easy.
func gitFiles(r *repo.Repo) Finding {
	const name = "git files"
	if !r.Git().Exists() {
		return fine(name, "not versioned by git")
	}
	var missing []string
	for file, wanted := range map[string][]string{
		".gitattributes":    {".gitignore merge=union", stagefile.LockName + " merge=union"},
		".mlops/.gitignore": {"/*", "!/" + repo.ConfigFile},
	} {
		text, err := os.ReadFile(r.Path(file))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return Wrong(name, Problem, err)
		}
		lines := strings.Fields(strings.ReplaceAll(string(text), " ", "\x00"))
		for _, line := range wanted {
			if !slices.Contains(lines, strings.ReplaceAll(line, " ", "\x00")) {
				missing = append(missing, fmt.Sprintf("%s has no line %q", file, line))
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return Finding{name, Warning, strings.Join(missing, "; "), "mlops init adds what is missing"}
	}
	return fine(name, ".gitattributes and .mlops/.gitignore are as they should be")
}

// tracked reads every pointer and lock.
func tracked(ctx context.Context, r *repo.Repo) Finding {
	all, err := r.Tracked(ctx)
	if err != nil {
		return Wrong("tracked", Problem, err)
	}
	return fine("tracked", "%s in pointers and locks", term.Plural(int64(len(all)), "path"))
}

// objects opens the store.
func objects(ctx context.Context, r *repo.Repo) Finding {
	s, err := r.Store(ctx)
	if err != nil {
		return Wrong("store", Problem, err)
	}
	packs, err := s.Packs()
	if err != nil {
		return Wrong("store", Problem, err)
	}
	return fine("store", "%s", term.Plural(int64(len(packs)), "pack"))
}

// database opens a database and has SQLite check it.
func database(ctx context.Context, name string, open func(context.Context) (*db.DB, error), hint string) Finding {
	d, err := open(ctx)
	if err != nil {
		return Wrong(name, Problem, err)
	}
	problems, err := d.Check(ctx)
	if err != nil {
		return Wrong(name, Problem, err)
	}
	if len(problems) > 0 {
		return Finding{name, Problem, strings.Join(problems, "; "), hint}
	}
	return fine(name, "whole")
}

// diskSpace warns before the disk is full.
func diskSpace(dir string) Finding {
	const low, name = 1 << 30, "disk space"
	free, err := freeSpace(dir)
	switch {
	case err != nil:
		return Wrong(name, Warning, err)
	case free < low:
		return Finding{name, Warning, fmt.Sprintf("%.2f GiB are free for %s", float64(free)/(1<<30), dir), "mlops gc shows what can go"}
	default:
		return fine(name, "%.1f GiB are free", float64(free)/(1<<30))
	}
}

// scratch is a directory of ours on the repository's file system.
func scratch(r *repo.Repo) (dir string, remove func() error, err error) {
	tmp, err := r.TmpDir()
	if err != nil {
		return "", nil, err
	}
	dir, err = os.MkdirTemp(tmp, "doctor-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// names looks how the file system tells names apart.
func names(r *repo.Repo) (f Finding) {
	const name = "file names"
	dir, remove, err := scratch(r)
	if err != nil {
		return Wrong(name, Problem, err)
	}
	defer func() {
		if err := remove(); err != nil {
			f = Wrong(name, Warning, err)
		}
	}()
	probe, err := os.Create(filepath.Join(dir, "Case"))
	if err != nil {
		return Wrong(name, Problem, err)
	}
	if err := probe.Close(); err != nil {
		return Wrong(name, Problem, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "cASE")); err == nil {
		return Finding{name, Warning, "the file system does not tell upper from lower case", "data with names that differ only in case cannot be checked out here"}
	}
	return fine(name, "upper and lower case differ")
}
