package account_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/account"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// owner knows that runs are called after their experiment: 7/abc.
type owner struct{}

func (owner) ExperimentOf(_ context.Context, s route.Subject) (string, error) {
	id, _, _ := strings.Cut(s.ID, "/")
	return id, nil
}

const password = "correct horse battery"

func open(t *testing.T, c clock.Clock) *account.Keeper {
	t.Helper()
	schema, err := db.Index()
	must(t, err)
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"), db.Options{Migrations: schema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return account.New(d, c, owner{}, "root")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func status(err error) int {
	if r, ok := errors.AsType[*route.Refusal](err); ok {
		return r.Status
	}
	if err != nil {
		return -1
	}
	return 200
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	k := open(t, clock.System{})
	must(t, k.Add(ctx, "ann", account.Reader, password))
	must(t, k.Grant(ctx, "ann", account.Grant{Kind: account.Experiments, ID: "7", Role: account.Writer}))
	must(t, k.Grant(ctx, "ann", account.Grant{Kind: account.Experiments, ID: "8", Role: account.None}))
	must(t, k.Grant(ctx, "ann", account.Grant{Kind: account.Models, ID: "fraud", Role: account.Admin}))
	must(t, k.Add(ctx, "root", account.Admin, password+"!"))
	limited, secret, err := k.Issue(ctx, account.Token{User: "root", Role: account.Reader}, 0)
	must(t, err)

	ann, err := k.Password(ctx, "ann", password, "1.2.3.4")
	must(t, err)
	root, err := k.Password(ctx, "root", password+"!", "1.2.3.4")
	must(t, err)
	must(t, k.Grant(ctx, "root", account.Grant{Kind: account.Experiments, ID: "8", Role: account.None})) // an admin stays one
	must(t, k.Add(ctx, "guest", account.None, password))
	must(t, k.Grant(ctx, "guest", account.Grant{Kind: account.Models, ID: "fraud", Role: account.Reader}))
	must(t, k.Grant(ctx, "guest", account.Grant{Kind: account.Experiments, ID: "8", Role: account.None}))
	guest, err := k.Password(ctx, "guest", password, "1.2.3.4")
	must(t, err)
	token, err := k.Secret(ctx, secret, "1.2.3.4", false)
	must(t, err)
	if token.User().Admin || !root.User().Admin || limited.ID == "" {
		t.Error("a token that is limited to readers is no admin")
	}

	for _, x := range []struct {
		who    *account.Visitor
		access route.Access
		kind   route.Kind
		id     string
		want   int
	}{
		{ann, route.Read, 0, "", 200},
		{ann, route.Write, 0, "", 403},
		{ann, route.Read, route.Experiment, "1", 200},
		{ann, route.Write, route.Experiment, "1", 403},
		{ann, route.Write, route.Experiment, "7", 200},
		{ann, route.Write, route.Run, "7/abc", 200},
		{ann, route.Write, route.Files, "7/abc/artifacts/x", 200},
		{ann, route.Admin, route.Run, "7/abc", 403},
		{ann, route.Read, route.Run, "8/abc", 403},
		{ann, route.Read, route.Files, "8/abc/artifacts/x", 403},
		{ann, route.Admin, route.Model, "fraud", 200},
		{ann, route.Write, route.Model, "other", 403},
		{ann, route.Read, route.Users, "", 403},
		{ann, route.Read, route.SomeExperiments, "", 200},
		{ann, route.Write, route.SomeExperiments, "", 200},
		{ann, route.Admin, route.SomeExperiments, "", 403},
		{ann, route.Admin, route.SomeModels, "", 200},
		{guest, route.Read, 0, "", 403},
		{guest, route.Read, route.SomeModels, "", 200},
		{guest, route.Write, route.SomeModels, "", 403},
		{guest, route.Read, route.SomeExperiments, "", 403},
		{root, route.Admin, route.Run, "8/abc", 200},
		{root, route.Read, route.Experiment, "8", 200},
		{root, route.Read, route.Users, "", 200},
		{token, route.Read, route.Run, "8/abc", 200},
		{token, route.Write, route.Run, "8/abc", 403},
		{token, route.Read, route.Users, "", 200},
	} {
		if got := status(x.who.May(ctx, x.who.User(), x.access, route.Subject{Kind: x.kind, ID: x.id})); got != x.want {
			t.Errorf("%s may %s %s %q: %d, want %d", x.who.User().Name, x.access, x.kind, x.id, got, x.want)
		}
	}

	for _, x := range []struct {
		who    *account.Visitor
		access route.Access
		kind   route.Kind
		want   string
	}{
		{ann, route.Read, route.SomeExperiments, "{true [8]}"},
		{ann, route.Write, route.SomeExperiments, "{false [7]}"},
		{ann, route.Read, route.SomeModels, "{true []}"},
		{ann, route.Admin, route.SomeModels, "{false [fraud]}"},
		{guest, route.Read, route.SomeModels, "{false [fraud]}"},
		{guest, route.Read, route.SomeExperiments, "{false []}"},
		{root, route.Admin, route.SomeExperiments, "{true []}"},
		{token, route.Read, route.SomeExperiments, "{true []}"},
		{token, route.Write, route.SomeExperiments, "{false []}"},
	} {
		if got := fmt.Sprint(route.ScopeOf(route.WithUser(ctx, x.who.User(), x.who), x.access, x.kind)); got != x.want {
			t.Errorf("%s may %s of %s %s, want %s", x.who.User().Name, x.access, x.kind, got, x.want)
		}
	}

	must(t, k.Revoke(ctx, "ann", account.Experiments, "8"))
	ann, err = k.Password(ctx, "ann", password, "1.2.3.4")
	must(t, err)
	if err := ann.May(ctx, ann.User(), route.Read, route.Subject{Kind: route.Experiment, ID: "8"}); err != nil {
		t.Error("after the grant is revoked the user's own role counts:", err)
	}
}

func TestPasswordsAndSessions(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	k := open(t, clock.System{})
	for _, bad := range []string{"short", "aaaaaaaaaaaaaaaa", strings.Repeat("ab", 600)} {
		if err := k.Add(ctx, "bob", account.Reader, bad); !errs.Is(err, errs.Usage) {
			t.Errorf("password %.20q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "a b", "a:b", strings.Repeat("a", 129), "a\x00"} {
		if err := k.Add(ctx, bad, account.Reader, password); !errs.Is(err, errs.Usage) {
			t.Errorf("name %q: %v", bad, err)
		}
	}
	must(t, k.Add(ctx, "bob", account.Reader, password))
	if err := k.Add(ctx, "bob", account.Reader, password); !errs.Is(err, errs.Conflict) {
		t.Error("twice the same user:", err)
	}
	must(t, k.Add(ctx, "robot", account.Writer, ""))
	for _, x := range [][2]string{{"bob", "wrong"}, {"bob", ""}, {"robot", ""}, {"nobody", password}, {"", ""}} {
		if _, err := k.Password(ctx, x[0], x[1], "a"); status(err) != 401 {
			t.Errorf("%q with %q: %v", x[0], x[1], err)
		}
	}

	session, err := k.SignIn(ctx, "bob", password, "a")
	must(t, err)
	_, err = k.Secret(ctx, session, "a", true)
	must(t, err)
	if _, err := k.Secret(ctx, session, "a", false); status(err) != 401 {
		t.Error("a session is no token:", err)
	}
	must(t, k.SetPassword(ctx, "bob", "another good password"))
	if _, err := k.Secret(ctx, session, "a", true); status(err) != 401 {
		t.Error("another password ends sessions:", err)
	}
	if _, err := k.Password(ctx, "bob", password, "a"); status(err) != 401 {
		t.Error("the old password, right a moment ago:", err)
	}
	session, err = k.SignIn(ctx, "bob", "another good password", "a")
	must(t, err)
	must(t, k.SignOut(ctx, session))
	if _, err := k.Secret(ctx, session, "a", true); status(err) != 401 {
		t.Error("signed out:", err)
	}
	must(t, k.Remove(ctx, "bob"))
	if _, err := k.Password(ctx, "bob", "another good password", "a"); status(err) != 401 {
		t.Error("removed:", err)
	}
	if err := k.Remove(ctx, "bob"); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := time.Now()
	c := &moving{now}
	k := open(t, c)
	must(t, k.Add(ctx, "robot", account.Writer, ""))
	if _, _, err := k.Issue(ctx, account.Token{User: "nobody"}, 0); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
	token, secret, err := k.Issue(ctx, account.Token{User: "robot", Name: "CI"}, time.Hour)
	must(t, err)
	if _, err := k.Secret(ctx, secret, "a", false); err != nil {
		t.Error(err)
	}
	list, err := k.Tokens(ctx, "robot")
	must(t, err)
	if len(list) != 1 || list[0].Name != "CI" || list[0].Used != now.UnixMilli() {
		t.Errorf("%+v", list)
	}
	for _, wrong := range []string{"", "mlops_", secret + "x", secret[:len(secret)-1], "mlops_" + token.ID + "_", strings.Repeat("x", 1<<20)} {
		if _, err := k.Secret(ctx, wrong, "a", false); status(err) != 401 {
			t.Errorf("%.20q: %v", wrong, err)
		}
	}
	c.t = now.Add(time.Hour)
	if _, err := k.Secret(ctx, secret, "a", false); status(err) != 401 {
		t.Error("expired:", err)
	}
	token, secret, err = k.Issue(ctx, account.Token{User: "robot"}, 0)
	must(t, err)
	must(t, k.Withdraw(ctx, token.ID))
	if _, err := k.Secret(ctx, secret, "a", false); status(err) != 401 {
		t.Error("withdrawn:", err)
	}
}

// TestGuessing: who guesses has to wait, and locks out nobody who is known.
func TestGuessing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := &moving{time.Now()}
	k := open(t, c)
	must(t, k.Add(ctx, "bob", account.Reader, password))
	_, err := k.Password(ctx, "bob", password, "home")
	must(t, err)
	var last error
	for range 11 {
		_, last = k.Password(ctx, "bob", "guess", "evil")
	}
	if status(last) != 429 {
		t.Error("the eleventh guess:", last)
	}
	if _, err := k.Password(ctx, "bob", password, "home"); err != nil {
		t.Error("bob was in a moment ago:", err)
	}
	c.t = c.t.Add(7 * time.Second)
	if _, err := k.Password(ctx, "bob", "guess", "evil"); status(err) != 401 {
		t.Error("one more guess after a while:", err)
	}
}

type moving struct{ t time.Time }

func (m *moving) Now() time.Time { return m.t }
