package api

import (
	"context"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// Dataset is what `mlops add` tracks.
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
	add(a, operation{
		id: "list-datasets", method: http.MethodGet, path: "/datasets", summary: "List tracked data by path", tag: tag, need: route.Read,
		describe: "Data is added where it lies: mlops add.",
	}, func(ctx context.Context, in *Page) (*reply[list[Dataset]], error) {
		if a.Data == nil {
			return nil, noRepository("datasets")
		}
		from, err := in.from()
		if err != nil {
			return nil, err
		}
		found, err := a.Data.Datasets(ctx)
		if err != nil {
			return nil, err
		}
		return ok(listOf(*in, found[min(from, len(found)):], nil, same[Dataset]))
	})
	add(a, operation{
		id: "list-dataset-versions", method: http.MethodGet, path: "/dataset-versions", summary: "List the versions of a dataset, the newest first", tag: tag, need: route.Read,
	}, func(ctx context.Context, in *struct {
		Path  string `query:"path" required:"true" minLength:"1" maxLength:"4096"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	},
	) (*reply[list[DatasetVersion]], error) {
		if a.Data == nil {
			return nil, noRepository("datasets")
		}
		found, err := a.Data.DatasetVersions(ctx, in.Path, in.Limit)
		if err != nil {
			return nil, err
		}
		return ok(listOf(Page{Limit: in.Limit}, found, nil, same[DatasetVersion]))
	})
}

func (a *api) addPipelines() {
	add(a, operation{id: "list-stages", method: http.MethodGet, path: "/pipeline/stages", summary: "List the stages of the pipeline with their state", tag: "pipeline", need: route.Read},
		func(ctx context.Context, _ *struct{}) (*reply[list[Stage]], error) {
			if a.Stages == nil {
				return nil, noRepository("pipeline")
			}
			found, err := a.Stages.Stages(ctx)
			if err != nil {
				return nil, err
			}
			return ok(list[Stage]{Items: append([]Stage{}, found...)}, nil)
		})
}
