package mlflow

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/account"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// users answers requests about accounts as MLflow's basic-auth app does. Its
// admins have the role admin, all others a role for what no permission is about:
// reader, as MLflow's default permission is READ.
type users struct {
	keeper *account.Keeper
}

// UserRoutes returns the routes by which MLflow's AuthServiceClient manages users
// and their permissions, for servers that ask who it is.
func UserRoutes(k *account.Keeper) []route.Route {
	u := users{k}
	username, password, permission := need("username", aText), need("password", aText), need("permission", aText)
	everybody := about(route.Users, "")
	anybody := about(route.SomeExperiments, "") // who it is about is checked here
	all := []endpoint{
		{method: http.MethodPost, path: "users/create", access: route.Admin, about: everybody, schema: []rule{username, password}, call: u.create},
		{method: http.MethodGet, path: "users/get", access: route.Read, about: anybody, schema: []rule{username}, call: u.get},
		{method: http.MethodPatch, path: "users/update-password", access: route.Read, about: anybody, schema: []rule{username, password}, call: u.updatePassword},
		{method: http.MethodPatch, path: "users/update-admin", access: route.Admin, about: everybody, schema: []rule{username, need("is_admin", aBoolean)}, call: u.updateAdmin},
		{method: http.MethodDelete, path: "users/delete", access: route.Admin, about: everybody, schema: []rule{username}, call: u.remove},
	}
	for _, g := range []grants{
		{account.Experiments, "experiments", "experiment_id", "experiment_permission", about(route.Experiment, "experiment_id")},
		{account.Models, "registered-models", "name", "registered_model_permission", about(route.Model, "name")},
	} {
		id := need(g.field, aText)
		path := g.path + "/permissions/"
		all = append(all,
			endpoint{method: http.MethodPost, path: path + "create", access: route.Admin, about: g.about, schema: []rule{id, username, permission}, call: u.change(g, false)},
			endpoint{method: http.MethodGet, path: path + "get", access: route.Admin, about: g.about, schema: []rule{id, username}, call: u.show(g, false)},
			endpoint{method: http.MethodPatch, path: path + "update", access: route.Admin, about: g.about, schema: []rule{id, username, permission}, call: u.change(g, true)},
			endpoint{method: http.MethodDelete, path: path + "delete", access: route.Admin, about: g.about, schema: []rule{id, username}, call: u.show(g, true)},
		)
	}
	kind, id := need("resource_type", aText), need("resource_id", aText)
	newer := []endpoint{
		{method: http.MethodPost, path: "users/permissions/grant", access: route.Admin, about: everybody, schema: []rule{username, kind, id, permission}, call: u.grantAny},
		{method: http.MethodPost, path: "users/permissions/revoke", access: route.Admin, about: everybody, schema: []rule{username, kind, id}, call: u.revokeAny},
		{method: http.MethodGet, path: "users/permissions/get", access: route.Read, about: anybody, schema: []rule{username, kind, id}, call: u.effective},
	}
	var routes []route.Route
	for version, list := range map[string][]endpoint{"2.0": all, "3.0": newer} {
		for _, e := range list {
			for _, prefix := range []string{"/api/", "/ajax-api/"} {
				routes = append(routes, route.Route{
					Method: e.method, Pattern: prefix + version + "/mlflow/" + e.path, Access: e.access, Subjects: e.subjects, Handler: e.serve, Fail: fail,
				})
			}
		}
	}
	return routes
}

// find returns a user.
func (u users) find(ctx context.Context, name string) (account.User, error) {
	list, err := u.keeper.Users(ctx)
	for _, one := range list {
		if one.Name == name {
			return one, nil
		}
	}
	return account.User{}, errors.Join(err, Errorf(DoesNotExist, "User with username=%s not found", name))
}

// mine says whether somebody may see what is about a user: he himself, and admins.
func mine(ctx context.Context, name string) error {
	if me := route.UserOf(ctx); !me.Admin && me.Name != name {
		return route.Refuse(http.StatusForbidden, "only admins see other users")
	}
	return nil
}

func (u users) write(ctx context.Context, name string, out *encoder) error {
	one, err := u.find(ctx, name)
	if err == nil {
		out.object("user")
		writeUser(out, one)
		out.close()
	}
	return err
}

func writeUser(out *encoder, one account.User) {
	out.integer("id", one.Created)
	out.str("username", one.Name)
	out.boolean("is_admin", one.Role == account.Admin)
	for _, list := range []struct {
		kind        account.GrantKind
		name, field string
	}{{account.Experiments, "experiment_permissions", "experiment_id"}, {account.Models, "registered_model_permissions", "name"}} {
		out.list(list.name)
		for _, g := range one.Grants {
			if g.Kind == list.kind {
				out.open()
				writeGrant(out, list.field, one, g)
				out.close()
			}
		}
		out.endList()
	}
}

func writeGrant(out *encoder, field string, one account.User, g account.Grant) {
	out.str(field, g.ID)
	out.integer("user_id", one.Created)
	out.str("permission", permissionOf(g.Role))
}

func (u users) create(ctx context.Context, in *request, out *encoder) error {
	name := in.str("username")
	err := u.keeper.Add(ctx, name, account.Reader, in.str("password"))
	if errs.Is(err, errs.Conflict) {
		return Errorf(AlreadyExists, "User (username=%s) already exists.", name)
	}
	if err != nil {
		return err
	}
	return u.write(ctx, name, out)
}

func (u users) get(ctx context.Context, in *request, out *encoder) error {
	if err := mine(ctx, in.str("username")); err != nil {
		return err
	}
	return u.write(ctx, in.str("username"), out)
}

// updatePassword lets admins change passwords, and everybody his own when he
// knows it.
func (u users) updatePassword(ctx context.Context, in *request, _ *encoder) error {
	name, password := in.str("username"), in.str("password")
	if err := mine(ctx, name); err != nil {
		return err
	}
	if _, err := u.find(ctx, name); err != nil {
		return err
	}
	if name == route.UserOf(ctx).Name {
		now := in.str("current_password")
		if now == "" {
			return Errorf(InvalidParameter, "Current password is required when changing your own password.")
		}
		from, _, _ := net.SplitHostPort(in.http.RemoteAddr)
		_, err := u.keeper.Password(ctx, name, now, from)
		refused, ok := errors.AsType[*route.Refusal](err)
		switch {
		case ok && refused.Status == http.StatusUnauthorized:
			return Errorf(InvalidParameter, "Current password does not match.")
		case err != nil:
			return err
		case now == password:
			return Errorf(InvalidParameter, "New password must differ from the current password.")
		}
	}
	return u.keeper.SetPassword(ctx, name, password)
}

// updateAdmin makes a user an admin, or one no longer.
func (u users) updateAdmin(ctx context.Context, in *request, _ *encoder) error {
	one, err := u.find(ctx, in.str("username"))
	if err != nil {
		return err
	}
	admin := in.get("is_admin").text == "true"
	switch {
	case admin == (one.Role == account.Admin):
		return nil
	case admin:
		return u.keeper.SetRole(ctx, one.Name, account.Admin)
	case one.Name == route.UserOf(ctx).Name:
		return Errorf(BadRequest, "Users cannot take their own rights. Ask another admin to do it instead.")
	}
	return u.keeper.SetRole(ctx, one.Name, account.Reader)
}

func (u users) remove(ctx context.Context, in *request, _ *encoder) error {
	name := in.str("username")
	if name == route.UserOf(ctx).Name {
		return Errorf(BadRequest, "Users cannot delete their own account. Ask another admin to delete this user instead.")
	}
	if _, err := u.find(ctx, name); err != nil {
		return err
	}
	return u.keeper.Remove(ctx, name)
}
