package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// CachedOutputs calls fn for each output that the stage cache has learnt at or
// after since, in milliseconds since 1970.
func CachedOutputs(ctx context.Context, index *db.DB, since int64, fn func(stage string, out stagefile.Asset) error) (err error) {
	rows, err := index.QueryContext(ctx, "SELECT stage, record FROM stage_cache WHERE time >= ?", since)
	if err != nil {
		return fmt.Errorf("list stage cache: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var stage string
		var text []byte
		if err := rows.Scan(&stage, &text); err != nil {
			return fmt.Errorf("list stage cache: %w", err)
		}
		lock, err := stagefile.ParseLock("stage cache", text)
		if err != nil {
			return err
		}
		for _, r := range lock.Records() {
			for _, out := range r.Outs {
				if err := fn(stage, out); err != nil {
					return err
				}
			}
		}
	}
	return rows.Err()
}
