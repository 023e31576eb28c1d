package cmd

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/account"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/signin"
	"github.com/mlops-cli/mlops/pkg/track"
)

// accountsCmd makes a command about the accounts of a store.
func accountsCmd(a *app, c *cobra.Command, run func(ctx context.Context, k *account.Keeper, args []string) error) *cobra.Command {
	o := &serverOptions{app: a}
	c.Flags().StringVar(&o.store, "store", "", "`DIR` or postgres:// URL whose accounts are meant (default: this repository)")
	c.RunE = a.run(func(ctx context.Context, args []string) error {
		k, err := o.accounts(ctx)
		if err != nil {
			return err
		}
		return run(ctx, k, args)
	})
	return c
}

// accounts opens the accounts of the store that is served.
func (o *serverOptions) accounts(ctx context.Context) (*account.Keeper, error) {
	index, err := o.records(ctx)
	if err != nil {
		return nil, err
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return nil, err
	}
	return account.New(index, o.app.clock, tracking, tracking.By()), nil
}

// guard has the server ask who it is, when that is wanted.
func (o *serverOptions) guard(ctx context.Context, parts *serverParts) error {
	if !o.auth {
		return nil
	}
	k, err := o.accounts(ctx)
	if err != nil {
		return err
	}
	users, err := k.Users(ctx)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return errs.New(errs.Usage, "--auth: there is no user yet, so nobody could come in").Hint("mlops server user add NAME --role admin")
	}
	door := signin.New(k)
	routes, err := door.Routes()
	if err != nil {
		return err
	}
	parts.auth, parts.routes = door, slices.Concat(parts.routes, routes, mlflow.UserRoutes(k))
	return nil
}

func newServerUserCmd(a *app) *cobra.Command {
	c := a.group("user", "Say who may use a server, and what for",
		newServerUserAddCmd(a), newServerUserLsCmd(a), newServerUserRoleCmd(a), newServerUserPasswdCmd(a),
		newServerUserGrantCmd(a), newServerUserRevokeCmd(a), newServerUserRmCmd(a))
	c.Long = `Say who may use a server that was started with --auth, and what for. A role is
none, reader, writer or admin. A grant is another role for one experiment or model,
more or less than the user's own. Changes count at once, also for a server that runs.`
	c.Example = "  mlops server user add ann --role writer\n  mlops server user grant ann none --experiment payroll"
	return c
}

func newServerUserAddCmd(a *app) *cobra.Command {
	var role string
	var noPassword bool
	c := accountsCmd(a, &cobra.Command{
		Use:   "add NAME",
		Short: "Add a user",
		Long: `Add a user, with a password that is asked for, or is the first line of the
input. With --no-password only tokens let the user in: mlops server token create.`,
		Example: "  mlops server user add ann --role writer\n  mlops server user add ci --role writer --no-password",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, k *account.Keeper, args []string) error {
		r, err := account.ParseRole(role)
		if err != nil {
			return err
		}
		password := ""
		if !noPassword {
			if password, err = a.newPassword(args[0]); err != nil {
				return err
			}
		}
		if err := k.Add(ctx, args[0], r, password); err != nil {
			return err
		}
		a.io.Note("added user %s, %s", args[0], r)
		if noPassword {
			a.io.Hint("mlops server token create %s", args[0])
		}
		return nil
	})
	c.Flags().StringVar(&role, "role", string(account.Reader), "`ROLE`: none, reader, writer or admin")
	c.Flags().BoolVar(&noPassword, "no-password", false, "let only tokens in")
	return c
}

// newPassword asks for a password.
func (a *app) newPassword(name string) (string, error) {
	password, err := a.io.Secret("Password for " + name)
	if errors.Is(err, io.EOF) {
		return "", errs.New(errs.Usage, "there is no password on the input").Hint("type it when asked, or pipe it in; --no-password lets only tokens in")
	}
	if err != nil {
		return "", err
	}
	return password, account.CheckPassword(name, password)
}

func newServerUserLsCmd(a *app) *cobra.Command {
	return accountsCmd(a, &cobra.Command{
		Use:     "ls",
		Short:   "List users with their roles and grants",
		Example: "  mlops server user ls\n  mlops server user ls --json",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, k *account.Keeper, _ []string) error {
		users, err := k.Users(ctx)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			a.io.Hint("nobody yet: mlops server user add NAME --role admin")
		}
		return a.io.Result(users, func(w io.Writer) error {
			table := a.io.Table("NAME", "ROLE", "PASSWORD", "GRANTS")
			for _, u := range users {
				password, grants := "no", ""
				if u.Password {
					password = "yes"
				}
				for i, g := range u.Grants {
					if i > 0 {
						grants += ", "
					}
					grants += string(g.Role) + " of " + string(g.Kind) + " " + g.ID
				}
				table.Row(u.Name, string(u.Role), password, grants)
			}
			return table.Write(w)
		})
	})
}

func newServerUserRoleCmd(a *app) *cobra.Command {
	return accountsCmd(a, &cobra.Command{
		Use:     "role NAME ROLE",
		Short:   "Give a user another role",
		Example: "  mlops server user role ann admin",
		Args:    cobra.ExactArgs(2),
	}, func(ctx context.Context, k *account.Keeper, args []string) error {
		r, err := account.ParseRole(args[1])
		if err != nil {
			return err
		}
		if err := k.SetRole(ctx, args[0], r); err != nil {
			return err
		}
		a.io.Note("%s is %s now", args[0], r)
		return nil
	})
}

func newServerUserPasswdCmd(a *app) *cobra.Command {
	return accountsCmd(a, &cobra.Command{
		Use:     "passwd NAME",
		Short:   "Give a user another password",
		Long:    "Give a user another password, asked for or the first line of the input. Sessions\nof the user end; tokens stay.",
		Example: "  mlops server user passwd ann",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, k *account.Keeper, args []string) error {
		password, err := a.newPassword(args[0])
		if err != nil {
			return err
		}
		if err := k.SetPassword(ctx, args[0], password); err != nil {
			return err
		}
		a.io.Note("%s has another password", args[0])
		return nil
	})
}

// grantFlags say what a grant is about.
type grantFlags struct {
	app        *app
	experiment string
	model      string
}

func (g *grantFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&g.experiment, "experiment", "", "an experiment, by `NAME` or id")
	c.Flags().StringVar(&g.model, "model", "", "a registered model, by `NAME`")
	c.MarkFlagsMutuallyExclusive("experiment", "model")
	c.MarkFlagsOneRequired("experiment", "model")
}

// grant names what the flags say.
func (g *grantFlags) grant(ctx context.Context) (account.Grant, error) {
	if g.model != "" {
		return account.Grant{Kind: account.Models, ID: g.model}, nil
	}
	tracking, err := g.app.tracking(ctx)
	if err != nil {
		return account.Grant{}, err
	}
	e, err := tracking.ExperimentByName(ctx, g.experiment)
	if _, missing := errors.AsType[*track.MissingError](err); missing {
		e, err = tracking.Experiment(ctx, g.experiment)
	}
	return account.Grant{Kind: account.Experiments, ID: e.ID}, err
}

func newServerUserGrantCmd(a *app) *cobra.Command {
	g := &grantFlags{app: a}
	c := accountsCmd(a, &cobra.Command{
		Use:     "grant NAME ROLE",
		Short:   "Give a user another role for one experiment or model",
		Example: "  mlops server user grant ann writer --experiment churn\n  mlops server user grant ann none --model payroll",
		Args:    cobra.ExactArgs(2),
	}, func(ctx context.Context, k *account.Keeper, args []string) error {
		grant, err := g.grant(ctx)
		if err != nil {
			return err
		}
		if grant.Role, err = account.ParseRole(args[1]); err != nil {
			return err
		}
		if err := k.Grant(ctx, args[0], grant); err != nil {
			return err
		}
		a.io.Note("%s is %s of %s %s", args[0], grant.Role, grant.Kind, grant.ID)
		return nil
	})
	g.flags(c)
	return c
}

func newServerUserRevokeCmd(a *app) *cobra.Command {
	g := &grantFlags{app: a}
	c := accountsCmd(a, &cobra.Command{
		Use:     "revoke NAME",
		Short:   "Take a grant back",
		Long:    "Take a grant back: the user's own role counts again.",
		Example: "  mlops server user revoke ann --experiment churn",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, k *account.Keeper, args []string) error {
		grant, err := g.grant(ctx)
		if err != nil {
			return err
		}
		if err := k.Revoke(ctx, args[0], grant.Kind, grant.ID); err != nil {
			return err
		}
		a.io.Note("the own role of %s counts for %s %s again", args[0], grant.Kind, grant.ID)
		return nil
	})
	g.flags(c)
	return c
}

func newServerUserRmCmd(a *app) *cobra.Command {
	return accountsCmd(a, &cobra.Command{
		Use:     "rm NAME...",
		Short:   "Remove users with their grants and tokens",
		Example: "  mlops server user rm ann",
		Args:    cobra.MinimumNArgs(1),
	}, func(ctx context.Context, k *account.Keeper, args []string) error {
		for _, name := range args {
			if err := k.Remove(ctx, name); err != nil {
				return err
			}
			a.io.Note("removed user %s", name)
		}
		return nil
	})
}
