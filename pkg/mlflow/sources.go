package mlflow

import (
	"context"
	"errors"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/route"
)

// asVersion says of a model that does not exist that the version is missing.
func asVersion(err error, ref registry.Ref) error {
	if _, ok := errors.AsType[*registry.MissingError](err); ok {
		return missingModel(&registry.MissingError{Model: ref.Name, Version: ref.Number})
	}
	return err
}

// resolveSource checks where the files of a new version are said to be, and
// finds out where they really are. A source names a run, a logged model or a
// version here, or a bucket; never a path of this machine or a host.
func (s *Service) resolveSource(ctx context.Context, in *request, v *registry.Version) error {
	u, err := url.Parse(v.Source)
	if err != nil {
		return relativeSource(v.Source)
	}
	scheme := strings.ToLower(u.Scheme)
	if addressesHost(u) && scheme != "file" {
		return hostAddressed("source", scheme)
	}
	if scheme == "" || scheme == "file" || len(scheme) == 1 { // C:\…
		if ok, err := s.ownsPath(ctx, v); ok || err != nil {
			return err
		}
		which := "run"
		if v.LoggedModel != "" {
			which = "model"
		}
		return Errorf(InvalidParameter, "Invalid model version source: '%s'. To use a local path as a model version source, the %s_id request parameter has to be specified "+
			"and the local path has to be contained within the artifact directory of the run specified by the %s_id.", v.Source, which, which)
	}
	if !cleanSource(v.Source) {
		return relativeSource(v.Source)
	}
	switch scheme {
	case "runs":
		run, _, _ := strings.Cut(strings.TrimLeft(u.Path, "/"), "/")
		if u.Host != "" || run == "" || run != v.RunID || v.LoggedModel != "" {
			return foreignSource(v)
		}
	case "models":
		return s.modelSource(ctx, in, u, v)
	case "mlflow-artifacts":
		root, err := s.ownerRoot(ctx, v)
		if err != nil {
			return err
		}
		if p := strings.TrimPrefix(strings.TrimSuffix(v.Source, "/"), root); root == "" || p != "" && p[0] != '/' || len(p) == len(v.Source) {
			return foreignSource(v)
		}
	}
	return nil
}

// ownerRoot is where the artifacts of the version's logged model or run are,
// "" when there is none.
func (s *Service) ownerRoot(ctx context.Context, v *registry.Version) (string, error) {
	switch {
	case v.LoggedModel != "":
		m, err := s.tracking.LoggedModel(ctx, v.LoggedModel)
		if errs.Is(err, errs.NotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		root, err := s.root(ctx, m.ExperimentID)
		return modelRoot(root, m.ID), err
	case v.RunID != "":
		r, root, err := s.run(ctx, v.RunID, true)
		if e, ok := errors.AsType[*Error](err); ok && e.Code == DoesNotExist {
			return "", nil
		}
		return runRoot(root, r.ID), err
	}
	return "", nil
}

// modelSource follows models:/m-…, models:/name/2 and models:/name@alias.
func (s *Service) modelSource(ctx context.Context, in *request, u *url.URL, v *registry.Version) error {
	rest, rooted := strings.CutPrefix(u.Path, "/")
	if u.Host != "" || !rooted || rest == "" {
		return Errorf(InvalidParameter, "Invalid model version source: '%s'. Registered model sources must use the active model registry.", v.Source)
	}
	if !strings.ContainsAny(rest, "/@") { // a logged model
		if rest != v.LoggedModel {
			return Errorf(InvalidParameter, "Invalid model version source: '%s'. The model_id request parameter must identify the resource that contains the source.", v.Source)
		}
		root, err := s.ownerRoot(ctx, v)
		if root == "" && err == nil {
			return Errorf(DoesNotExist, "Logged model with ID '%s' not found.", rest)
		}
		v.Storage = root
		return err
	}
	ref, err := registry.ParseRef(rest)
	if err != nil {
		return foreignSource(v)
	}
	if err := mayUse(ctx, route.Read, route.Model, ref.Name); err != nil {
		return err
	}
	if _, err := s.registry.Model(ctx, ref.Name); err != nil {
		return err
	}
	var from registry.Version
	if strings.Contains(rest, "@") {
		from, err = s.aliased(ctx, ref)
	} else if from, err = s.registry.Find(ctx, ref); err != nil {
		err = asVersion(err, ref)
	}
	if err != nil {
		return err
	}
	if slices.Contains(from.Tags, registry.Tag{Key: registry.PromptTag, Value: "true"}) {
		return Errorf(InvalidParameter, "Invalid model version source: '%s'. Prompt versions cannot be used as model version sources.", v.Source)
	}
	if in.has("run_id") && v.RunID != from.RunID || in.has("model_id") && v.LoggedModel != from.LoggedModel {
		return Errorf(InvalidParameter, "Invalid model version source: '%s'. The run_id and model_id request parameters must match the referenced model version.", v.Source)
	}
	v.Source = "models:/" + from.Model + "/" + strconv.Itoa(from.Number)
	v.RunID, v.LoggedModel = from.RunID, from.LoggedModel
	v.Details = from.Details
	if v.Storage = from.Storage; v.Storage == "" {
		v.Storage = from.Source
	}
	return nil
}

// aliased finds the version that an alias names. The names of stages are none.
func (s *Service) aliased(ctx context.Context, ref registry.Ref) (registry.Version, error) {
	if _, err := registry.ParseStage(ref.Alias); err == nil {
		m, err := s.registry.Model(ctx, ref.Name)
		if err != nil {
			return registry.Version{}, err
		}
		if !slices.ContainsFunc(m.Aliases, func(a registry.Alias) bool { return a.Name == ref.Alias }) {
			return registry.Version{}, registry.Missing(registry.MissingError{Model: ref.Name, Alias: ref.Alias})
		}
	}
	return s.registry.Find(ctx, ref)
}

// foreignSource says that a source is of another run or model than the request
// names.
func foreignSource(v *registry.Version) *Error {
	which := "run_id"
	if v.LoggedModel != "" {
		which = "model_id"
	}
	return Errorf(InvalidParameter, "Invalid model version source: '%s'. The %s request parameter must identify the resource that contains the source.", v.Source, which)
}

func relativeSource(source string) *Error {
	return Errorf(InvalidParameter, "Invalid model version source: '%s'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, "+
		"an absolute path must be provided without relative path references present. Please provide an absolute path.", source)
}

// cleanSource reports whether a source means the same however often it is
// decoded.
func cleanSource(source string) bool {
	for range 8 {
		if strings.ContainsAny(source, "\x00\\") || slices.Contains(strings.Split(source, "/"), "..") {
			return false
		}
		decoded, err := url.QueryUnescape(source)
		if err != nil {
			return false
		}
		if decoded == source {
			return cleanPath(source)
		}
		source = decoded
	}
	return false
}

func cleanPath(source string) bool {
	u, err := url.Parse(source)
	if err != nil {
		return false
	}
	p := strings.TrimRight(u.Path, "/")
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	return p == "" || path.Clean(p) == p
}
