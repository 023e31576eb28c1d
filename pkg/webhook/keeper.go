package webhook

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
)

// Keeper keeps the hooks of one database.
type Keeper struct {
	db       *db.DB
	clock    clock.Clock
	insecure bool
}

// NewKeeper returns the keeper of a database that has the migrations of db.Index
// or db.ServerSchema. Insecure lets hooks be http and lead into the network of
// the server.
func NewKeeper(d *db.DB, c clock.Clock, insecure bool) *Keeper {
	return &Keeper{db: d, clock: c, insecure: insecure}
}

func (k *Keeper) now() int64 { return k.clock.Now().UnixMilli() }

// Create keeps a new hook, which is told of what happens from now on.
func (k *Keeper) Create(ctx context.Context, h Hook) (Hook, error) {
	if err := h.Check(k.insecure); err != nil {
		return h, err
	}
	events, err := json.Marshal(h.Events)
	if err != nil {
		return h, err
	}
	var random [16]byte
	rand.Read(random[:]) // never fails
	random[6], random[8] = random[6]&0x0f|0x40, random[8]&0x3f|0x80
	h.ID = fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
	h.Created = k.now()
	h.Updated = h.Created
	if err := k.db.NumberEvents(ctx); err != nil { // what happened before is not told
		return h, err
	}
	err = k.db.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO webhooks (id, name, url, description, events, secret, active, created, updated, after_event)
			SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(max(seq), 0) FROM events`,
			h.ID, h.Name, h.URL, h.Description, string(events), h.Secret, number(h.Active), h.Created, h.Updated)
		return err
	})
	return h, err
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

const columns = "id, name, url, description, events, secret, active > 0, created, updated, after_event, attempts"

func scan(row interface{ Scan(dest ...any) error }) (Hook, error) {
	var h Hook
	var events string
	err := row.Scan(&h.ID, &h.Name, &h.URL, &h.Description, &events, &h.Secret, &h.Active, &h.Created, &h.Updated, &h.after, &h.attempts)
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal([]byte(events), &h.Events)
}

// List returns hooks, the newest first; a limit of 0 means all.
func (k *Keeper) List(ctx context.Context, offset, limit int) (hooks []Hook, err error) {
	if limit == 0 {
		limit = 1 << 30
	}
	rows, err := k.db.QueryContext(ctx, "SELECT "+columns+" FROM webhooks ORDER BY created DESC, id LIMIT ? OFFSET ?", limit, offset)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	hooks = []Hook{}
	for rows.Next() {
		h, err := scan(rows)
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, h)
	}
	return hooks, rows.Err()
}

// Get returns a hook.
func (k *Keeper) Get(ctx context.Context, id string) (Hook, error) {
	h, err := scan(k.db.QueryRowContext(ctx, "SELECT "+columns+" FROM webhooks WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return h, missing(id)
	}
	return h, err
}

func missing(id string) error {
	return errs.New(errs.NotFound, "Webhook with ID %s not found.", id)
}

// Change is a change of a hook; what is nil stays.
type Change struct {
	Name, URL, Description, Secret *string
	Events                         []Event
	Active                         *bool
}

// Update changes a hook. One that is made active again is told of what happens
// from then on.
func (k *Keeper) Update(ctx context.Context, id string, c Change) (Hook, error) {
	var h Hook
	if err := k.db.NumberEvents(ctx); err != nil {
		return h, err
	}
	err := k.db.Update(ctx, func(tx *db.Tx) error {
		var err error
		h, err = scan(tx.QueryRowContext(ctx, "SELECT "+columns+" FROM webhooks WHERE id = ?"+tx.Dialect().ForUpdate(), id))
		if errors.Is(err, sql.ErrNoRows) {
			return missing(id)
		}
		if err != nil {
			return err
		}
		for to, from := range map[*string]*string{&h.Name: c.Name, &h.URL: c.URL, &h.Description: c.Description, &h.Secret: c.Secret} {
			if from != nil {
				*to = *from
			}
		}
		if c.Events != nil {
			h.Events = c.Events
		}
		if c.Active != nil {
			if *c.Active && !h.Active {
				if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM events").Scan(&h.after); err != nil {
					return err
				}
			}
			h.Active = *c.Active
		}
		if err := h.Check(k.insecure); err != nil {
			return err
		}
		h.Updated = k.now()
		events, err := json.Marshal(h.Events)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE webhooks SET name = ?, url = ?, description = ?, secret = ?, events = ?, active = ?, updated = ?,
			after_event = ?, attempts = 0, try_at = 0 WHERE id = ?`,
			h.Name, h.URL, h.Description, h.Secret, string(events), number(h.Active), h.Updated, h.after, id)
		return err
	})
	return h, err
}

// Delete forgets a hook.
func (k *Keeper) Delete(ctx context.Context, id string) error {
	return k.db.Update(ctx, func(tx *db.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM webhooks WHERE id = ?", id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, missing(id))
		}
		return nil
	})
}

// holdTime is how long a server that says nothing more keeps a hook.
const holdTime = 2 * requestTime

// take has one server work on the next hook that has something to do, if there
// is one.
func (k *Keeper) take(ctx context.Context) (h Hook, ok bool, err error) {
	if err := k.db.NumberEvents(ctx); err != nil {
		return h, false, err
	}
	err = k.db.Update(ctx, func(tx *db.Tx) error {
		ok = false
		now := k.now()
		h, err = scan(tx.QueryRowContext(ctx, `UPDATE webhooks SET held_until = ? WHERE id = (
			SELECT w.id FROM webhooks w WHERE w.active > 0 AND w.held_until <= ? AND w.try_at <= ?
				AND EXISTS (SELECT 1 FROM events e WHERE e.seq > w.after_event AND substr(e.kind, 1, 6) = 'model.')
			ORDER BY w.try_at, w.id LIMIT 1`+tx.Dialect().ForUpdate()+`) RETURNING `+columns,
			now+holdTime.Milliseconds(), now, now))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	return h, ok, err
}

// settle lets a hook go, with what was reached.
func (k *Keeper) settle(ctx context.Context, id string, after int64, attempts int, tryAt int64) error {
	return k.db.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE webhooks SET after_event = ?, attempts = ?, try_at = ?, held_until = 0 WHERE id = ?", after, attempts, tryAt, id)
		return err
	})
}

// record is one event of the history.
type record struct {
	seq, time   int64
	kind, model string
	data        string
	prompt      bool // the model is one, now
}

// next returns some events after one, the oldest first.
func (k *Keeper) next(ctx context.Context, after int64) (list []record, err error) {
	rows, err := k.db.QueryContext(ctx, `SELECT e.seq, e.time, e.kind, e.subject, e.data, EXISTS (SELECT 1 FROM registered_models m
			JOIN registry_tags t ON t.model = m.seq AND t.version = 0 AND t.key = ? AND lower(t.value) = 'true' AND t.deleted = 0 WHERE m.name = e.subject)
		FROM events e WHERE e.seq > ? AND substr(e.kind, 1, 6) = 'model.' ORDER BY e.seq LIMIT 100`, registry.PromptTag, after)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r record
		if err := rows.Scan(&r.seq, &r.time, &r.kind, &r.model, &r.data, &r.prompt); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}
