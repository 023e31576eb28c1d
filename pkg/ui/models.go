package ui

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

type modelsPage struct {
	Missing bool // there is no registry
	Models  []registry.Model
}

func (u *pages) models(w http.ResponseWriter, r *http.Request) error {
	b := modelsPage{Missing: u.Models == nil}
	if !b.Missing {
		all, err := u.Models.Models(r.Context(), registry.Query{})
		if err != nil {
			return err
		}
		b.Models = slices.DeleteFunc(all, func(m registry.Model) bool {
			return route.Allow(r.Context(), route.Read, route.Subject{Kind: route.Model, ID: m.Name}) != nil
		})
	}
	return u.show(w, r, http.StatusOK, "models.html", page{Title: "Models", Nav: "models", Body: b})
}

// modelPage is a model with its versions.
type modelPage struct {
	Model       registry.Model
	Versions    []versionRow
	Description template.HTML
	Metrics     []string // columns
	Events      []track.Event
	May         bool
}

type versionRow struct {
	registry.Version

	Values []string
}

// modelOf finds the model that a request names.
func (u *pages) modelOf(r *http.Request, access route.Access) (registry.Model, error) {
	name := r.PathValue("name")
	if err := route.Allow(r.Context(), access, route.Subject{Kind: route.Model, ID: name}); err != nil {
		return registry.Model{}, err
	}
	if u.Models == nil {
		return registry.Model{}, errs.New(errs.NotFound, "no models are kept here")
	}
	return u.Models.Model(r.Context(), name)
}

// versionMetrics is how many metrics the table of versions has columns for.
const versionMetrics = 4

func (u *pages) model(w http.ResponseWriter, r *http.Request) error {
	m, err := u.modelOf(r, route.Read)
	if err != nil {
		return err
	}
	versions, err := u.Models.Versions(r.Context(), registry.Query{Filter: track.Filter{{Entity: track.Attributes, Key: "name", Op: track.Equal, Text: m.Name}}})
	if err != nil {
		return err
	}
	b := modelPage{Model: m, Description: markdown(m.Description), May: route.Allow(r.Context(), route.Write, route.Subject{Kind: route.Model, ID: m.Name}) == nil}
	for i := range versions {
		u.complete(r.Context(), &versions[i])
	}
	b.Metrics = commonMetrics(versions)
	for i := range versions {
		row := versionRow{Version: versions[i], Values: make([]string, len(b.Metrics))}
		for _, x := range versions[i].Details.Metrics {
			if at := slices.Index(b.Metrics, x.Key); at >= 0 {
				row.Values[at] = valueText(x.Value)
			}
		}
		b.Versions = append(b.Versions, row)
	}
	if u.Events != nil {
		if b.Events, err = u.Events.Events(r.Context(), track.EventQuery{Subject: m.Name, Kinds: []string{"model"}, Last: 20}); err != nil {
			return err
		}
		slices.Reverse(b.Events)
	}
	return u.show(w, r, http.StatusOK, "model.html", page{Title: m.Name, Nav: "models", Crumbs: []crumb{{"Models", "/models"}}, Body: b})
}

// commonMetrics are those that most of the versions have, but of machines.
func commonMetrics(versions []registry.Version) []string {
	var keys []string
	have := map[string]int{}
	for i := range versions {
		for _, x := range versions[i].Details.Metrics {
			if have[x.Key]++; have[x.Key] == 1 && !strings.HasPrefix(x.Key, "system/") {
				keys = append(keys, x.Key)
			}
		}
	}
	slices.SortStableFunc(keys, func(a, b string) int { return have[b] - have[a] })
	return keys[:min(len(keys), versionMetrics)]
}

// modelVersionPage is one version.
type modelVersionPage struct {
	Model       registry.Model
	Version     registry.Version
	Description template.HTML
	Card        template.HTML
	Fields      []registry.Field
	Others      []int
	May         bool
	Drawing     template.HTML
	Lineage     release.Lineage
	Gates       []gate
	Stages      []registry.Stage
}

func (u *pages) modelVersion(w http.ResponseWriter, r *http.Request) error {
	m, err := u.modelOf(r, route.Read)
	if err != nil {
		return err
	}
	ref, err := registry.ParseRef(m.Name + "/" + r.PathValue("version"))
	if err != nil {
		return err
	}
	v, err := u.Models.Find(r.Context(), ref)
	if err != nil {
		return err
	}
	if u.Release != nil {
		if err := u.Release.Complete(r.Context(), &v, true); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	u.complete(r.Context(), &v)
	lineage, err := u.lineageOf(r.Context(), &v)
	if err != nil {
		return err
	}
	b := modelVersionPage{
		Model: m, Version: v, Description: markdown(v.Description), Stages: registry.Stages(),
		Lineage: lineage, Drawing: drawLineage(&lineage, u.dataLinks(r.Context())), Gates: u.gatesOf(r.Context(), &m, &v),
		May: route.Allow(r.Context(), route.Write, route.Subject{Kind: route.Model, ID: m.Name}) == nil,
	}
	if v.Details.Card != "" {
		b.Card = markdown(v.Details.Card)
	}
	if v.Details.Signature != nil {
		b.Fields = v.Details.Signature.Fields()
	}
	title := m.Name + " version " + strconv.Itoa(v.Number)
	return u.show(w, r, http.StatusOK, "model_version.html", page{
		Title: title, Nav: "models", Crumbs: []crumb{{"Models", "/models"}, {m.Name, "/models/" + escapePath(m.Name)}}, Body: b,
	})
}

// editModel changes a model, or one of its versions, by a form.
func (u *pages) editModel(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Usage, "the form is not as it should be: %w", err)
	}
	m, err := u.modelOf(r, route.Write)
	if err != nil {
		return err
	}
	form := r.PostForm
	ref := registry.Ref{Name: m.Name}
	to := "/models/" + escapePath(m.Name)
	if text := form.Get("version"); text != "" {
		if ref.Number, err = strconv.Atoi(text); err != nil || ref.Number < 1 {
			return errs.New(errs.Usage, "%q is not a version", text)
		}
		to += "/" + text
	}
	switch what := form.Get("do"); what {
	case "describe":
		err = u.Models.Describe(r.Context(), ref, strings.ReplaceAll(form.Get("text"), "\r\n", "\n"))
	case "tag":
		err = u.Models.SetTag(r.Context(), ref, strings.TrimSpace(form.Get("key")), form.Get("value"))
	case "untag":
		err = u.Models.DeleteTag(r.Context(), ref, form.Get("key"))
	case "alias":
		err = u.setAlias(r.Context(), m.Name, strings.TrimSpace(form.Get("alias")), ref.Number)
	case "promote":
		err = u.promote(r.Context(), ref, form.Get("alias"), form.Get("why"))
	case "approve":
		err = u.Models.Approve(r.Context(), m.Name, ref.Number, registry.Approval{Alias: form.Get("alias"), Note: form.Get("why")})
	case "unalias":
		err = u.Models.DeleteAlias(r.Context(), m.Name, form.Get("alias"))
	case "stage":
		_, err = u.Models.SetStage(r.Context(), m.Name, ref.Number, registry.Stage(form.Get("stage")), form.Get("archive") != "")
	default:
		err = errs.New(errs.Usage, "%q is not a change of a model", what)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // a path below /models/
	return nil
}
