package trackdb

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/mlops-cli/mlops/pkg/route"
)

// ExperimentOf returns the id of the experiment that a run, a logged model, a
// name or a path below the artifact root belongs to; "" when there is no such
// thing.
func (s *Service) ExperimentOf(ctx context.Context, what route.Subject) (string, error) {
	var query string
	switch what.Kind {
	case route.Experiment:
		return what.ID, nil
	case route.Files:
		id, _, _ := strings.Cut(what.ID, "/")
		return id, nil
	case route.ExperimentName:
		query = "SELECT CAST(id AS TEXT) FROM experiments WHERE name = ?"
	case route.Run:
		query = "SELECT CAST(experiment AS TEXT) FROM runs WHERE id = ?"
	case route.LoggedModel:
		query = "SELECT CAST(experiment AS TEXT) FROM logged_models WHERE id = ?"
	default:
		return "", nil
	}
	var id string
	err := s.db.QueryRowContext(ctx, query, what.ID).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}
