package trackdb

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/track"
)

// keyTable is where the keys of an entity are; "" where it has none.
func keyTable(entity track.Entity) string {
	switch entity {
	case track.Metrics:
		return "series"
	case track.Params, track.Tags:
		return string(entity)
	case track.Attributes, track.Datasets:
	}
	return ""
}

// Keys lists the keys of all params, metrics or tags, sorted. It jumps from key
// to key in an index: its cost follows their number, not that of the runs.
func (s *Service) Keys(ctx context.Context, entity track.Entity) ([]string, error) {
	table := keyTable(entity)
	if table == "" {
		return nil, nil
	}
	return column(ctx, s.db, `WITH RECURSIVE k (key) AS (SELECT min(key) FROM `+table+`
		UNION ALL SELECT (SELECT min(key) FROM `+table+` WHERE key > k.key) FROM k WHERE k.key IS NOT NULL)
		SELECT key FROM k WHERE key IS NOT NULL`)
}

// KeysOf lists the keys that the runs of a query have, sorted.
func (s *Service) KeysOf(ctx context.Context, q track.Query, entity track.Entity) ([]string, error) {
	table := keyTable(entity)
	if table == "" {
		return nil, nil
	}
	runs, args := s.listing(ctx, q).query("r.seq", q)
	return column(ctx, s.db, "SELECT DISTINCT key FROM "+table+" WHERE run IN ("+runs+") ORDER BY key", args...)
}
