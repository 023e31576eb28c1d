package cmd

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/account"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/term"
)

func newServerTokenCmd(a *app) *cobra.Command {
	c := a.group("token", "Make tokens, which let programs in", newServerTokenCreateCmd(a), newServerTokenLsCmd(a), newServerTokenRmCmd(a))
	c.Long = `Make tokens, which let programs in without a password. A token stands for its
user, limited to a role where --role says so. MLflow's clients send it as
MLFLOW_TRACKING_TOKEN, others as 'Authorization: Bearer …'.`
	c.Example = "  export MLFLOW_TRACKING_TOKEN=$(mlops server token create ci --name nightly --expires 90d)"
	return c
}

// issued is the contract of token create --json.
type issued struct {
	account.Token

	Secret string `json:"secret"`
}

func newServerTokenCreateCmd(a *app) *cobra.Command {
	var name, role, expires string
	c := accountsCmd(a, &cobra.Command{
		Use:     "create USER",
		Short:   "Make a token and print it, this once",
		Example: "  mlops server token create ci --name nightly --role writer --expires 90d",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, k *account.Keeper, args []string) error {
		r, err := account.ParseRole(role)
		if err != nil {
			return err
		}
		life, err := parseLife(expires)
		if err != nil {
			return err
		}
		t, secret, err := k.Issue(ctx, account.Token{User: args[0], Name: name, Role: r}, life)
		if err != nil {
			return err
		}
		a.io.Note("it is shown this once; mlops server token rm %s makes it worthless", t.ID)
		return a.io.Result(issued{t, secret}, func(w io.Writer) error {
			_, err := io.WriteString(w, secret+"\n")
			return err
		})
	})
	c.Flags().StringVar(&name, "name", "", "what it is for")
	c.Flags().StringVar(&role, "role", string(account.Admin), "it gives no more than this `ROLE`, and no more than its user has")
	c.Flags().StringVar(&expires, "expires", "", "after this `TIME`: 12h, 90d (default: never)")
	return c
}

// parseLife reads a span of time, "" for none.
func parseLife(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	hours := text
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil {
			n = 0
		}
		hours = strconv.Itoa(24*n) + "h"
	}
	d, err := time.ParseDuration(hours)
	if err != nil || d <= 0 {
		return 0, errs.New(errs.Usage, "--expires %s is no span of time", text).Hint("12h, 90d")
	}
	return d, nil
}

func newServerTokenLsCmd(a *app) *cobra.Command {
	return accountsCmd(a, &cobra.Command{
		Use:     "ls [USER]",
		Short:   "List tokens",
		Example: "  mlops server token ls\n  mlops server token ls ci --json",
		Args:    cobra.MaximumNArgs(1),
	}, func(ctx context.Context, k *account.Keeper, args []string) error {
		user := ""
		if len(args) > 0 {
			user = args[0]
		}
		tokens, err := k.Tokens(ctx, user)
		if err != nil {
			return err
		}
		if len(tokens) == 0 {
			a.io.Hint("none yet: mlops server token create USER")
		}
		now := a.clock.Now()
		when := func(ms int64, never string) string {
			if ms == 0 {
				return never
			}
			return term.Ago(now, time.UnixMilli(ms))
		}
		return a.io.Result(tokens, func(w io.Writer) error {
			table := a.io.Table("ID", "USER", "NAME", "LIMIT", "CREATED", "USED", "EXPIRES")
			for _, t := range tokens {
				limit := string(t.Role)
				if t.Role == account.Admin {
					limit = "-"
				}
				table.Row(t.ID, t.User, t.Name, limit, when(t.Created, "-"), when(t.Used, "never"), expiry(t.Expires))
			}
			return table.Write(w)
		})
	})
}

// expiry is when a token ends that does so at ms.
func expiry(ms int64) string {
	if ms == 0 {
		return "never"
	}
	return time.UnixMilli(ms).Format(time.DateTime)
}

func newServerTokenRmCmd(a *app) *cobra.Command {
	return accountsCmd(a, &cobra.Command{
		Use:     "rm ID...",
		Short:   "Make tokens worthless",
		Example: "  mlops server token rm 1f0c9a2b",
		Args:    cobra.MinimumNArgs(1),
	}, func(ctx context.Context, k *account.Keeper, args []string) error {
		for _, id := range args {
			if err := k.Withdraw(ctx, id); err != nil {
				return err
			}
			a.io.Note("token %s lets nobody in any more", id)
		}
		return nil
	})
}
