package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

type runsTagOptions struct {
	app *app

	ref    string
	pairs  []string
	remove []string
}

func newRunsTagCmd(a *app) *cobra.Command {
	o := &runsTagOptions{app: a}
	c := &cobra.Command{
		Use:     "tag RUN [KEY=VALUE...]",
		Short:   "Set, remove or show the tags of a run",
		Example: "  mlops runs tag swift-otter-417 reviewed=yes owner=ada\n  mlops runs tag swift-otter-417 --remove draft",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.ref, o.pairs = args[0], args[1:]
			return runRunsTag(ctx, o)
		}),
	}
	commaListVar(c.Flags(), &o.remove, "remove", "remove the tag with this key")
	return c
}

func runRunsTag(ctx context.Context, o *runsTagOptions) error {
	var tags []track.Tag
	for _, pair := range o.pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return errs.New(errs.Usage, "tag %q is not KEY=VALUE", pair).Hint("mlops runs tag %s %s=VALUE", o.ref, pair)
		}
		tags = append(tags, track.Tag{Key: key, Value: value})
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	id, err := tracking.Resolve(ctx, o.ref)
	if err != nil {
		return err
	}
	if len(o.remove) > 0 {
		if err := tracking.DeleteTags(ctx, id, o.remove); err != nil {
			return err
		}
	}
	if len(tags) > 0 {
		if err := tracking.SetTags(ctx, id, tags); err != nil {
			return err
		}
	}
	r, err := tracking.Run(ctx, id)
	if err != nil {
		return err
	}
	return o.app.io.Result(listRun(&r).Tags, func(w io.Writer) error {
		t := o.app.io.Table()
		for _, tag := range r.Tags {
			t.Row(tag.Key, tag.Value)
		}
		if t.Len() == 0 {
			_, err := fmt.Fprintf(w, "run %s has no tags\n", r.Name)
			return err
		}
		return t.Write(w)
	})
}
