package api

import (
	"context"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Dataset is what `mlops add` tracks, or a stage makes.
type Dataset struct {
	Path  string `json:"path"`
	Kind  string `json:"kind" enum:"file,dir"`
	ID    string `json:"id" doc:"of its content: SHA-256; of a directory, of its tree"`
	Size  int64  `json:"size" doc:"bytes"`
	Files int64  `json:"files"`
}

// DatasetVersion is a dataset as a commit has it.
type DatasetVersion struct {
	Dataset

	Commit  string `json:"commit"`
	Time    int64  `json:"time"`
	Author  string `json:"author"`
	Message string `json:"message"`
}

// versionsRead is how many versions of a path are looked at.
const versionsRead = 10_000

func datasetTexts() []string   { return []string{"path", "kind", "id"} }
func datasetNumbers() []string { return []string{"size", "files"} }

func (d Dataset) attribute(key string) (string, float64) {
	switch key {
	case "path":
		return d.Path, 0
	case "kind":
		return d.Kind, 0
	case "id":
		return d.ID, 0
	case "size":
		return "", float64(d.Size)
	}
	return "", float64(d.Files)
}

func (v DatasetVersion) attribute(key string) (string, float64) {
	switch key {
	case "commit":
		return v.Commit, 0
	case "author":
		return v.Author, 0
	case "message":
		return v.Message, 0
	case "time":
		return "", float64(v.Time)
	}
	return v.Dataset.attribute(key)
}

// Data is what is tracked in the repository that is served.
type Data interface {
	Datasets(ctx context.Context) ([]Dataset, error)
	// DatasetVersions lists what commits changed a path, the newest first.
	DatasetVersions(ctx context.Context, path string, limit int) ([]DatasetVersion, error)
}

// Stage is one stage of a pipeline.
type Stage struct {
	Name    string   `json:"name"`
	State   string   `json:"state" enum:"up-to-date,changed,frozen"`
	Reasons []string `json:"reasons" doc:"why it would run"`
	Command string   `json:"command"`
	Needs   []string `json:"needs" doc:"stages whose outputs it reads"`
}

// Stages are the pipeline of the repository that is served.
type Stages interface {
	Stages(ctx context.Context) ([]Stage, error)
}

func noRepository(what string) error {
	return errs.New(errs.NotFound, "this server serves no repository, so it has no %s", what).Hint("mlops server without --store, inside a repository")
}

func (a *api) addData() {
	const tag = "datasets"
	addList(a, operation{
		id: "list-datasets", method: http.MethodGet, path: "/datasets", summary: "List tracked data by path", tag: tag, need: route.Read,
		describe: "What mlops add tracks, and what stages make. Data is added where it lies.",
	}, track.ListLanguage("datasets", datasetTexts(), datasetNumbers()), Dataset.attribute, a.datasets)
	add(a, operation{id: "get-dataset", method: http.MethodGet, path: "/datasets/{dataset}", summary: "Show a dataset", tag: tag, need: route.Read, rest: true},
		func(ctx context.Context, in *struct {
			Dataset string `path:"dataset" maxLength:"4096" doc:"its path"`
		},
		) (*reply[Dataset], error) {
			all, err := a.datasets(ctx)
			return one(all, err, func(d Dataset) bool { return d.Path == in.Dataset }, "dataset", in.Dataset)
		})
	add(a, operation{
		id: "list-dataset-versions", method: http.MethodGet, path: "/dataset-versions", summary: "List the versions of a dataset, the newest first", tag: tag, need: route.Read,
	}, func(ctx context.Context, in *struct {
		Search

		Path string `query:"path" required:"true" minLength:"1" maxLength:"4096"`
	},
	) (*reply[list[DatasetVersion]], error) {
		if a.Data == nil {
			return nil, noRepository("datasets")
		}
		found, err := a.Data.DatasetVersions(ctx, in.Path, versionsRead)
		if err != nil {
			return nil, err
		}
		l := track.ListLanguage("versions", append(datasetTexts(), "commit", "author", "message"), append(datasetNumbers(), "time"))
		return ok(sifted(in.Search, l, found, DatasetVersion.attribute, same[DatasetVersion]))
	})
}

func (a *api) datasets(ctx context.Context) ([]Dataset, error) {
	if a.Data == nil {
		return nil, noRepository("datasets")
	}
	return a.Data.Datasets(ctx)
}

func (a *api) addPipelines() {
	const tag = "pipeline"
	addList(a, operation{
		id: "list-stages", method: http.MethodGet, path: "/pipeline/stages", summary: "List the stages of the pipeline with their state", tag: tag, need: route.Read,
	}, track.ListLanguage("stages", []string{"name", "state", "command"}, nil), func(s Stage, key string) (string, float64) {
		return map[string]string{"name": s.Name, "state": s.State, "command": s.Command}[key], 0
	}, a.stages)
	add(a, operation{id: "get-stage", method: http.MethodGet, path: "/pipeline/stages/{stage}", summary: "Show a stage", tag: tag, need: route.Read, rest: true},
		func(ctx context.Context, in *struct {
			Stage string `path:"stage" maxLength:"4096" doc:"its name"`
		},
		) (*reply[Stage], error) {
			all, err := a.stages(ctx)
			return one(all, err, func(s Stage) bool { return s.Name == in.Stage }, "stage", in.Stage)
		})
}

func (a *api) stages(ctx context.Context) ([]Stage, error) {
	if a.Stages == nil {
		return nil, noRepository("pipeline")
	}
	return a.Stages.Stages(ctx)
}
