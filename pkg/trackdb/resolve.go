package trackdb

import (
	"context"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
)

// minPrefix is the shortest prefix of an id that is looked up.
const minPrefix = 4

// Resolve implements track.Reader. Deleted runs are found by id only.
func (s *Service) Resolve(ctx context.Context, ref string) (string, error) {
	type match struct{ id, name string }
	find := func(query string, args ...any) ([]match, error) {
		var found []match
		var m match
		err := db.Each(ctx, s.db, []any{&m.id, &m.name}, func() error {
			found = append(found, m)
			return nil
		}, "SELECT id, name FROM runs WHERE "+query+" ORDER BY start_time DESC, id LIMIT 11", args...)
		return found, err
	}
	low := strings.ToLower(ref)
	isHex := len(low) >= minPrefix && len(low) <= 32 && strings.Trim(low, "0123456789abcdef") == ""
	found, err := find("name = ? AND deleted = 0", ref)
	if err == nil && isHex && (len(found) == 0 || len(low) == 32) {
		var byID []match
		if byID, err = find("id >= ? AND id < ?", low, low+"g"); len(byID) > 0 {
			found = byID
		}
	}
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 1:
		return found[0].id, nil
	case 0:
		return "", s.unknown(ctx, ref)
	}
	e := errs.New(errs.Conflict, "run %q may be one of several", ref)
	for i, m := range found {
		if i == 10 {
			e = e.Hint("…")
			break
		}
		e = e.Hint("%s %s", m.id, m.name)
	}
	return "", e
}

// ResolveRemoved is Resolve for what is to be restored: a name means a run in
// the bin before one that is listed.
func (s *Service) ResolveRemoved(ctx context.Context, ref string) (string, error) {
	found, err := column(ctx, s.db, "SELECT id FROM runs WHERE name = ? AND deleted > 0 ORDER BY deleted DESC, id LIMIT 11", ref)
	switch {
	case err != nil:
		return "", err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		e := errs.New(errs.Conflict, "several runs called %q were removed", ref)
		for _, id := range found {
			e = e.Hint("%s", id)
		}
		return "", e
	}
	return s.Resolve(ctx, ref)
}

func (s *Service) unknown(ctx context.Context, ref string) error {
	names, err := column(ctx, s.db, "SELECT name FROM runs WHERE deleted = 0 ORDER BY seq DESC LIMIT 1000")
	if err != nil {
		return err
	}
	slices.Sort(names)
	names = slices.Compact(names)
	e := errs.New(errs.NotFound, "run %q does not exist", ref).DidYouMean(ref, names)
	if len(names) == 0 {
		return e.Hint("no run is recorded yet: mlops run")
	}
	removed, err := column(ctx, s.db, "SELECT id FROM runs WHERE name = ? AND deleted > 0 ORDER BY seq DESC LIMIT 1", ref)
	if err != nil {
		return err
	}
	for _, id := range removed {
		e = e.Hint("a run of this name was removed: mlops runs restore %.8s", id)
	}
	return e.Hint("mlops runs ls shows the runs")
}
