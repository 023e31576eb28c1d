package mlflow

import (
	"context"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/account"
	"github.com/mlops-cli/mlops/pkg/route"
)

// grants are the permissions of one kind of things.
type grants struct {
	kind  account.GrantKind
	path  string
	field string // that names the thing
	word  string // of an answer
	about subjects
}

// grantOf is what was granted a user for one thing, nil for nothing.
func grantOf(one account.User, kind account.GrantKind, id string) *account.Grant {
	i := slices.IndexFunc(one.Grants, func(g account.Grant) bool { return g.Kind == kind && g.ID == id })
	if i < 0 {
		return nil
	}
	return &one.Grants[i]
}

// change makes a permission, or changes one.
func (u users) change(g grants, known bool) func(context.Context, *request, *encoder) error {
	return func(ctx context.Context, in *request, out *encoder) error {
		one, old, err := u.granted(ctx, g, in)
		if err != nil {
			return err
		}
		id := in.str(g.field)
		switch {
		case known && old == nil:
			return missingGrant(g, id, one.Name)
		case old != nil && !known:
			return Errorf(AlreadyExists, "%s (%s=%s, username=%s) already exists.", title(g), g.field, id, one.Name)
		}
		role, err := roleOf(in.str("permission"))
		if err != nil {
			return err
		}
		grant := account.Grant{Kind: g.kind, ID: id, Role: role}
		if err := u.keeper.Grant(ctx, one.Name, grant); err != nil || known {
			return err
		}
		out.object(g.word)
		writeGrant(out, g.field, one, grant)
		out.close()
		return nil
	}
}

// granted finds a user, and what was granted him.
func (u users) granted(ctx context.Context, g grants, in *request) (account.User, *account.Grant, error) {
	one, err := u.find(ctx, in.str("username"))
	return one, grantOf(one, g.kind, in.str(g.field)), err
}

// show tells a permission, and takes it back when that is what is asked for.
func (u users) show(g grants, revoke bool) func(context.Context, *request, *encoder) error {
	return func(ctx context.Context, in *request, out *encoder) error {
		one, grant, err := u.granted(ctx, g, in)
		switch {
		case err != nil:
			return err
		case grant == nil:
			return missingGrant(g, in.str(g.field), one.Name)
		case revoke:
			return u.keeper.Revoke(ctx, one.Name, g.kind, grant.ID)
		}
		out.object(g.word)
		writeGrant(out, g.field, one, *grant)
		out.close()
		return nil
	}
}

func title(g grants) string {
	if g.kind == account.Models {
		return "Registered model permission"
	}
	return "Experiment permission"
}

func missingGrant(g grants, id, name string) error {
	return Errorf(DoesNotExist, "%s with %s=%s and username=%s not found", title(g), g.field, id, name)
}

// thing reads which thing a request of MLflow 3 is about.
func (u users) thing(ctx context.Context, in *request) (account.User, account.Grant, error) {
	g := account.Grant{ID: in.str("resource_id")}
	switch in.str("resource_type") {
	case "experiment":
		g.Kind = account.Experiments
	case "registered_model", "prompt": // prompts are models
		g.Kind = account.Models
	default:
		return account.User{}, g, Errorf(InvalidParameter, "Invalid resource type '%s'. Valid resource types are: ('experiment', 'prompt', 'registered_model')", in.str("resource_type"))
	}
	one, err := u.find(ctx, in.str("username"))
	return one, g, err
}

func (u users) grantAny(ctx context.Context, in *request, _ *encoder) error {
	one, g, err := u.thing(ctx, in)
	if err != nil {
		return err
	}
	if g.Role, err = roleOf(in.str("permission")); err != nil {
		return err
	}
	return u.keeper.Grant(ctx, one.Name, g)
}

func (u users) revokeAny(ctx context.Context, in *request, _ *encoder) error {
	one, g, err := u.thing(ctx, in)
	if err != nil {
		return err
	}
	return u.keeper.Revoke(ctx, one.Name, g.Kind, g.ID)
}

// effective says what a user may do with a thing, by a grant or by his role.
func (u users) effective(ctx context.Context, in *request, out *encoder) error {
	if err := mine(ctx, in.str("username")); err != nil {
		return err
	}
	one, g, err := u.thing(ctx, in)
	if err != nil {
		return err
	}
	role := one.Role
	if own := grantOf(one, g.Kind, g.ID); own != nil && role != account.Admin {
		role = own.Role
	}
	out.boolean("allowed", role.Allows(route.Write))
	out.str("permission", permissionOf(role))
	return nil
}

// roleOf is the role that a permission of MLflow is.
func roleOf(permission string) (account.Role, error) {
	switch strings.ToUpper(permission) {
	case "READ", "USE":
		return account.Reader, nil
	case "EDIT":
		return account.Writer, nil
	case "MANAGE":
		return account.Admin, nil
	case "NO_PERMISSIONS", "DENY":
		return account.None, nil
	}
	return "", Errorf(InvalidParameter, "Invalid permission '%s'. Valid permissions are: ('READ', 'USE', 'EDIT', 'MANAGE', 'NO_PERMISSIONS', 'DENY')", permission)
}

func permissionOf(role account.Role) string {
	switch role {
	case account.Reader:
		return "READ"
	case account.Writer:
		return "EDIT"
	case account.Admin:
		return "MANAGE"
	default:
		return "NO_PERMISSIONS"
	}
}
