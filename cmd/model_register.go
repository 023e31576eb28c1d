package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/term"
)

type modelRegisterOptions struct {
	app *app

	request release.Request
	tags    []string
	card    string
	pull    bool
}

func newModelRegisterCmd(a *app) *cobra.Command {
	o := &modelRegisterOptions{app: a}
	c := &cobra.Command{
		Use:   "register PATH|RUN:PATH NAME",
		Short: "Make a version of a model from files",
		Long: `Make a version of a model from a file or directory of the workspace, or from what a
run made: RUN:PATH, or runs:/RUN/PATH as MLflow writes it. The model is made when there
is none. The version keeps the run that made the files, with its params, metrics, data
and code; what an MLmodel file says of signature, flavors and input example; and the
model card, MODEL_CARD.md or README.md in the directory. The same files of the same run
are registered once. Inside a stage the run is the one that goes on.`,
		Example: `  mlops model register models/churn.pkl churn
  mlops model register swift-otter-417:models/churn.pkl churn --alias candidate
  mlops model register models/churn churn --tag team=growth --licence MIT`,
		Args: cobra.ExactArgs(2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.request.Source, o.request.Model = args[0], args[1]
			return runModelRegister(ctx, o)
		}),
	}
	f := c.Flags()
	commaListVar(f, &o.request.Aliases, "alias", "give the version this alias; may be repeated")
	listVar(f, &o.tags, "tag", "", "give the version a tag, KEY=VALUE; may be repeated")
	f.StringVarP(&o.request.Description, "message", "m", "", "a description")
	f.StringVar(&o.request.Licence, "licence", "", "the licence (default: what the model card says)")
	f.StringVar(&o.card, "card", "", "`FILE` with the model card in Markdown (default: MODEL_CARD.md or README.md beside the model)")
	commaListVar(f, &o.request.Flavors, "flavor", "how it can be loaded, such as sklearn (default: what its MLmodel says)")
	f.StringVar(&o.request.Run, "run", "", "the run that made the file (default: $"+runIDVariable+", or the run that is known to have)")
	f.BoolVar(&o.pull, "pull", false, "fetch what is missing from the default remote")
	return c
}

func runModelRegister(ctx context.Context, o *modelRegisterOptions) error {
	q := &o.request
	q.Dir, q.Run = ".", cmp.Or(q.Run, os.Getenv(runIDVariable))
	for _, pair := range o.tags {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return errs.New(errs.Usage, "tag %q is not KEY=VALUE", pair)
		}
		q.Tags = append(q.Tags, registry.Tag{Key: key, Value: value})
	}
	if o.card != "" {
		text, err := os.ReadFile(o.card)
		if err != nil {
			return errs.New(errs.Usage, "read model card: %w", err)
		}
		q.Card = string(text)
	}
	if err := o.app.holdStore(ctx); err != nil {
		return err
	}
	p, err := o.app.releaser(ctx, o.pull)
	if err != nil {
		return err
	}
	res, err := p.Register(ctx, *q)
	if err != nil {
		return err
	}
	v := &res.Version
	if err := o.app.io.Result(res, func(w io.Writer) error {
		verb := "registered"
		if !res.Created {
			verb = "is registered already:"
		}
		if _, err := fmt.Fprintf(w, "%s %s (%s)\n", verb, o.app.io.Paint(term.Bold, v.Ref().String()), versionSize(v)); err != nil {
			return err
		}
		return nil
	}); err != nil {
		return err
	}
	switch {
	case v.RunID == "":
		o.app.io.Note("no run made these files: the version has no params, metrics and data")
	case res.Created:
		o.app.io.Note("made by run %s", v.Details.RunName)
	}
	if v.Details.Git.Dirty {
		o.app.io.Note("the code had changes that are not committed")
	}
	return nil
}

// versionSize says how large a version is.
func versionSize(v *registry.Version) string {
	d := &v.Details
	if d.Object.IsZero() {
		return v.Source
	}
	text := d.Path + ", " + term.Bytes(d.Size)
	if d.Kind == "dir" {
		text += ", " + term.Plural(d.Files, "file")
	}
	return text
}
