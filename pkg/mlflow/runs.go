package mlflow

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

const (
	maxRunPage     = 50000
	defaultRunPage = 1000
)

func (s *Service) runs() []endpoint {
	id := need("run_id", aText)
	byID := about(route.Run, "run_id")
	on := func(do func(ctx context.Context, id string) error) func(context.Context, *request, *encoder) error {
		return func(ctx context.Context, in *request, _ *encoder) error { return do(ctx, in.str("run_id")) }
	}
	return []endpoint{
		{
			method: http.MethodPost, path: "runs/create", access: route.Write, about: about(route.Experiment, "experiment_id"), call: s.createRun,
			schema: []rule{need("experiment_id", aText), may("start_time", anInteger), may("run_name", aText), may("user_id", aText), may("tags", aList)},
		},
		{method: http.MethodGet, path: "runs/get", access: route.Read, about: byID, schema: []rule{id}, call: s.getRun},
		{
			method: http.MethodPost, path: "runs/update", access: route.Write, about: byID, call: s.updateRun,
			schema: []rule{id, may("end_time", anInteger), may("status", aWord), may("run_name", aText)},
		},
		{method: http.MethodPost, path: "runs/delete", access: route.Write, about: byID, schema: []rule{id}, call: on(s.tracking.Delete)},
		{method: http.MethodPost, path: "runs/restore", access: route.Write, about: byID, schema: []rule{id}, call: on(s.tracking.Restore)},
		{
			method: http.MethodPost, path: "runs/search", access: route.Read, about: about(route.SomeExperiments, ""), call: s.searchRuns,
			schema: []rule{may("experiment_ids", textList), may("filter", aText), upTo("max_results", maxRunPage), may("order_by", textList), may("page_token", aText)},
		},
		{
			method: http.MethodPost, path: "runs/set-tag", access: route.Write, about: byID, call: s.setTag,
			schema: []rule{id, need("key", aText), may("value", aText)},
		},
		{
			method: http.MethodPost, path: "runs/delete-tag", access: route.Write, about: byID, call: s.deleteTag,
			schema: []rule{id, need("key", aText)},
		},
		{
			method: http.MethodGet, path: "artifacts/list", access: route.Read, about: byID, call: s.listRunArtifacts,
			schema: []rule{id, may("path", aText), may("page_token", aText)},
		},
	}
}

func (s *Service) createRun(ctx context.Context, in *request, out *encoder) error {
	r := track.Run{
		ExperimentID: in.str("experiment_id"), Name: in.str("run_name"), User: in.str("user_id"),
		Kind: track.Script, Status: track.Running, StartTime: in.integer("start_time", 0),
	}
	if err := checkExperimentID(r.ExperimentID); err != nil {
		return err
	}
	tags, err := each(in.all("tags"), "tags", (*value).tag)
	if err != nil {
		return err
	}
	if err := fillRun(&r, tags); err != nil {
		return err
	}
	if r, err = s.tracking.Create(ctx, r); err != nil {
		return err
	}
	root, err := s.root(ctx, r.ExperimentID)
	if err != nil {
		return err
	}
	out.object("run")
	out.run(&r, root, false)
	out.close()
	return nil
}

func (s *Service) getRun(ctx context.Context, in *request, out *encoder) error {
	r, root, err := s.run(ctx, in.str("run_id"), false)
	if err != nil {
		return err
	}
	out.object("run")
	out.run(&r, root, true)
	out.close()
	return nil
}

// run finds a run, be it deleted, and where its experiment's artifacts are.
func (s *Service) run(ctx context.Context, id string, bare bool) (track.Run, string, error) {
	found, err := s.tracking.Runs(ctx, track.Query{IDs: []string{id}, Deleted: true, Inputs: !bare, Logged: true, Bare: bare, Limit: 1})
	if err != nil {
		return track.Run{}, "", err
	}
	if len(found) == 0 {
		return track.Run{}, "", missingWords(&track.MissingError{What: track.OfRun, ID: id})
	}
	root, err := s.root(ctx, found[0].ExperimentID)
	return found[0], root, err
}

func (s *Service) updateRun(ctx context.Context, in *request, out *encoder) error {
	id := in.str("run_id")
	u := track.Update{EndTime: in.integer("end_time", 0), Name: in.str("run_name")}
	if status := track.Status(in.enum("status", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")); slices.Contains(track.Statuses(), status) {
		u.Status = status
	}
	if err := checkLength("run_name", u.Name, track.MaxName); err != nil {
		return err
	}
	if err := s.tracking.Update(ctx, id, u); err != nil {
		return err
	}
	r, root, err := s.run(ctx, id, true)
	if err != nil {
		return err
	}
	out.object("run_info")
	out.runInfo(&r, root)
	out.close()
	return nil
}

func (s *Service) setTag(ctx context.Context, in *request, _ *encoder) error {
	tag, err := in.tag("")
	if err != nil {
		return err
	}
	return s.log(ctx, in.str("run_id"), track.Batch{Tags: []track.Tag{tag}})
}

func (s *Service) deleteTag(ctx context.Context, in *request, _ *encoder) error {
	id, key := in.str("run_id"), in.str("key")
	switch key {
	case track.RunNameTag:
		return Errorf(InvalidParameter, "the tag %s is the name of the run, which can be changed but not removed", key)
	case track.NoteTag:
		return s.tracking.SetNote(ctx, id, "")
	}
	return s.tracking.DeleteTags(ctx, id, []string{key})
}

// log stores a batch. The tags that are fields of a run go there.
func (s *Service) log(ctx context.Context, id string, b track.Batch) error {
	models := make([]string, 0, len(b.Metrics))
	for _, m := range b.Metrics {
		if m.Model != "" {
			models = append(models, m.Model)
		}
	}
	if err := mayUse(ctx, route.Write, route.LoggedModel, models...); err != nil {
		return err
	}
	b.Tags = slices.DeleteFunc(b.Tags, func(t track.Tag) bool {
		switch t.Key {
		case track.RunNameTag:
			b.Name = t.Value
			return true
		case track.NoteTag:
			b.Note = &t.Value
			return true
		}
		return false
	})
	return s.tracking.Log(ctx, id, b)
}

func (s *Service) searchRuns(ctx context.Context, in *request, out *encoder) error {
	p, err := in.readPage(defaultRunPage, maxRunPage)
	if err != nil {
		return err
	}
	q := track.Query{Experiments: []string{}, Offset: p.offset, Limit: p.more(), Inputs: true, Logged: true, Root: s.places.Root}
	for _, id := range in.texts("experiment_ids") {
		if err := checkExperimentID(id); err != nil {
			return err
		}
		if visible(ctx, route.Experiment, id) {
			q.Experiments = append(q.Experiments, id)
		}
	}
	language := track.RunLanguage()
	if q.Filter, err = language.Filter(in.str("filter")); err != nil {
		return err
	}
	if q.Order, err = orders(language, in.texts("order_by")); err != nil {
		return err
	}
	asFields(q.Filter, q.Order)
	q.Deleted, q.Removed = view(in.enum("run_view_type", viewTypes()...))
	if len(q.Experiments) == 0 {
		return nil
	}
	found, err := s.tracking.Runs(ctx, q)
	if err != nil {
		return err
	}
	if found = turn(p, found, out); len(found) == 0 {
		return nil
	}
	out.list("runs")
	for i := range found {
		root, err := s.root(ctx, found[i].ExperimentID)
		if err != nil {
			return err
		}
		out.open()
		out.run(&found[i], root, true)
		out.close()
	}
	out.endList()
	return nil
}

// paramsChanged words a changed param as log-batch does.
func paramsChanged(err error) error {
	if e, ok := errors.AsType[*track.ParamError](err); ok {
		return Errorf(InvalidParameter, "Changing param values is not allowed. Params were already logged='[{'key': '%s', 'old_value': '%s', 'new_value': '%s'}]' for run ID='%s'.",
			e.Key, e.Old, e.New, e.ID)
	}
	return err
}

// missingRun reports whether a run does not exist.
func missingRun(err error) bool {
	e, ok := errors.AsType[*track.MissingError](err)
	return ok && e.What == track.OfRun || !ok && errs.Is(err, errs.NotFound)
}
