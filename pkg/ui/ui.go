package ui

import (
	"context"
	"io"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/reproduce"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// Deps is what the pages show. Parts that a server does not have are nil: their
// pages say so.
type Deps struct {
	Name    string // of what is served: the repository's directory, or the store
	Version string // of this program
	Clock   clock.Clock
	Runs    Runs
	Groups  Experiments
	Events  Events
	Curves  Curves
	Compare Comparer
	Files   Files
	Logged  Logged
	Objects Objects
	Root    string // of the repository, in the file system
	Data    Data
	Engine  Pipelines
	Code    Code
	Models  Models
	Release Release
}

// Runs is track.Service without the part that executes.
type Runs interface {
	track.Reader
	track.Curator
}

// Events is the history of what happened.
type Events interface {
	Events(ctx context.Context, q track.EventQuery) ([]track.Event, error)
}

// Comparer puts runs side by side; *compare.Comparer does.
type Comparer interface {
	Compare(ctx context.Context, q compare.Request) (*compare.Result, error)
}

// Curves reads the points of metrics, at most so many of each.
type Curves interface {
	Sample(ctx context.Context, q track.SampleQuery) ([]track.Series, error)
}

// Files are the artifacts of runs; *artifact.Store has them.
type Files interface {
	List(ctx context.Context, o track.Owner, dir string) ([]artifact.File, error)
	Find(ctx context.Context, o track.Owner, path string) (artifact.File, error)
	Open(ctx context.Context, f artifact.File) (io.ReadSeekCloser, error)
}

// Logged finds the models that runs logged.
type Logged interface {
	LoggedModel(ctx context.Context, id string) (track.LoggedModel, error)
}

// Objects are stored bytes by their content: logs of stages, outputs of runs.
// *store.Store has them.
type Objects interface {
	Open(ctx context.Context, id oid.ID) (io.ReadCloser, error)
	Tree(ctx context.Context, id oid.ID) ([]byte, error)
}

// Data is what is tracked; *workspace.Workspace has it.
type Data interface {
	List(ctx context.Context, req workspace.ListRequest, fn func(workspace.Listed) error) error
	Status(ctx context.Context, req workspace.StatusRequest) (workspace.StatusResult, error)
	Diff(ctx context.Context, req workspace.DiffRequest) (workspace.DiffResult, error)
	Versions(ctx context.Context, path string, limit int) ([]workspace.Version, error)
}

// Pipelines are the stages of the repository; *pipeline.Engine has them.
type Pipelines interface {
	Project(ctx context.Context, read stagefile.ReadFunc) (*pipeline.Project, error)
	PlanProject(ctx context.Context, project *pipeline.Project, q pipeline.PlanRequest) ([]pipeline.Step, error)
	AtWork() ([]pipeline.AtWork, error)
}

// Experiments changes experiments, and knows those in the bin.
type Experiments interface {
	Experiment(ctx context.Context, id string) (track.Experiment, error)
	SearchExperiments(ctx context.Context, q track.ExperimentQuery) ([]track.Experiment, error)
	RenameExperiment(ctx context.Context, id, name string) error
	DeleteExperiment(ctx context.Context, id string) error
	RestoreExperiment(ctx context.Context, id string) error
	SetExperimentTags(ctx context.Context, id string, tags []track.Tag) error
}

// Code says how the code of two runs differs; *reproduce.Reproducer does.
type Code interface {
	Diff(ctx context.Context, a, b *track.Run, patch bool) (reproduce.Difference, error)
}

// Models is the registry.
type Models interface {
	registry.Reader
	registry.Curator
	Approve(ctx context.Context, name string, number int, a registry.Approval) error
}

// Release moves aliases through their gates and tells where versions come from;
// *release.Releaser does.
type Release interface {
	Promote(ctx context.Context, q release.PromoteRequest) (release.Promotion, error)
	SetAlias(ctx context.Context, name, alias string, number int, force bool) error
	Why(ctx context.Context, ref registry.Ref, history release.History) (release.Lineage, error)
	Complete(ctx context.Context, v *registry.Version, files bool) error
}

// pages answers the requests.
type pages struct {
	Deps

	templates templates
	assets    *assets
}

// Routes are the pages, their feeds and assets, for the root of a server.
func Routes(d Deps) ([]route.Route, error) {
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	u := &pages{Deps: d, assets: a}
	if u.templates, err = loadTemplates(u); err != nil {
		return nil, err
	}
	get := func(pattern string, h handler) route.Route {
		return route.Route{Method: http.MethodGet, Pattern: pattern, Access: route.Read, Subjects: u.subjectsOf(pattern), Handler: h, Fail: u.fail}
	}
	stream := func(pattern string, h handler) route.Route {
		r := get(pattern, h)
		r.Stream = true
		return r
	}
	post := func(pattern string, h handler) route.Route {
		return route.Route{Method: http.MethodPost, Pattern: pattern, Access: route.Write, Subjects: u.subjectsOf(pattern), Handler: asUser(h), Fail: u.fail}
	}
	asset := get("/static/{hash}/{file...}", u.asset)
	asset.Access = route.Open // the sign-in page needs them
	preview := post("/ui/markdown", u.previewMarkdown)
	preview.Access = route.Read // it changes nothing
	return []route.Route{
		asset,
		get("/{$}", func(w http.ResponseWriter, r *http.Request) error {
			http.Redirect(w, r, "/runs", http.StatusFound)
			return nil
		}),
		get("/{path...}", u.nowhere),
		get("/runs", u.runs),
		get("/ui/runs", u.runsFeed),
		get("/ui/runs/changes", u.changesFeed),
		post("/ui/runs/delete", u.deleteRuns),
		post("/ui/runs/restore", u.restoreRuns),
		post("/ui/runs/tag", u.tagRuns),
		get("/runs/{id}", u.run),
		get("/runs/{id}/metrics", u.runCurves),
		get("/ui/curves", u.curves),
		get("/runs/{id}/files", u.runFiles(logged)),
		get("/runs/{id}/files/{path...}", u.runFiles(logged)),
		get("/runs/{id}/outputs/{path...}", u.runFiles(made)),
		stream("/raw/{id}/files/{path...}", u.rawFile(logged)),
		stream("/raw/{id}/outputs/{path...}", u.rawFile(made)),
		get("/runs/{id}/models/{path...}", u.runFiles(models)),
		stream("/raw/{id}/models/{path...}", u.rawFile(models)),
		get("/runs/{id}/data", u.runData),
		get("/runs/{id}/stages", u.runStages),
		stream("/runs/{id}/log/{stage...}", u.stageLog),
		get("/runs/{id}/live/{stage...}", u.liveLog),
		get("/runs/{id}/code", u.runCode),
		get("/compare", u.compare),
		get("/experiments", u.experiments),
		get("/experiments/{id}", u.experiment),
		get("/experiments/{id}/about", u.experimentAbout),
		post("/experiments/{id}/edit", u.editExperiment),
		preview,
		get("/data", u.data),
		get("/data/{path...}", u.dataPath),
		get("/models", u.models),
		get("/models/{name}", u.model),
		get("/models/{name}/{version}", u.modelVersion),
		post("/models/{name}/edit", u.editModel),
		get("/pipelines", u.pipelines),
		post("/runs/{id}/name", u.edit(u.editName)),
		post("/runs/{id}/note", u.edit(u.editNote)),
		post("/runs/{id}/tag", u.edit(u.editTag)),
		post("/runs/{id}/delete", u.edit(u.editDeleted)),
	}, nil
}

// asUser has the history say who changed something.
func asUser(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if user := route.UserOf(r.Context()).Name; user != "" {
			r = r.WithContext(track.AsUser(r.Context(), user))
		}
		return h(w, r)
	}
}

type handler = func(http.ResponseWriter, *http.Request) error
