package trackdb

import (
	"context"
	"strconv"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/track"
)

// condition is a part of WHERE with its arguments.
type condition struct {
	text string
	args []any
}

// noParent holds for runs that belong to no run that is there.
const noParent = "(r.parent = '' OR NOT EXISTS (SELECT 1 FROM runs p WHERE p.id = r.parent AND p.deleted = 0))"

// fewParents is up to how many runs with children are looked at one by one.
const fewParents = 200

// top is the condition for runs that belong to none. Where few runs have all the
// children, as a sweep of 100,000 trials has, the parents that are not there are
// looked up first: then the index of runs without a parent is where to look, and
// not each child.
func (s *Service) top(ctx context.Context, q track.Query) condition {
	slow := condition{text: noParent}
	if !q.Top || s.db.Dialect() == db.Postgres {
		return slow
	}
	var id string
	var there bool
	var parents int
	var gone []any
	err := db.Each(ctx, s.db, []any{&id, &there}, func() error {
		if parents++; !there {
			gone = append(gone, id)
		}
		return nil
	}, `WITH RECURSIVE parents (id) AS (
			SELECT min(parent) FROM runs INDEXED BY runs_parent WHERE parent <> ''
			UNION ALL
			SELECT (SELECT min(parent) FROM runs INDEXED BY runs_parent WHERE parent <> '' AND parent > parents.id) FROM parents WHERE id IS NOT NULL)
		SELECT id, EXISTS (SELECT 1 FROM runs r WHERE r.id = parents.id AND r.deleted = 0) FROM parents
		WHERE id IS NOT NULL LIMIT `+strconv.Itoa(fewParents+1))
	switch {
	case err != nil || parents > fewParents:
		return slow
	case len(gone) == 0:
		return condition{text: "r.parent = ''"}
	}
	return condition{"(r.parent = '' OR r.parent IN (" + marks(len(gone)) + "))", gone}
}
