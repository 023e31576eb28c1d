package api

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Page is what every list takes.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many at most"`
	Cursor string `query:"cursor" maxLength:"64" doc:"where to go on: next of the page before"`
}

// Search is what lists of runs, experiments, models and versions take.
type Search struct {
	Page

	Filter string `query:"filter" maxLength:"10000" doc:"MLflow's filter language: metrics.loss < 0.2 and params.lr = '0.1'"`
	Order  string `query:"order" maxLength:"1000" doc:"keys by comma, each with ASC or DESC: metrics.loss DESC, start_time"`
}

// list is a page of resources.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"cursor of the next page; absent on the last one"`
}

// from is where a page begins.
func (p Page) from() (int, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	n, err2 := strconv.Atoi(strings.TrimPrefix(string(text), "after "))
	if err != nil || err2 != nil || n < 0 || !strings.HasPrefix(string(text), "after ") {
		return 0, errs.New(errs.Usage, "%q is no cursor of this list", p.Cursor).Hint("take next of the page before, or leave it out")
	}
	return n, nil
}

func cursorOf(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after " + strconv.Itoa(n)))
}

// listOf makes a page of what was found with one more than the limit. Those that
// keep refuses are left out: they may not be seen.
func listOf[S, T any](p Page, found []S, keep func(S) bool, show func(S) T) (list[T], error) {
	from, err := p.from()
	if err != nil {
		return list[T]{}, err
	}
	l := list[T]{Items: []T{}}
	if len(found) > p.Limit {
		found = found[:p.Limit]
		l.Next = cursorOf(from + p.Limit)
	}
	for _, s := range found {
		if keep == nil || keep(s) {
			l.Items = append(l.Items, show(s))
		}
	}
	return l, nil
}

func same[T any](t T) T { return t }

// orders reads the keys of an order.
func (s Search) orders(parse func(string) (track.Order, error)) ([]track.Order, error) {
	var all []track.Order
	for key := range strings.SplitSeq(s.Order, ",") {
		if key = strings.TrimSpace(key); key == "" {
			continue
		}
		o, err := parse(key)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// tags as an object, and back.
func tagMap(tags []track.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

func tagList(m map[string]string) []track.Tag {
	var tags []track.Tag
	for key, value := range m {
		tags = append(tags, track.Tag{Key: key, Value: value})
	}
	return tags
}

// scoped is the condition that holds of what the user may see of a kind: lists
// ask only for that, so that pages are full. Key is the attribute that names one.
func scoped(ctx context.Context, kind route.Kind, key string) track.Filter {
	s := route.ScopeOf(ctx, route.Read, kind)
	if s.Everything() {
		return nil
	}
	return track.Filter{track.Among(key, s.Of, s.All)}
}

// readable are the experiments that the user may see, by id; nil for all.
func (a *api) readable(ctx context.Context) ([]string, error) {
	s := route.ScopeOf(ctx, route.Read, route.SomeExperiments)
	switch {
	case s.Everything():
		return nil, nil
	case !s.All:
		return append([]string{}, s.Of...), nil
	}
	found, err := a.Tracking.SearchExperiments(ctx, track.ExperimentQuery{Filter: scoped(ctx, route.SomeExperiments, "experiment_id"), Deleted: true})
	ids := make([]string, len(found))
	for i, e := range found {
		ids[i] = e.ID
	}
	return ids, err
}
