package trackdb

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/track"
)

// keyRows is where the keys of an entity are, and of which rows; "" where it has
// none.
func keyRows(entity track.Entity) (table, where string) {
	switch entity {
	case track.Metrics:
		return "series", "TRUE"
	case track.Params:
		return "params", "TRUE"
	case track.Tags:
		return "tags", "deleted = 0"
	case track.Attributes, track.Datasets:
	}
	return "", ""
}

// Keys lists the keys of all params, metrics or tags, sorted. It jumps from key
// to key in an index: its cost follows their number, not that of the runs.
func (s *Service) Keys(ctx context.Context, entity track.Entity) ([]string, error) {
	table, where := keyRows(entity)
	if table == "" {
		return nil, nil
	}
	return column(ctx, s.db, `WITH RECURSIVE k (key) AS (SELECT min(key) FROM `+table+` WHERE `+where+`
		UNION ALL SELECT (SELECT min(key) FROM `+table+` WHERE key > k.key AND `+where+`) FROM k WHERE k.key IS NOT NULL)
		SELECT key FROM k WHERE key IS NOT NULL`)
}

// KeysOf lists the keys that the runs of a query have, sorted.
func (s *Service) KeysOf(ctx context.Context, q track.Query, entity track.Entity) ([]string, error) {
	table, where := keyRows(entity)
	if table == "" {
		return nil, nil
	}
	runs, args := s.listing(ctx, q).query(q)
	return column(ctx, s.db, "SELECT DISTINCT key FROM "+table+" WHERE run IN ("+runs+") AND "+where+" ORDER BY key", args...)
}
