package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// stageCache remembers the record of every fingerprint that ran here, in
// index.db. The database is opened when it is first asked.
type stageCache struct {
	open func(ctx context.Context) (*db.DB, error)
	now  func() int64 // ms
	ask  *sql.Stmt    // prepared when it is first asked
}

// find returns the record of a fingerprint.
func (c *stageCache) find(ctx context.Context, fingerprint string) (stagefile.Record, bool, error) {
	index, err := c.open(ctx)
	if err != nil {
		return stagefile.Record{}, false, err
	}
	if c.ask == nil {
		if c.ask, err = index.PrepareContext(ctx, "SELECT record FROM stage_cache WHERE fingerprint = ?"); err != nil {
			return stagefile.Record{}, false, fmt.Errorf("look up stage cache: %w", err)
		}
	}
	var text []byte
	err = c.ask.QueryRowContext(ctx, fingerprint).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return stagefile.Record{}, false, nil
	}
	if err != nil {
		return stagefile.Record{}, false, fmt.Errorf("look up stage cache: %w", err)
	}
	lock, err := stagefile.ParseLock("stage cache", text)
	if err != nil {
		return stagefile.Record{}, false, err
	}
	for _, r := range lock.Records() {
		if !r.Doubled && r.Fingerprint == fingerprint {
			return r, true, nil
		}
	}
	return stagefile.Record{}, false, nil
}

// store remembers records, in one transaction.
func (c *stageCache) store(ctx context.Context, records []stagefile.Record) error {
	index, err := c.open(ctx)
	if err != nil || len(records) == 0 {
		return err
	}
	return index.Write(ctx, func(tx *sql.Tx) error {
		for _, r := range records {
			lock := stagefile.NewLock()
			lock.Set(r)
			if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO stage_cache (fingerprint, stage, record, time) VALUES (?, ?, ?, ?)",
				r.Fingerprint, r.Stage, lock.Encode(), c.now()); err != nil {
				return fmt.Errorf("write stage cache: %w", err)
			}
		}
		return nil
	})
}
