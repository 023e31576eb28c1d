package release

import (
	"context"
	"os"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// Runs is what this package reads of runs.
type Runs interface {
	Resolve(ctx context.Context, ref string) (string, error)
	Run(ctx context.Context, id string) (track.Run, error)
	Runs(ctx context.Context, q track.Query) ([]track.Run, error)
}

// Registry is where versions go.
type Registry interface {
	registry.Reader
	registry.Registrar
	registry.Curator
	registry.Promoter
	// ByObject lists the versions that have these files, ByRun those of a run.
	ByObject(ctx context.Context, object []byte) ([]registry.Version, error)
	ByRun(ctx context.Context, run string) ([]registry.Version, error)
}

// Releaser works on the models of one repository.
type Releaser struct {
	repo *repo.Repo
	work *workspace.Workspace
	runs Runs
	reg  Registry

	// Logged finds what clients logged as models of their own; nil: nothing.
	Logged Logged
	// Files are what clients logged; nil: nothing.
	Files Files
	// Fetch brings objects from a remote into the store; nil: there is none.
	Fetch func(ctx context.Context, objects []repo.Object) error
	// Maximize and Minimize are metrics, or patterns of them, of which more and
	// less is better.
	Maximize, Minimize []string
}

// Logged is what this package reads of logged models and their files.
type Logged interface {
	LoggedModel(ctx context.Context, id string) (track.LoggedModel, error)
	ListArtifacts(ctx context.Context, o track.Owner, dir string) ([]track.Asset, error)
	// ModelReaders are the ids of the runs that read a logged model, the newest first.
	ModelReaders(ctx context.Context, model string) ([]string, error)
}

// New returns the releaser of a repository.
func New(r *repo.Repo, w *workspace.Workspace, runs Runs, reg Registry) *Releaser {
	return &Releaser{repo: r, work: w, runs: runs, reg: reg}
}

func (p *Releaser) store(ctx context.Context) (*store.Store, error) { return p.repo.Store(ctx) }

// readFile reads a file of the workspace, by its slash path.
func (p *Releaser) readFile(name string) ([]byte, error) { return os.ReadFile(p.repo.Path(name)) }
