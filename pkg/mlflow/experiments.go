package mlflow

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

const maxExperimentPage = 50000

func (s *Service) experiments() []endpoint {
	id := need("experiment_id", aText)
	byID := about(route.Experiment, "experiment_id")
	search := endpoint{
		path: "experiments/search", access: route.Read, about: about(route.SomeExperiments, ""), call: s.searchExperiments,
		schema: []rule{
			may("max_results", anInteger), may("order_by", textList), may("filter", aText), may("page_token", aText),
		},
	}
	get, post := search, search
	get.method, post.method = http.MethodGet, http.MethodPost
	return []endpoint{
		get, post,
		{
			method: http.MethodPost, path: "experiments/create", access: route.Write, call: s.createExperiment,
			schema: []rule{need("name", aText), may("artifact_location", aText), may("tags", aList)},
		},
		{
			method: http.MethodGet, path: "experiments/get", access: route.Read, about: byID,
			schema: []rule{id},
			call: func(ctx context.Context, in *request, out *encoder) error {
				if err := checkExperimentID(in.str("experiment_id")); err != nil {
					return err
				}
				e, err := s.tracking.Experiment(ctx, in.str("experiment_id"))
				return s.oneExperiment(e, err, out)
			},
		},
		{
			method: http.MethodGet, path: "experiments/get-by-name", access: route.Read, about: about(route.ExperimentName, "experiment_name"),
			schema: []rule{need("experiment_name", aText)},
			call: func(ctx context.Context, in *request, out *encoder) error {
				name := in.str("experiment_name")
				e, err := s.tracking.ExperimentByName(ctx, name)
				if errs.Is(err, errs.NotFound) {
					return Errorf(DoesNotExist, "Could not find experiment with name '%s'", name)
				}
				return s.oneExperiment(e, err, out)
			},
		},
		{
			method: http.MethodPost, path: "experiments/delete", access: route.Write, about: byID,
			schema: []rule{id}, call: onExperiment(s.tracking.DeleteExperiment),
		},
		{
			method: http.MethodPost, path: "experiments/restore", access: route.Write, about: byID,
			schema: []rule{id}, call: onExperiment(s.tracking.RestoreExperiment),
		},
		{
			method: http.MethodPost, path: "experiments/update", access: route.Write, about: byID,
			schema: []rule{id, need("new_name", aText)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				id, name := in.str("experiment_id"), in.str("new_name")
				if err := errors.Join(checkExperimentID(id), checkLength("name", name, track.MaxExperiment)); err != nil {
					return err
				}
				err := s.tracking.RenameExperiment(ctx, id, name)
				if _, deleted := errors.AsType[*track.DeletedError](err); deleted {
					return Errorf(InvalidParameter, "Cannot rename a non-active experiment.")
				}
				return err
			},
		},
		{
			method: http.MethodPost, path: "experiments/set-experiment-tag", access: route.Write, about: byID,
			schema: []rule{id, need("key", aText), may("value", aText)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				tag, err := in.longTag(maxExperimentTag)
				if err != nil {
					return err
				}
				if err := checkExperimentID(in.str("experiment_id")); err != nil {
					return err
				}
				return s.tracking.SetExperimentTags(ctx, in.str("experiment_id"), []track.Tag{tag})
			},
		},
		{
			method: http.MethodPost, path: "experiments/delete-experiment-tag", access: route.Write, about: byID,
			schema: []rule{id, need("key", aText)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				if err := checkExperimentID(in.str("experiment_id")); err != nil {
					return err
				}
				return s.tracking.DeleteExperimentTag(ctx, in.str("experiment_id"), in.str("key"))
			},
		},
	}
}

// onExperiment deletes or restores. To both, an experiment in the wrong state
// is one that does not exist.
func onExperiment(do func(ctx context.Context, id string) error) func(context.Context, *request, *encoder) error {
	return func(ctx context.Context, in *request, _ *encoder) error {
		id := in.str("experiment_id")
		if err := checkExperimentID(id); err != nil {
			return err
		}
		err := do(ctx, id)
		if _, deleted := errors.AsType[*track.DeletedError](err); deleted {
			return missingWords(&track.MissingError{What: track.OfExperiment, ID: id})
		}
		return err
	}
}

func (s *Service) createExperiment(ctx context.Context, in *request, out *encoder) error {
	e := track.Experiment{Name: in.str("name")}
	if err := checkLength("name", e.Name, track.MaxExperiment); err != nil {
		return err
	}
	var err error
	if e.Location, err = s.places.location(in.str("artifact_location")); err != nil {
		return err
	}
	if e.Tags, err = each(in.all("tags"), "tags", func(v *value, _ string) (track.Tag, error) { return v.longTag(maxExperimentTag) }); err != nil {
		return err
	}
	e, err = s.tracking.CreateExperiment(ctx, e)
	if err == nil {
		out.str("experiment_id", e.ID)
	}
	return err
}

// addressesHost says that a URL names a host for this server to talk to.
func addressesHost(u *url.URL) bool {
	scheme := strings.ToLower(u.Scheme)
	return slices.Contains([]string{"http", "https", "ftp", "sftp"}, scheme) || scheme == "mlflow-artifacts" && u.Host != "" || scheme == "file" && u.Host != ""
}

func hostAddressed(field, scheme string) *Error {
	return Errorf(InvalidParameter, "'%s' cannot use the '%s' scheme: the '%s' scheme addresses a host other than the tracking server's configured "+
		"artifact storage, so the server would connect to the host named in the URI.", field, scheme, scheme)
}

func (s *Service) searchExperiments(ctx context.Context, in *request, out *encoder) error {
	p, err := in.readPage(0, maxExperimentPage)
	if err != nil {
		return err
	}
	language := track.ExperimentLanguage()
	q := track.ExperimentQuery{Offset: p.offset, Limit: p.more()}
	if q.Filter, err = language.Filter(in.str("filter")); err != nil {
		return err
	}
	if q.Order, err = orders(language, in.texts("order_by")); err != nil {
		return err
	}
	q.Filter = append(q.Filter, scoped(ctx, route.SomeExperiments, "experiment_id")...)
	q.Deleted, q.Removed = view(in.enum("view_type", viewTypes()...))
	found, err := s.tracking.SearchExperiments(ctx, q)
	if err != nil {
		return err
	}
	found = turn(p, found, out)
	found = slices.DeleteFunc(found, func(e track.Experiment) bool { return !visible(ctx, route.Experiment, e.ID) })
	if len(found) == 0 {
		return nil
	}
	out.list("experiments")
	for _, e := range found {
		out.open()
		out.experiment(e, s.places.of(e))
		out.close()
	}
	out.endList()
	return nil
}

func viewTypes() []string { return []string{"ACTIVE_ONLY", "DELETED_ONLY", "ALL"} }

// view reads MLflow's ViewType; what it does not know is the default.
func view(word string) (deleted, removed bool) {
	switch word {
	case "ALL":
		return true, false
	case "DELETED_ONLY":
		return false, true
	}
	return false, false
}

func (s *Service) oneExperiment(e track.Experiment, err error, out *encoder) error {
	if err != nil {
		return err
	}
	out.object("experiment")
	out.experiment(e, s.places.of(e))
	out.close()
	return nil
}

func (e *encoder) experiment(x track.Experiment, root string) {
	e.str("experiment_id", x.ID)
	e.str("name", x.Name)
	e.str("artifact_location", root)
	e.str("lifecycle_stage", stage(x.Deleted))
	e.integer("last_update_time", x.Updated)
	e.integer("creation_time", x.Created)
	e.tags("tags", x.Tags)
}

func stage(deleted bool) string {
	if deleted {
		return "deleted"
	}
	return "active"
}

// tags writes a list unless it is empty.
func (e *encoder) tags(name string, tags []track.Tag) {
	if len(tags) == 0 {
		return
	}
	e.list(name)
	for _, t := range tags {
		e.pair(t.Key, t.Value)
	}
	e.endList()
}

func (e *encoder) pair(key, value string) {
	e.open()
	e.str("key", key)
	e.str("value", value)
	e.close()
}

// root is where the artifacts of an experiment are, by its id.
func (s *Service) root(ctx context.Context, experiment string) (string, error) {
	if known, ok := s.locations.Load(experiment); ok {
		return known.(string), nil
	}
	x, err := s.tracking.Experiment(ctx, experiment)
	if err != nil {
		return "", err
	}
	location := s.places.of(x)
	s.locations.Store(experiment, location)
	return location, nil
}
