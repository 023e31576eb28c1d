package db

import "context"

// eventLock is the advisory lock of those who number events, beside the schema's
// name: "even".
const eventLock = 0x6576656e

// NumberEvents gives numbers to the events of the history that have none yet: in
// PostgreSQL all that were written since the last call. One numbers at a time,
// and sees what is committed only: an event that is read has a higher number than
// all that were read before, in whatever order transactions ended, and nobody
// waits for those that run. Whoever reads events calls this first. In SQLite
// writers take turns, and events are numbered as they are written.
func (d *DB) NumberEvents(ctx context.Context) error {
	if d.dialect != Postgres {
		return nil
	}
	var some bool
	if err := d.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM events WHERE seq IS NULL) AND current_setting('transaction_read_only') = 'off'").
		Scan(&some); err != nil || !some {
		return d.explain(err)
	}
	return d.updateAlone(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?, hashtext(current_schema()))", int32(eventLock)); err != nil {
			return err
		}
		// A statement of its own: it sees what was numbered while this waited.
		_, err := tx.ExecContext(ctx, `UPDATE events e SET seq = n.seq FROM (
			SELECT id, (SELECT coalesce(max(seq), 0) FROM events) + row_number() OVER (ORDER BY id) AS seq FROM events WHERE seq IS NULL) n
			WHERE e.id = n.id`)
		return err
	})
}
