package project

import (
	"context"
	"database/sql"
	"errors"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// The kinds of events of projects; the subject is the name.
const (
	Created = "project.created"
	Changed = "project.changed" // its description
	Deleted = "project.deleted"
)

// EventKinds returns them all.
func EventKinds() []string { return []string{Created, Changed, Deleted} }

// Project groups models.
type Project struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Created     int64  `json:"creation_time"`    // ms
	Updated     int64  `json:"last_update_time"` // ms
}

// Keeper keeps the projects of one database.
type Keeper struct {
	db    *db.DB
	clock clock.Clock
}

// New returns the keeper of a database that has the migrations of db.Index or
// db.ServerSchema.
func New(d *db.DB, c clock.Clock) *Keeper { return &Keeper{db: d, clock: c} }

// Create makes a project. Names are as those of models.
func (k *Keeper) Create(ctx context.Context, p Project) (Project, error) {
	if err := registry.CheckName(p.Name); err != nil {
		return p, err
	}
	p.Created = k.clock.Now().UnixMilli()
	p.Updated = p.Created
	return p, k.db.Update(ctx, func(tx *db.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO projects (name, description, created, updated) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
			p.Name, p.Description, p.Created, p.Updated)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errs.New(errs.Conflict, "project %q exists already", p.Name))
		}
		return k.event(ctx, tx, Created, p.Name)
	})
}

// Get returns a project by its name.
func (k *Keeper) Get(ctx context.Context, name string) (Project, error) {
	p, err := scan(k.db.QueryRowContext(ctx, "SELECT name, description, created, updated FROM projects WHERE name = ?", name))
	if errors.Is(err, sql.ErrNoRows) {
		return p, missing(name)
	}
	return p, err
}

func missing(name string) error { return errs.New(errs.NotFound, "there is no project %q", name) }

func scan(row interface{ Scan(dest ...any) error }) (p Project, err error) {
	err = row.Scan(&p.Name, &p.Description, &p.Created, &p.Updated)
	return p, err
}

// List returns all projects by name.
func (k *Keeper) List(ctx context.Context) (list []Project, err error) {
	rows, err := k.db.QueryContext(ctx, "SELECT name, description, created, updated FROM projects ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	list = []Project{}
	for rows.Next() {
		p, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// Describe changes the description of a project.
func (k *Keeper) Describe(ctx context.Context, name, description string) (Project, error) {
	var p Project
	err := k.db.Update(ctx, func(tx *db.Tx) error {
		var err error
		p, err = scan(tx.QueryRowContext(ctx, "UPDATE projects SET description = ?, updated = ? WHERE name = ? RETURNING name, description, created, updated",
			description, k.clock.Now().UnixMilli(), name))
		if errors.Is(err, sql.ErrNoRows) {
			return missing(name)
		}
		return errors.Join(err, k.event(ctx, tx, Changed, name))
	})
	return p, err
}

// Delete forgets a project. Its models stay.
func (k *Keeper) Delete(ctx context.Context, name string) error {
	return k.db.Update(ctx, func(tx *db.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM projects WHERE name = ?", name)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, missing(name))
		}
		return k.event(ctx, tx, Deleted, name)
	})
}

// event appends to the history, in the transaction of what happened.
func (k *Keeper) event(ctx context.Context, tx *db.Tx, kind, name string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO events (time, kind, subject, by, data) VALUES (?, ?, ?, ?, '')",
		k.clock.Now().UnixMilli(), kind, name, track.UserOf(ctx))
	return err
}
