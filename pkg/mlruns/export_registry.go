package mlruns

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// registered gives the registered models to the server: versions whose files came
// from runs that are there.
func (x *Exporter) registered(ctx context.Context, dry bool) error {
	models, err := x.origin.Registry.Models(ctx, registry.Query{Prompts: true})
	if err != nil {
		return err
	}
	for _, m := range models {
		versions, err := x.origin.Registry.Versions(ctx, registry.Query{Filter: track.Filter{{Entity: track.Attributes, Key: "name", Op: track.Equal, Text: m.Name}}, Prompts: true})
		if err != nil {
			return err
		}
		if err := x.registeredModel(ctx, m, versions, dry); err != nil {
			return fmt.Errorf("registered model %s: %w", m.Name, err)
		}
	}
	return nil
}

func (x *Exporter) registeredModel(ctx context.Context, m registry.Model, versions []registry.Version, dry bool) error {
	there, err := x.versionsThere(ctx, m)
	if err != nil {
		return err
	}
	if !dry {
		err := x.call(ctx, http.MethodPost, "registered-models/create", nil, map[string]any{"name": m.Name, "description": m.Description, "tags": registryPairs(m.Tags)}, nil)
		if err != nil && !isTaken(err) {
			return err
		}
	}
	last := 0 // the highest number that is known to be used there
	for _, w := range there {
		last = max(last, int(w.Version))
		if !dry && slices.Contains(w.Tags, wirePair{originTag, gapOrigin}) { // of an export that was killed
			if err := x.dropVersion(ctx, m.Name, int(w.Version)); err != nil {
				return err
			}
		}
	}
	numbers := map[int]int{}
	slices.Reverse(versions) // the lowest number first
	for _, v := range versions {
		at, err := x.sourceThere(ctx, v)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(there, func(w wireVersion) bool {
			return slices.Contains(w.Tags, wirePair{originTag, v.ID}) || w.Run == at.run && int64(w.Created) == v.Created // it came from there
		}); i >= 0 {
			numbers[v.Number] = int(there[i].Version)
			x.result.Versions.Same++
			if there[i].Stage == string(registry.NoStage) && !dry { // an export was killed before it was set
				if err := x.setStage(ctx, v, numbers[v.Number]); err != nil {
					return err
				}
			}
			continue
		}
		if dry && x.chosen[v.RunID] && at.source == "" {
			x.result.Versions.New++ // its run will be there
			continue
		}
		what := fmt.Sprintf("version %d of %s", v.Number, m.Name)
		if at.source == "" {
			x.problem(what, fmt.Errorf("its files belong to no run that is on the server"))
			continue
		}
		if dry {
			x.result.Versions.New++
			continue
		}
		number, err := x.version(ctx, v, at, last)
		if refused(err) {
			x.problem(what, fmt.Errorf("the server does not take it: %w", err))
			continue
		}
		if err != nil {
			return err
		}
		last = number
		x.result.Versions.New++
		if last != v.Number {
			x.problem(what, fmt.Errorf("it is version %d there: other versions have used that number", last))
		}
		numbers[v.Number] = last
	}
	if dry {
		return nil
	}
	for _, a := range m.Aliases {
		if number := numbers[a.Version]; number != 0 {
			if err := x.call(ctx, http.MethodPost, "registered-models/alias", nil, map[string]any{"name": m.Name, "alias": a.Name, "version": strconv.Itoa(number)}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// versionsThere are the versions of a model on the server.
func (x *Exporter) versionsThere(ctx context.Context, m registry.Model) ([]wireVersion, error) {
	filter := "name = '" + strings.ReplaceAll(m.Name, "'", "''") + "'"
	if slices.ContainsFunc(m.Tags, func(t registry.Tag) bool { return t.Key == registry.PromptTag && t.Value == "true" }) {
		filter += " AND " + promptFilter
	}
	var out []wireVersion
	err := pages(func(token string) (string, error) {
		var page struct {
			Versions []wireVersion `json:"model_versions"`
			Next     string        `json:"next_page_token"`
		}
		err := x.call(ctx, http.MethodGet, "model-versions/search", query("filter", filter, "max_results", "1000", "page_token", token), nil, &page)
		out = append(out, page.Versions...)
		return page.Next, err
	})
	return out, err
}

// gapOrigin marks a version that only keeps a number unused, until it is deleted.
const gapOrigin = "none"

// version registers a version on the server and returns its number there: the same
// as here, where that is free. last is the highest number that is used there.
func (x *Exporter) version(ctx context.Context, v registry.Version, at versionPlace, last int) (int, error) {
	create := func(body map[string]any) (int, error) {
		var made struct {
			Version wireVersion `json:"model_version"`
		}
		err := x.call(ctx, http.MethodPost, "model-versions/create", nil, body, &made)
		return int(made.Version.Version), err
	}
	body := func(source string, tags ...wirePair) map[string]any {
		b := map[string]any{"name": v.Model, "source": source, "run_id": at.run, "tags": tags}
		if at.model != "" && source == at.source {
			b["model_id"] = at.model
		}
		return b
	}
	for last+1 < v.Number {
		gap, err := create(body(cmp.Or(at.files, at.source), wirePair{originTag, gapOrigin}))
		if err != nil {
			return 0, err
		}
		last = gap
		if err := x.dropVersion(ctx, v.Model, gap); err != nil {
			return 0, err
		}
	}
	whole := body(at.source, append(registryPairs(v.Tags), wirePair{originTag, v.ID})...)
	whole["description"], whole["run_link"] = v.Description, v.RunLink
	number, err := create(whole)
	if err != nil {
		return 0, err
	}
	return number, x.setStage(ctx, v, number)
}

// setStage gives a version on the server the stage that it has here.
func (x *Exporter) setStage(ctx context.Context, v registry.Version, number int) error {
	if v.Stage == registry.NoStage || v.Stage == "" {
		return nil
	}
	return x.call(ctx, http.MethodPost, "model-versions/transition-stage", nil, map[string]any{
		"name": v.Model, "version": strconv.Itoa(number), "stage": v.Stage, "archive_existing_versions": false,
	}, nil)
}

func (x *Exporter) dropVersion(ctx context.Context, name string, number int) error {
	return x.call(ctx, http.MethodDelete, "model-versions/delete", nil, map[string]any{"name": name, "version": strconv.Itoa(number)}, nil)
}

func registryPairs(tags []registry.Tag) []wirePair {
	out := make([]wirePair, 0, len(tags))
	for _, t := range tags {
		out = append(out, wirePair{t.Key, t.Value})
	}
	return out
}

// versionPlace is where the files of a version are on the server, with the run and the
// logged model that they belong to there.
type versionPlace struct {
	source, run, model string
	files              string // of the run
}

// sourceThere finds the place of a version on the server. What is neither of a run
// nor of a logged model, as in a bucket of others, is where it is.
func (x *Exporter) sourceThere(ctx context.Context, v registry.Version) (versionPlace, error) {
	there, ok := x.runs[v.RunID]
	at := versionPlace{run: there.Info.ID, files: trimSlash(there.Info.Files)}
	if v.LoggedModel != "" {
		id, err := x.modelThere(ctx, v.LoggedModel, there.Info.Experiment)
		if err != nil || id != "" {
			at.source, at.model = "models:/"+id, id
			return at, err
		}
	}
	for _, uri := range []string{v.Storage, v.Source} {
		if !ok {
			break
		}
		if _, below, found := strings.Cut(uri, "/"+v.RunID+"/artifacts"); found {
			at.source = at.files + below
			return at, nil
		}
		if below, found := strings.CutPrefix(uri, "runs:/"+v.RunID); found {
			at.source = at.files + below
			return at, nil
		}
	}
	scheme, _, isURI := strings.Cut(v.Source, ":")
	switch {
	case ok && v.Details.Path != "":
		at.source = at.files + "/" + v.Details.Path
	case !v.Details.Object.IsZero():
	case !isURI || slices.Contains([]string{"s3", "gs", "azblob", "http", "https", "dbfs", "hdfs", "wasbs", "abfss"}, scheme):
		at.source = v.Source
	}
	return at, nil
}
