package ui

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// subjectsOf says what a route is about, by the words of its pattern: a user who
// may not see everything may see what is his.
func (u *pages) subjectsOf(pattern string) func(*http.Request) ([]route.Subject, error) {
	switch {
	case pattern == "/experiments/{id}/about", pattern == "/experiments/{id}/edit":
		return route.Path(route.Experiment, "id")
	case strings.Contains(pattern, "{id}") && !strings.HasPrefix(pattern, "/experiments/"):
		return func(r *http.Request) ([]route.Subject, error) { return u.runSubjects(r.Context(), r.PathValue("id")) }
	case strings.Contains(pattern, "/models/{name}"):
		return route.Path(route.Model, "name")
	case pattern == "/ui/curves":
		return route.Query(route.Run, "run")
	case pattern == "/compare":
		return func(r *http.Request) ([]route.Subject, error) { return u.runSubjects(r.Context(), refsOf(r)...) }
	case pattern == "/ui/runs/delete", pattern == "/ui/runs/restore", pattern == "/ui/runs/tag":
		return u.selectionSubjects
	case pattern == "/{$}", pattern == "/runs", pattern == "/ui/runs", pattern == "/ui/runs/changes", strings.HasPrefix(pattern, "/experiments"), pattern == "/ui/markdown":
		return route.Some(route.SomeExperiments)
	case pattern == "/models":
		return route.Some(route.SomeModels)
	}
	return nil
}

// refsOf are the runs that a comparison names.
func refsOf(r *http.Request) []string {
	return strings.FieldsFunc(r.URL.Query().Get("runs"), func(c rune) bool { return c == ',' || c == ' ' })
}

func (u *pages) runSubjects(ctx context.Context, refs ...string) ([]route.Subject, error) {
	var all []route.Subject
	for _, ref := range refs {
		id := ref
		if track.CheckID(ref) != nil {
			var err error
			if id, err = u.Runs.Resolve(ctx, ref); err != nil {
				return nil, err
			}
		}
		all = append(all, route.Subject{Kind: route.Run, ID: id})
	}
	return all, nil
}

// selectionSubjects reads the body, and puts an equal one back.
func (u *pages) selectionSubjects(r *http.Request) ([]route.Subject, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var s selection
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, errs.New(errs.Usage, "the request is not as it should be: %w", err)
	}
	return u.runSubjects(r.Context(), s.Runs...)
}
