package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
)

// A secret is mlops_ID_BYTES: programs that look for leaked secrets know the
// prefix, and the id finds the row without telling anything.
const secretPrefix = "mlops_"

// SessionTime is how long signing in on a page lasts.
const SessionTime = 12 * time.Hour

// Issue makes a token for t.User and returns it with its secret, which is kept
// nowhere. Life 0 is for ever.
func (k *Keeper) Issue(ctx context.Context, t Token, life time.Duration) (Token, string, error) {
	var random [4 + 32]byte
	rand.Read(random[:]) // never fails
	t.ID = hex.EncodeToString(random[:4])
	t.Created = k.now()
	if life > 0 {
		t.Expires = t.Created + life.Milliseconds()
	}
	if t.Role == "" {
		t.Role = Admin // limits nothing
	}
	secret := secretPrefix + t.ID + "_" + base64.RawURLEncoding.EncodeToString(random[4:])
	sum := sha256.Sum256([]byte(secret))
	err := k.db.Update(ctx, func(tx *db.Tx) error {
		var one int
		err := tx.QueryRowContext(ctx, "SELECT 1 FROM accounts WHERE name = ?", t.User).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			return unknown(t.User)
		}
		if err != nil {
			return err
		}
		// Here is as good a place as any: whoever comes in tidies up.
		if _, err := tx.ExecContext(ctx, "DELETE FROM tokens WHERE expires > 0 AND expires < ?", t.Created); err != nil {
			return err
		}
		session := 0
		if t.session {
			session = 1
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO tokens (id, account, hash, name, role, session, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			t.ID, t.User, sum[:], t.Name, t.Role, session, t.Created, t.Expires); err != nil {
			return err
		}
		if t.session {
			return k.eventBy(ctx, tx, t.User, UserSignedIn, t.User, nil)
		}
		data := map[string]any{"token": t.ID, "name": t.Name, "expires": t.Expires}
		if t.Role != Admin { // else the user's own role counts
			data["limit"] = t.Role
		}
		return k.event(ctx, tx, TokenIssued, t.User, data)
	})
	return t, secret, err
}

// Tokens lists the tokens of a user, "" for all, the oldest first. Sessions are
// left out.
func (k *Keeper) Tokens(ctx context.Context, user string) (tokens []Token, err error) {
	tokens = []Token{}
	rows, err := k.db.QueryContext(ctx, `SELECT id, account, name, role, created, expires, used FROM tokens
		WHERE session = 0 AND (? = '' OR account = ?) ORDER BY created, id`, user, user)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var t Token
		if err := rows.Scan(&t.ID, &t.User, &t.Name, &t.Role, &t.Created, &t.Expires, &t.Used); err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
	}
	return tokens, rows.Err()
}

// Withdraw makes a token worthless.
func (k *Keeper) Withdraw(ctx context.Context, id string) error {
	return k.db.Update(ctx, func(tx *db.Tx) error {
		var user string
		err := tx.QueryRowContext(ctx, "DELETE FROM tokens WHERE id = ? RETURNING account", id).Scan(&user)
		if errors.Is(err, sql.ErrNoRows) {
			return errs.New(errs.NotFound, "there is no token %q", id).Hint("mlops server token ls")
		}
		if err != nil {
			return err
		}
		return k.event(ctx, tx, TokenWithdrew, user, map[string]any{"token": id})
	})
}

// SignOut ends the session of a secret, if there is one.
func (k *Keeper) SignOut(ctx context.Context, secret string) error {
	id, ok := idOf(secret)
	if !ok {
		return nil
	}
	sum := sha256.Sum256([]byte(secret))
	return k.db.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM tokens WHERE id = ? AND hash = ? AND session = 1", id, sum[:])
		return err
	})
}

func idOf(secret string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(secret, secretPrefix)
	id, _, found := strings.Cut(rest, "_")
	return id, ok && found
}

// token finds the token of a secret. It reports whether there is one that counts.
func (k *Keeper) token(ctx context.Context, secret string) (t Token, ok bool, err error) {
	id, ok := idOf(secret)
	if !ok || len(secret) > 200 {
		return t, false, nil
	}
	var want []byte
	err = k.db.QueryRowContext(ctx, "SELECT id, account, hash, role, session > 0, expires, used FROM tokens WHERE id = ?", id).
		Scan(&t.ID, &t.User, &want, &t.Role, &t.session, &t.Expires, &t.Used)
	if errors.Is(err, sql.ErrNoRows) {
		return t, false, nil
	}
	sum := sha256.Sum256([]byte(secret))
	right := subtle.ConstantTimeCompare(sum[:], want) == 1
	return t, err == nil && right && (t.Expires == 0 || k.now() < t.Expires), err
}

// IsSecret reports whether a text has the form of a token.
func IsSecret(text string) bool {
	_, ok := idOf(text)
	return ok
}
