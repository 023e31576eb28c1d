package api

import (
	"context"
	"errors"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// addList adds a list of what is few enough to be looked at one by one.
func addList[T any](a *api, op operation, l track.Language, attribute func(T, string) (string, float64), all func(context.Context) ([]T, error)) {
	add(a, op, func(ctx context.Context, in *Search) (*reply[list[T]], error) {
		found, err := all(ctx)
		if err != nil {
			return nil, err
		}
		return ok(sifted(*in, l, found, attribute, same[T]))
	})
}

// one is the only thing of a list that a test holds of.
func one[T any](all []T, err error, test func(T) bool, what, name string) (*reply[T], error) {
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, test); i >= 0 {
		return ok(all[i], nil)
	}
	return nil, errs.New(errs.NotFound, "there is no %s %q", what, name)
}

// sifted is a page of a list that is few enough to be looked at one by one: what
// filter and order of the search leave, from its cursor on.
func sifted[S, T any](s Search, l track.Language, all []S, attribute func(S, string) (string, float64), show func(S) T) (list[T], error) {
	from, err := s.from()
	filter, err2 := l.Filter(s.Filter)
	order, err3 := s.orders(l.Order)
	if err := errors.Join(err, err2, err3); err != nil {
		return list[T]{}, err
	}
	all = track.Sift(all, filter, order, attribute)
	all = all[min(from, len(all)):]
	return listOf(s.Page, all[:min(len(all), s.Limit+1)], nil, show)
}
