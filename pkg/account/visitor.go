package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"maps"
	"time"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/route"
)

// Visitor is a user who showed a password or a token. It is the guard of his
// requests, for which he is read anew each time: a change counts at once.
type Visitor struct {
	user   User
	limit  Role // of the token
	keeper *Keeper
}

var (
	_ route.Guard  = (*Visitor)(nil)
	_ route.Lister = (*Visitor)(nil)
)

// User is who visits, in the words of routes.
func (v *Visitor) User() route.User {
	return route.User{Name: v.user.Name, Admin: v.user.Role.Less(v.limit) == Admin}
}

// May implements route.Guard.
func (v *Visitor) May(ctx context.Context, _ route.User, a route.Access, s route.Subject) error {
	if !v.limit.Allows(a) {
		return route.Refuse(403, "this token of %q may not %s: it is limited to %s", v.user.Name, a, v.limit)
	}
	switch s.Kind {
	case route.Users:
		return v.user.may(route.Admin, "", "")
	case route.Model:
		return v.user.may(a, Models, s.ID)
	case route.SomeModels:
		return v.user.maySome(a, Models)
	case route.SomeExperiments:
		return v.user.maySome(a, Experiments)
	case route.Experiment:
		return v.user.may(a, Experiments, s.ID)
	case route.ExperimentName, route.Run, route.LoggedModel, route.Files:
		if v.user.Role == Admin {
			return nil
		}
		experiment, err := v.keeper.owner.ExperimentOf(ctx, s)
		if err != nil {
			return err
		}
		return v.user.may(a, Experiments, experiment)
	}
	return v.user.may(a, "", "")
}

// Scope implements route.Lister.
func (v *Visitor) Scope(_ route.User, a route.Access, k route.Kind) route.Scope {
	if !v.limit.Allows(a) {
		return route.Scope{}
	}
	kind := Experiments
	if k == route.SomeModels || k == route.Model {
		kind = Models
	}
	return v.user.scope(a, kind)
}

// Password lets a user in by name and password. From is where the request comes
// from: names and addresses that fail too often have to wait.
func (k *Keeper) Password(ctx context.Context, name, password, from string) (*Visitor, error) {
	user, hashed, err := k.user(ctx, name)
	if err != nil {
		return nil, err
	}
	ok, err := k.right(ctx, user, hashed, password, func() error { return k.memory.mayTry(k.clock.Now(), name, from) })
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, k.refuse(ctx, name, from, "the name or the password is wrong")
	}
	return &Visitor{user: user, limit: Admin, keeper: k}, nil
}

// SignIn lets a user in as Password does, for a while: it returns the secret
// of a session.
func (k *Keeper) SignIn(ctx context.Context, name, password, from string) (string, error) {
	v, err := k.Password(ctx, name, password, from)
	if err != nil {
		return "", err
	}
	_, secret, err := k.Issue(ctx, Token{User: v.user.Name, session: true}, SessionTime)
	return secret, err
}

// Secret lets a user in by the secret of a token, or of a session if that is
// what is asked for.
func (k *Keeper) Secret(ctx context.Context, secret, from string, session bool) (*Visitor, error) {
	if err := k.memory.mayTry(k.clock.Now(), "", from); err != nil {
		return nil, err
	}
	t, ok, err := k.token(ctx, secret)
	if err != nil {
		return nil, err
	}
	if !ok || t.session != session {
		if session {
			return nil, route.Refuse(401, "the session is over: sign in again")
		}
		return nil, k.refuse(ctx, "", from, "the token is wrong or has expired")
	}
	user, _, err := k.user(ctx, t.User)
	if err != nil {
		return nil, err
	}
	if now := k.now(); now-t.Used > time.Minute.Milliseconds() {
		if err := k.db.Update(ctx, func(tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE tokens SET used = ? WHERE id = ?", now, t.ID)
			return err
		}); err != nil {
			return nil, err
		}
	}
	return &Visitor{user: user, limit: t.Role, keeper: k}, nil
}

// user reads a user with his grants; one that does not exist has no name.
func (k *Keeper) user(ctx context.Context, name string) (u User, hashed string, err error) {
	err = k.db.QueryRowContext(ctx, "SELECT name, role, password, created, changed FROM accounts WHERE name = ?", name).
		Scan(&u.Name, &u.Role, &hashed, &u.Created, &u.Changed)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, "", nil
	}
	if err != nil {
		return u, "", err
	}
	rows, err := k.db.QueryContext(ctx, "SELECT kind, subject, role FROM grants WHERE account = ?", name)
	if err != nil {
		return u, "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var g Grant
		if err := rows.Scan(&g.Kind, &g.ID, &g.Role); err != nil {
			return u, "", err
		}
		u.Grants = append(u.Grants, g)
	}
	return u, hashed, rows.Err()
}

// proved is a password that was right.
type proved struct {
	changed int64 // User.Changed at that time
	until   time.Time
}

// provedTime is how long a password need not be hashed again. MLflow's clients
// send it with every request, and argon2id takes tens of milliseconds on purpose.
const provedTime = 5 * time.Minute

// right reports whether a password is the user's; mayTry is asked unless it was
// right a moment ago, so that nobody is locked out by others who guess. A user
// that does not exist takes as long as one that does.
func (k *Keeper) right(ctx context.Context, u User, hashed, password string, mayTry func() error) (bool, error) {
	m := k.memory
	mac := hmac.New(sha256.New, m.secret[:])
	mac.Write([]byte(u.Name + "\x00" + password))
	key := [32]byte(mac.Sum(nil))
	now := k.clock.Now()
	m.mu.Lock()
	p, known := m.right[key]
	m.mu.Unlock()
	if known && p.changed == u.Changed && now.Before(p.until) && hashed != "" {
		return true, nil
	}
	if err := mayTry(); err != nil || len(password) > maxPassword {
		return false, err
	}
	select {
	case m.work <- struct{}{}:
		defer func() { <-m.work }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if u.Name == "" || hashed == "" {
		hash(password)
		return false, nil
	}
	ok, err := matches(hashed, password)
	if err != nil || !ok {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.right, func(_ [32]byte, p proved) bool { return now.After(p.until) })
	m.right[key] = proved{changed: u.Changed, until: now.Add(provedTime)}
	return true, nil
}

// refuse records a failure and answers it.
func (k *Keeper) refuse(ctx context.Context, name, from, why string) error {
	k.memory.failed(k.clock.Now(), name, from)
	err := k.db.Update(ctx, func(tx *db.Tx) error {
		return k.eventBy(ctx, tx, "", UserRefused, name, map[string]any{"from": from})
	})
	return errors.Join(route.Refuse(401, "%s", why), err)
}
