package compare

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// Revisions is what compare reads of git and of the files in the workspace.
type Revisions interface {
	// Commit returns the commit that rev names; errs.NotFound when it names none.
	Commit(ctx context.Context, rev string) (string, error)
	// Open returns the files at a commit, or of the workspace for "".
	Open(ctx context.Context, commit string) (Files, error)
	// Changed returns the files that differ between commits: path to one id
	// for each commit, "" where the file is not there.
	Changed(ctx context.Context, commits []string) (map[string][]string, error)
	// Names are the branches and tags, for suggestions.
	Names(ctx context.Context) ([]string, error)
}

// Files is the files at one revision, in git or in the store.
type Files interface {
	// Read returns a file; errs.NotFound when it is not there (fs.ErrNotExist),
	// or not on this machine.
	Read(ctx context.Context, path string) ([]byte, error)
	// List returns the files below a directory, sorted; nil when it is none.
	List(ctx context.Context, dir string) ([]string, error)
	// Data returns what is tracked: path to id.
	Data(ctx context.Context) (map[string]string, error)
	// Pipelines returns the pipeline files, one a directory.
	Pipelines(ctx context.Context) ([]string, error)
	Close() error
}

// reader makes of files what package stagefile reads with.
func reader(ctx context.Context, files Files) stagefile.ReadFunc {
	return func(path string) ([]byte, error) {
		data, err := files.Read(ctx, path)
		if errs.Is(err, errs.NotFound) {
			return nil, errors.Join(fs.ErrNotExist, err)
		}
		return data, err
	}
}

// Revision is a git revision as typed, with its commit; the commit of the
// workspace is "".
type Revision struct{ Name, Commit string }

// Problem is a file, or a whole revision, that could not be read. Comparing
// goes on without it.
type Problem struct {
	Revision string
	Path     string // "" for the revision
	Err      error
}

// Absent reports whether the file is simply not there.
func (p Problem) Absent() bool { return p.Path != "" && errors.Is(p.Err, fs.ErrNotExist) }

// Elsewhere reports whether the file exists, but not on this machine.
func (p Problem) Elsewhere() bool {
	return p.Path != "" && errs.Is(p.Err, errs.NotFound) && !p.Absent()
}

// String is a line for people.
func (p Problem) String() string {
	if p.Path == "" || strings.Contains(p.Err.Error(), p.Path) {
		return p.Revision + ": " + p.Err.Error()
	}
	return p.Revision + ": " + p.Path + ": " + p.Err.Error()
}

// Commits finds the commit that a revision names.
type Commits interface {
	Commit(ctx context.Context, rev string) (string, error)
}

// Resolve finds the commit of a revision. Workspace names the files as they are.
func Resolve(ctx context.Context, commits Commits, name string) (Revision, error) {
	if name == Workspace {
		return Revision{Name: Workspace}, nil
	}
	commit, err := commits.Commit(ctx, name)
	return Revision{name, commit}, err
}

// pipelines loads the pipeline files of a revision. A file with mistakes gives
// its good stages and a problem.
func pipelines(ctx context.Context, files Files) (loaded []*stagefile.File, problems []Problem, err error) {
	names, err := files.Pipelines(ctx)
	if err != nil {
		return nil, nil, err
	}
	read := reader(ctx, files)
	for _, name := range names {
		file, lerr := stagefile.Load(read, name)
		if lerr != nil {
			problems = append(problems, Problem{Path: name, Err: lerr})
		}
		if file != nil {
			loaded = append(loaded, file)
		}
	}
	return loaded, problems, nil
}
