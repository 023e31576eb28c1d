package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

// SharedCache is the stage cache as push and fetch see it.
type SharedCache struct {
	index *db.DB
	clock clock.Clock
}

var _ transfer.StageCache = (*SharedCache)(nil)

// NewSharedCache returns the stage cache in index.
func NewSharedCache(index *db.DB, c clock.Clock) *SharedCache { return &SharedCache{index, c} }

// Fingerprints lists the entries.
func (c *SharedCache) Fingerprints(ctx context.Context) (all []string, err error) {
	rows, err := c.index.QueryContext(ctx, "SELECT fingerprint FROM stage_cache")
	if err != nil {
		return nil, fmt.Errorf("list stage cache: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var f string
		if err := rows.Scan(&f); err != nil {
			return nil, fmt.Errorf("list stage cache: %w", err)
		}
		all = append(all, f)
	}
	return all, rows.Err()
}

// atOnce bounds the entries of one statement.
const atOnce = 500

// Entries returns those of some fingerprints. An entry that cannot be read is
// left out: it helps nobody.
func (c *SharedCache) Entries(ctx context.Context, fingerprints []string) ([]transfer.StageEntry, error) {
	var out []transfer.StageEntry
	for some := range slices.Chunk(fingerprints, atOnce) {
		entries, err := c.entries(ctx, some)
		if err != nil {
			return nil, err
		}
		out = append(out, entries...)
	}
	return out, nil
}

func (c *SharedCache) entries(ctx context.Context, fingerprints []string) (out []transfer.StageEntry, err error) {
	marks := make([]byte, 0, 2*len(fingerprints))
	args := make([]any, len(fingerprints))
	for i, f := range fingerprints {
		marks, args[i] = append(marks, '?', ','), f
	}
	rows, err := c.index.QueryContext(ctx, "SELECT fingerprint, record FROM stage_cache WHERE fingerprint IN ("+string(marks[:len(marks)-1])+")", args...)
	if err != nil {
		return nil, fmt.Errorf("read stage cache: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var f string
		var text []byte
		if err := rows.Scan(&f, &text); err != nil {
			return nil, fmt.Errorf("read stage cache: %w", err)
		}
		if r, ok := onlyRecord(text); ok && r.Fingerprint == f {
			out = append(out, transfer.StageEntry{Fingerprint: f, Record: string(text)})
		}
	}
	return out, rows.Err()
}

// Learn takes entries in, and says how many were not known. What is known here
// stays: its outputs are more likely to be here, too.
func (c *SharedCache) Learn(ctx context.Context, entries []transfer.StageEntry) (added int, err error) {
	now := c.clock.Now().UnixMilli()
	err = c.index.Write(ctx, func(tx *sql.Tx) error {
		for _, e := range entries {
			r, ok := onlyRecord([]byte(e.Record))
			if !ok {
				continue
			}
			res, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO stage_cache (fingerprint, stage, record, time) VALUES (?, ?, ?, ?)",
				e.Fingerprint, r.Stage, []byte(e.Record), now)
			if err != nil {
				return fmt.Errorf("write stage cache: %w", err)
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			added += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

func onlyRecord(text []byte) (stagefile.Record, bool) {
	lock, err := stagefile.ParseLock("stage cache", text)
	if err != nil {
		return stagefile.Record{}, false
	}
	records := lock.Records()
	if len(records) != 1 || records[0].Doubled {
		return stagefile.Record{}, false
	}
	return records[0], true
}
