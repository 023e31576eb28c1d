package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/reproduce"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/trackdb"
	"github.com/mlops-cli/mlops/pkg/ui"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// place is a repository whose pages are shown.
type place struct {
	repo   *repo.Repo
	runs   *trackdb.Service
	engine *pipeline.Engine
	deps   ui.Deps
}

// open wires the pages of the repository in dir as the program does.
func open(t testing.TB, dir string) *place {
	t.Helper()
	ctx := context.Background()
	r, err := repo.Find(ctx, dir)
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	index, err := r.Index(ctx)
	must(t, err)
	store, err := r.Store(ctx)
	must(t, err)
	runs := trackdb.New(index, clock.System{})
	files := workspace.New(r, progress.Nop{})
	models := registrydb.New(index, clock.System{})
	engine := pipeline.New(pipeline.Config{
		Root: r.Root, Read: func(p string) ([]byte, error) { return os.ReadFile(filepath.Join(r.Root, filepath.FromSlash(p))) },
		Files: pipeline.NewRepoFiles(r), Data: pipeline.WorkspaceData{Workspace: files}, Index: r.Index, Clock: clock.System{}, Tmp: t.TempDir(),
	})
	return &place{repo: r, runs: runs, engine: engine, deps: ui.Deps{
		Name: filepath.Base(r.Root), Version: "dev", Clock: clock.System{}, Runs: runs, Groups: runs, Events: runs, Curves: runs, Logged: runs,
		Files:   artifact.New(runs, artifact.NewLocal(store), store),
		Compare: compare.New(runs, revisions{r}), Objects: store, Root: r.Root, Data: files, Engine: engine,
		Code: reproduce.New(r, files, runs), Models: models, Release: release.New(r, files, runs, models),
	}}
}

// handler is the pages behind what the server puts before them.
func (p *place) handler(t testing.TB) http.Handler {
	t.Helper()
	routes, err := ui.Routes(p.deps)
	must(t, err)
	mux, err := route.Mux(routes)
	must(t, err)
	signedIn := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route.UserOf(r.Context()).Name == "" {
			r = r.WithContext(route.WithUser(r.Context(), route.User{Name: "ada"}, nil))
		}
		mux.ServeHTTP(w, r)
	})
	return http.NewCrossOriginProtection().Handler(signedIn)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type revisions struct{ *repo.Repo }

func (r revisions) Open(context.Context, string) (compare.Files, error) {
	return nil, fmt.Errorf("no revisions here")
}
