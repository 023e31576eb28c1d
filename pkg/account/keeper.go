package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"sync"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// The kinds of events of accounts; the subject is the user's name.
const (
	UserAdded     = "user.added"
	UserChanged   = "user.changed" // role, password or a grant: see the data
	UserRemoved   = "user.removed"
	UserSignedIn  = "user.signed_in"
	UserRefused   = "user.refused" // a wrong password or token
	TokenIssued   = "token.issued"
	TokenWithdrew = "token.withdrawn"
)

// EventKinds returns them all.
func EventKinds() []string {
	return []string{UserAdded, UserChanged, UserRemoved, UserSignedIn, UserRefused, TokenIssued, TokenWithdrew}
}

// Owner knows what things belong to.
type Owner interface {
	// ExperimentOf returns the id of the experiment that a run, a logged model,
	// a name or a path below the artifact root belongs to; "" when there is no
	// such thing.
	ExperimentOf(ctx context.Context, s route.Subject) (string, error)
}

// Keeper keeps the accounts of one database.
type Keeper struct {
	db     *db.DB
	clock  clock.Clock
	owner  Owner
	by     string
	memory *memory
}

// memory is what a process remembers of those who asked. It is lost with it.
type memory struct {
	mu       sync.Mutex
	secret   [32]byte            // passwords are remembered as keyed hashes
	right    map[[32]byte]proved // passwords that were right a moment ago
	failures map[string]failures // by user and by address
	work     chan struct{}       // passwords that may be hashed at once
}

// New returns the keeper of a database that has the migrations of db.Index. By
// is who makes changes, for the history.
func New(index *db.DB, c clock.Clock, owner Owner, by string) *Keeper {
	m := &memory{right: map[[32]byte]proved{}, failures: map[string]failures{}, work: make(chan struct{}, 2)}
	rand.Read(m.secret[:]) // never fails
	return &Keeper{db: index, clock: c, owner: owner, by: by, memory: m}
}

func (k *Keeper) now() int64 { return k.clock.Now().UnixMilli() }

// Add makes a user. An empty password is none.
func (k *Keeper) Add(ctx context.Context, name string, role Role, password string) error {
	hashed, err := k.hashed(name, password)
	if err := errors.Join(CheckName(name), err); err != nil {
		return err
	}
	return k.db.Update(ctx, func(tx *db.Tx) error {
		now := k.now()
		res, err := tx.ExecContext(ctx, "INSERT INTO accounts (name, role, password, created, changed) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
			name, role, hashed, now, now)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errs.New(errs.Conflict, "user %q exists already", name).Hint("mlops server user ls"))
		}
		return k.event(ctx, tx, UserAdded, name, map[string]any{"role": role})
	})
}

func (k *Keeper) hashed(name, password string) (string, error) {
	if password == "" {
		return "", nil
	}
	if err := CheckPassword(name, password); err != nil {
		return "", err
	}
	return hash(password), nil
}

// SetPassword gives a user another password, and ends his sessions. An empty one
// is none.
func (k *Keeper) SetPassword(ctx context.Context, name, password string) error {
	hashed, err := k.hashed(name, password)
	if err != nil {
		return err
	}
	return k.change(ctx, name, map[string]any{"password": password != ""}, func(tx *db.Tx) error {
		_, err1 := tx.ExecContext(ctx, "UPDATE accounts SET password = ? WHERE name = ?", hashed, name)
		_, err2 := tx.ExecContext(ctx, "DELETE FROM tokens WHERE account = ? AND session = 1", name)
		return errors.Join(err1, err2)
	})
}

// SetRole gives a user another role.
func (k *Keeper) SetRole(ctx context.Context, name string, role Role) error {
	return k.change(ctx, name, map[string]any{"role": role}, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE accounts SET role = ? WHERE name = ?", role, name)
		return err
	})
}

// Grant gives a user a role for one thing, or another one.
func (k *Keeper) Grant(ctx context.Context, name string, g Grant) error {
	return k.change(ctx, name, map[string]any{string(g.Kind): g.ID, "role": g.Role}, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO grants (account, kind, subject, role) VALUES (?, ?, ?, ?)
			ON CONFLICT (account, kind, subject) DO UPDATE SET role = excluded.role`, name, g.Kind, g.ID, g.Role)
		return err
	})
}

// Revoke takes a grant back: the user's own role counts again.
func (k *Keeper) Revoke(ctx context.Context, name string, kind GrantKind, id string) error {
	return k.change(ctx, name, map[string]any{string(kind): id, "role": nil}, func(tx *db.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM grants WHERE account = ? AND kind = ? AND subject = ?", name, kind, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errs.New(errs.NotFound, "user %q has no grant for %s %s", name, kind, id).Hint("mlops server user ls"))
		}
		return nil
	})
}

// change changes a user who must exist.
func (k *Keeper) change(ctx context.Context, name string, what map[string]any, fn func(*db.Tx) error) error {
	return k.db.Update(ctx, func(tx *db.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE accounts SET changed = ? WHERE name = ?", k.now(), name)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, unknown(name))
		}
		return errors.Join(fn(tx), k.event(ctx, tx, UserChanged, name, what))
	})
}

// Remove removes a user with his grants and tokens.
func (k *Keeper) Remove(ctx context.Context, name string) error {
	return k.db.Update(ctx, func(tx *db.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM accounts WHERE name = ?", name)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, unknown(name))
		}
		return k.event(ctx, tx, UserRemoved, name, nil)
	})
}

func unknown(name string) error {
	return errs.New(errs.NotFound, "there is no user %q", name).Hint("mlops server user ls")
}

// Users lists all users by name, with their grants.
func (k *Keeper) Users(ctx context.Context) (users []User, err error) {
	users = []User{}
	rows, err := k.db.QueryContext(ctx, `SELECT a.name, a.role, a.password <> '', a.created, a.changed, coalesce(g.kind, ''), coalesce(g.subject, ''), coalesce(g.role, '')
		FROM accounts a LEFT JOIN grants g ON g.account = a.name ORDER BY a.name, g.kind, g.subject`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		u, g := User{Grants: []Grant{}}, Grant{}
		if err := rows.Scan(&u.Name, &u.Role, &u.Password, &u.Created, &u.Changed, &g.Kind, &g.ID, &g.Role); err != nil {
			return nil, err
		}
		if n := len(users); n == 0 || users[n-1].Name != u.Name {
			users = append(users, u)
		}
		if last := &users[len(users)-1]; g.Kind != "" {
			last.Grants = append(last.Grants, g)
		}
	}
	return users, rows.Err()
}

// event appends to the history, in the transaction of what happened.
func (k *Keeper) event(ctx context.Context, tx *db.Tx, kind, subject string, data map[string]any) error {
	return k.eventBy(ctx, tx, cmp.Or(track.UserOf(ctx), k.by), kind, subject, data)
}

// eventBy is event for what others do than who makes changes.
func (k *Keeper) eventBy(ctx context.Context, tx *db.Tx, by, kind, subject string, data map[string]any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO events (time, kind, subject, by, data) VALUES (?, ?, ?, ?, ?)", k.now(), kind, subject, by, string(text))
	return err
}
