package trackdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// Objects calls fn for every object that a run names: what it read, wrote and
// kept, and the logs of its stages (kind file); those of logged models, for
// the run that made them; and those of files that belong to neither, for the run
// "". Runs in the bin count as well, but for those that were put there at that
// time (ms) or before; 0 is none.
func (s *Service) Objects(ctx context.Context, removed int64, fn func(run, path, kind string, id oid.ID) error) (err error) {
	rows, err := s.db.QueryContext(ctx, `
		SELECT r.id, a.path, a.kind, a.id FROM assets a JOIN runs r ON r.seq = a.run WHERE r.deleted NOT BETWEEN 1 AND ?1
		UNION ALL
		SELECT CASE m.run WHEN '' THEN m.id ELSE m.run END, a.path, a.kind, a.id FROM model_assets a JOIN logged_models m ON m.seq = a.model
		WHERE m.deleted NOT BETWEEN 1 AND ?1
		UNION ALL
		SELECT '', path, kind, id FROM shared_assets
		UNION ALL
		SELECT r.id, 'log of ' || s.name, 'file', s.log FROM stages s JOIN runs r ON r.seq = s.run WHERE s.log IS NOT NULL AND r.deleted NOT BETWEEN 1 AND ?1`, removed)
	if err != nil {
		return fmt.Errorf("list objects of runs: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var run, path, kind string
		var raw []byte
		if err := rows.Scan(&run, &path, &kind, &raw); err != nil {
			return fmt.Errorf("list objects of runs: %w", err)
		}
		if len(raw) == 0 {
			continue
		}
		id, err := oid.FromBytes(raw)
		if err != nil {
			return fmt.Errorf("list objects of runs: %w", err)
		}
		if err := fn(run, path, kind, id); err != nil {
			return err
		}
	}
	return rows.Err()
}

// HasAsset reports whether a run has an artifact with this content at a path.
func (s *Service) HasAsset(ctx context.Context, path string, id oid.ID) (bool, error) {
	found, err := column(ctx, s.db, "SELECT path FROM assets WHERE role = 'artifact' AND id = ? AND path = ? LIMIT 1", id[:], path)
	return len(found) > 0, err
}
