package api

import (
	"errors"

	"github.com/mlops-cli/mlops/pkg/track"
)

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
