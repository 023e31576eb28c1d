package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/term"
)

type modelGetOptions struct {
	app *app

	args     []string
	describe bool
}

func newModelGetCmd(a *app) *cobra.Command {
	o := &modelGetOptions{app: a}
	c := &cobra.Command{
		Use:   "get NAME[/VERSION|@ALIAS] [DIR]",
		Short: "Write the files of a version",
		Long: `Write the files of a version to DIR, or to a file or directory of the name that they
had. What is not on this machine is fetched from the default remote. What it
writes is whole or not there.`,
		Example: "  mlops model get churn@production\n  mlops model get churn/3 /srv/models/churn --mlmodel",
		Args:    cobra.RangeArgs(1, 2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.args = args
			return runModelGet(ctx, o)
		}),
	}
	c.Flags().BoolVar(&o.describe, "mlmodel", false, "make a directory with an MLmodel file, as MLflow reads it, where the model has none")
	return c
}

func runModelGet(ctx context.Context, o *modelGetOptions) error {
	a, args := o.app, o.args
	ref, err := registry.ParseRef(args[0])
	if err != nil {
		return err
	}
	p, err := a.releaser(ctx, true)
	if err != nil {
		return err
	}
	models, err := a.registry(ctx)
	if err != nil {
		return err
	}
	v, err := models.Find(ctx, ref)
	if err != nil {
		return err
	}
	name := path.Base(v.Details.Path)
	if v.Details.Path == "" || o.describe && v.Details.Kind != "dir" {
		name = v.Model
	}
	to := name
	if len(args) == 2 {
		to = args[1]
		if isDirectory(to) {
			to = filepath.Join(to, name)
		}
	}
	got, err := p.Get(ctx, v.Ref(), to, o.describe)
	if err != nil {
		return err
	}
	return a.io.Result(got, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "got %s: %s, %s, %s\n", v.Ref(), got.Path, term.Plural(max(got.Files, 1), "file"), term.Bytes(got.Bytes))
		return err
	})
}

// tellWaiting warns of versions whose numbers were taken here and elsewhere.
func (a *app) tellWaiting(ctx context.Context, models *registrydb.Service) {
	waiting, err := models.Waiting(ctx)
	if err != nil {
		a.io.Warn("%v", err)
	}
	for i := range waiting {
		w := &waiting[i]
		name := registry.Ref{Name: w.Model, Number: w.Number}
		a.io.Warn("%s was registered here and by %s elsewhere, who pushed first", name, cmp.Or(w.User, "somebody"))
		a.io.Hint("to give yours the next number: mlops model renumber %s", name)
	}
}

func newModelRenumberCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "renumber NAME/VERSION",
		Short: "Give a version whose number was taken elsewhere the next free one",
		Long: `When two people register a version before either pushes, both have the same number. Who
pushes first keeps it; 'mlops push' and 'mlops pull' tell the other, whose version stays
as it is until this command gives it the next free number. Aliases stay with the
version, and the version of the other is there under its number.`,
		Example: "  mlops model renumber churn/3",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			models, err := a.registry(ctx)
			if err != nil {
				return err
			}
			v, err := findVersion(ctx, models, args[0])
			if err != nil {
				return err
			}
			to, err := models.Renumber(ctx, v.Model, v.Number)
			if err != nil {
				return err
			}
			res := map[string]any{"name": v.Model, "from": v.Number, "version": to}
			return a.io.Result(res, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s is %s/%d now\n", v.Ref(), v.Model, to)
				return err
			})
		}),
	}
}
