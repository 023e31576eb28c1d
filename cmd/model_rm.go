package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/term"
)

type modelRmOptions struct {
	app *app

	force bool
}

func newModelRmCmd(a *app) *cobra.Command {
	o := &modelRmOptions{app: a}
	c := &cobra.Command{
		Use:   "rm NAME|NAME/VERSION...",
		Short: "Remove versions, or whole models",
		Long: `Remove a version, whose number is not used again, or a model with all its versions.
There is no way back. A version that has aliases, and a model that has versions, needs
--force. Files go with the next 'mlops gc' when nothing else names them.`,
		Example: "  mlops model rm churn/2\n  mlops model rm churn --force",
		Args:    cobra.MinimumNArgs(1),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runModelRm(ctx, o, args) }),
	}
	c.Flags().BoolVarP(&o.force, "force", "f", false, "also what has aliases or versions")
	return c
}

func runModelRm(ctx context.Context, o *modelRmOptions, args []string) error {
	models, err := o.app.registry(ctx)
	if err != nil {
		return err
	}
	refs := make([]registry.Ref, len(args))
	for i, text := range args {
		if refs[i], err = registry.ParseRef(text); err != nil {
			return err
		}
		if err := o.check(ctx, models, refs[i]); err != nil {
			return err
		}
	}
	removed := make([]string, 0, len(refs))
	for _, ref := range refs {
		if err := models.Delete(ctx, ref); err != nil {
			return err
		}
		removed = append(removed, ref.String())
	}
	return o.app.io.Result(removed, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "removed %s\n", strings.Join(removed, ", "))
		return err
	})
}

// check refuses, before anything is removed, what somebody may miss.
func (o *modelRmOptions) check(ctx context.Context, models registry.Reader, ref registry.Ref) error {
	if ref.Alias != "" {
		v, err := models.Find(ctx, ref)
		if err != nil {
			return err
		}
		return errs.New(errs.Usage, "%s may mean another version tomorrow", ref).
			Hint("mlops model rm %s", v.Ref()).Hint("to take the alias off: mlops model alias %s --remove %s", ref.Name, ref.Alias)
	}
	if ref.Number > 0 {
		v, err := models.Version(ctx, ref.Name, ref.Number)
		if err == nil && len(v.Aliases) > 0 && !o.force {
			return errs.New(errs.Conflict, "%s is named by %s", ref, strings.Join(v.Aliases, ", ")).Hint("mlops model rm --force %s", ref)
		}
		return err
	}
	m, err := models.Model(ctx, ref.Name)
	if err == nil && m.Versions > 0 && !o.force {
		return errs.New(errs.Conflict, "model %s has %s", ref, term.Plural(int64(m.Versions), "version")).Hint("mlops model rm --force %s", ref)
	}
	return err
}
