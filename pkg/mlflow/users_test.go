package mlflow_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/account"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
	"github.com/mlops-cli/mlops/pkg/server"
	"github.com/mlops-cli/mlops/pkg/signin"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

const (
	rootPassword = "correct horse battery"
	annPassword  = "a long pass phrase"
)

// startGuarded serves the protocol to users; root is one of them.
func startGuarded(t *testing.T) (string, *account.Keeper) {
	t.Helper()
	index := dbtest.SQLite(t)(t)
	tracking := trackdb.New(index, clock.System{})
	k := account.New(index, clock.System{}, tracking, "test")
	if err := k.Add(t.Context(), "root", account.Admin, rootPassword); err != nil {
		t.Fatal(err)
	}
	routes := append(mlflow.New(tracking, registrydb.New(index, clock.System{}), nil).Routes(), mlflow.UserRoutes(k)...)
	s, err := server.New(server.Options{Routes: routes, Auth: signin.New(k)})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)
	return listener.URL, k
}

// TestUsersOverREST: MLflow's own client manages users, as far as they may.
func TestUsersOverREST(t *testing.T) {
	t.Parallel()
	base, k := startGuarded(t)
	s := &filesServer{t: t, url: base}
	who := func(name, password string) []string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(name, password)
		return []string{"Authorization", r.Header.Get("Authorization"), "Content-Type", "application/json"}
	}
	root, ann := who("root", rootPassword), who("ann", annPassword)
	const api, newer = "/api/2.0/mlflow/", "/api/3.0/mlflow/users/permissions/"
	for _, c := range []struct {
		as           []string
		method, path string
		body         string
		status       int
		want         string
	}{
		{root, "POST", api + "users/create", `{"username":"ann","password":"short"}`, 400, "INVALID_PARAMETER_VALUE"},
		{root, "POST", api + "users/create", `{"username":"ann","password":"` + annPassword + `"}`, 200, `"is_admin":false,"experiment_permissions":[],"registered_model_permissions":[]`},
		{root, "POST", api + "users/create", `{"username":"ann","password":"` + annPassword + `"}`, 400, "User (username=ann) already exists."},
		{root, "GET", api + "users/get?username=bob", "", 404, "User with username=bob not found"},
		{ann, "GET", api + "users/get?username=ann", "", 200, `"username":"ann"`},
		{ann, "GET", api + "users/get?username=root", "", 403, "PERMISSION_DENIED"},
		{ann, "POST", api + "users/create", `{"username":"eve","password":"` + annPassword + `"}`, 403, ""},
		{ann, "PATCH", api + "users/update-admin", `{"username":"ann","is_admin":true}`, 403, ""},
		{ann, "DELETE", api + "users/delete", `{"username":"root"}`, 403, ""},
		{ann, "PATCH", api + "users/update-password", `{"username":"root","password":"something else 1"}`, 403, ""},
		{ann, "PATCH", api + "users/update-password", `{"username":"ann","password":"something else 1"}`, 400, "Current password is required"},
		{ann, "PATCH", api + "users/update-password", `{"username":"ann","password":"something else 1","current_password":"no"}`, 400, "does not match"},
		{ann, "PATCH", api + "users/update-password", `{"username":"ann","password":"` + annPassword + `","current_password":"` + annPassword + `"}`, 400, "must differ"},
		// What a permission is for.
		{root, "POST", api + "experiments/create", `{"name":"open"}`, 200, `"1"`},
		{ann, "POST", api + "runs/create", `{"experiment_id":"1"}`, 403, ""},
		{ann, "POST", api + "experiments/permissions/create", `{"experiment_id":"1","username":"ann","permission":"MANAGE"}`, 403, ""},
		{root, "POST", api + "experiments/permissions/create", `{"experiment_id":"1","username":"ann","permission":"ROOT"}`, 400, "Invalid permission 'ROOT'"},
		{root, "POST", api + "experiments/permissions/create", `{"experiment_id":"1","username":"ann","permission":"EDIT"}`, 200, `"experiment_permission":{"experiment_id":"1","user_id":`},
		{root, "POST", api + "experiments/permissions/create", `{"experiment_id":"1","username":"ann","permission":"EDIT"}`, 400, "RESOURCE_ALREADY_EXISTS"},
		{ann, "POST", api + "runs/create", `{"experiment_id":"1"}`, 200, "run_id"},
		{ann, "GET", newer + "get?username=ann&resource_type=experiment&resource_id=1", "", 200, `{"allowed":true,"permission":"EDIT"}`},
		{root, "PATCH", api + "experiments/permissions/update", `{"experiment_id":"1","username":"ann","permission":"NO_PERMISSIONS"}`, 200, "{}"},
		{ann, "GET", api + "experiments/get?experiment_id=1", "", 403, ""},
		{root, "GET", api + "experiments/permissions/get?experiment_id=1&username=ann", "", 200, `"permission":"NO_PERMISSIONS"`},
		{root, "PATCH", api + "experiments/permissions/update", `{"experiment_id":"1","username":"ann","permission":"MANAGE"}`, 200, "{}"},
		{ann, "DELETE", api + "experiments/permissions/delete", `{"experiment_id":"1","username":"ann"}`, 200, "{}"}, // who manages a thing says who else may use it
		{root, "DELETE", api + "experiments/permissions/delete", `{"experiment_id":"1","username":"ann"}`, 404, "Experiment permission with experiment_id=1 and username=ann not found"},
		{root, "POST", api + "registered-models/permissions/create", `{"name":"m","username":"ann","permission":"READ"}`, 200, `"registered_model_permission":{"name":"m"`},
		{root, "PATCH", api + "registered-models/permissions/update", `{"name":"n","username":"ann","permission":"READ"}`, 404, "not found"},
		{root, "POST", newer + "grant", `{"username":"ann","resource_type":"scorer","resource_id":"1","permission":"READ"}`, 400, "Invalid resource type 'scorer'"},
		{root, "DELETE", api + "users/delete", `{"username":"root"}`, 400, "cannot delete their own account"},
		{root, "PATCH", api + "users/update-admin", `{"username":"root","is_admin":false}`, 400, "cannot take their own"},
		{nil, "GET", api + "users/get?username=ann", "", 401, ""},
	} {
		a := s.do(c.method, c.path, c.body, c.as...)
		if a.status != c.status || !strings.Contains(a.body, c.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, a.status, a.body, c.status, c.want)
		}
	}
	if got := s.do(http.MethodGet, api+"roles/list", "", root...); got.status != http.StatusNotFound {
		t.Errorf("%+v", got)
	}
	users, err := k.Users(t.Context())
	if err != nil || len(users) != 2 || users[0].Name != "ann" || users[0].Role != account.Reader {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestAuthServiceClient(t *testing.T) {
	t.Parallel()
	python := remotetest.Python(t, "mlflow3")
	base, k := startGuarded(t)
	run(t, base, python, "-W", "ignore", filepath.Join("testdata", "client", "users.py"))
	users, err := k.Users(t.Context())
	if err != nil || len(users) != 1 {
		t.Errorf("%+v, %v", users, err)
	}
}
