package cmd

import (
	"context"
	"strings"

	"github.com/mlops-cli/mlops/pkg/api"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// served is the repository of a server, for our own API.
type served struct {
	repo      *repo.Repo
	workspace *workspace.Workspace
	engine    *pipeline.Engine
}

// addRepository gives the API the data and the pipeline of a repository, if one
// is served.
func (o *serverOptions) addRepository(ctx context.Context, d *api.Deps) error {
	if o.store != "" || o.app.index != nil {
		return nil
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	engine, err := o.app.engineOf(r)
	if err != nil {
		return err
	}
	s := &served{r, workspace.New(r, progress.Nop{}), engine}
	d.Data, d.Stages = s, s
	return nil
}

func datasetOf(l workspace.Listed) api.Dataset {
	return api.Dataset{Path: string(l.Path), Kind: l.Kind, ID: l.ID.String(), Size: l.Size, Files: l.Files}
}

// Datasets implements api.Data.
func (s *served) Datasets(ctx context.Context) ([]api.Dataset, error) {
	var all []api.Dataset
	err := s.workspace.List(ctx, workspace.ListRequest{Dir: s.repo.Root}, func(l workspace.Listed) error {
		all = append(all, datasetOf(l))
		return nil
	})
	return all, err
}

// DatasetVersions implements api.Data.
func (s *served) DatasetVersions(ctx context.Context, path string, limit int) ([]api.DatasetVersion, error) {
	found, err := s.workspace.Versions(ctx, path, limit)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errs.New(errs.NotFound, "%s is tracked in no commit", path)
	}
	all := make([]api.DatasetVersion, len(found))
	for i, v := range found {
		all[i] = api.DatasetVersion{Dataset: datasetOf(v.Listed), Commit: v.Commit, Time: v.Time, Author: v.Author, Message: v.Subject}
	}
	return all, nil
}

// Stages implements api.Stages.
func (s *served) Stages(ctx context.Context) ([]api.Stage, error) {
	project, err := s.engine.Project(ctx, nil)
	if err != nil {
		return nil, err
	}
	steps, err := s.engine.PlanProject(ctx, project, pipeline.PlanRequest{AllowMissing: true})
	if err != nil {
		return nil, err
	}
	graph, err := project.Subgraph(nil, s.repo.Root)
	if err != nil {
		return nil, err
	}
	needs := graph.Edges()
	all := make([]api.Stage, len(steps))
	for i, step := range steps {
		all[i] = api.Stage{Name: step.Name, State: "up-to-date", Reasons: append([]string{}, step.Reasons...), Needs: append([]string{}, needs[step.Name]...)}
		if step.Action != pipeline.Skip {
			all[i].State = "changed"
		}
	}
	for _, stage := range project.Stages {
		for i := range all {
			if all[i].Name == stage.Address() {
				all[i].Command = strings.Join(stage.Cmd, "\n")
			}
		}
	}
	return all, nil
}
