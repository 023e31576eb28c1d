package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
)

type modelAliasOptions struct {
	app *app

	remove []string
	force  bool
}

func newModelAliasCmd(a *app) *cobra.Command {
	o := &modelAliasOptions{app: a}
	c := &cobra.Command{
		Use:   "alias NAME[/VERSION] [ALIAS...]",
		Short: "Set, remove or show the aliases of a model",
		Long: `Give a version an alias, which then no longer names another version. An alias that
mlops.yaml has gates for is moved by 'mlops model promote', or set and removed here
with --force.`,
		Example: "  mlops model alias churn/3 candidate\n  mlops model alias churn --remove candidate\n  mlops model alias churn",
		Args:    cobra.MinimumNArgs(1),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runModelAlias(ctx, o, args[0], args[1:]) }),
	}
	commaListVar(c.Flags(), &o.remove, "remove", "remove this alias")
	c.Flags().BoolVarP(&o.force, "force", "f", false, "set or remove an alias that has gates without looking at them")
	return c
}

func runModelAlias(ctx context.Context, o *modelAliasOptions, text string, aliases []string) error {
	models, err := o.app.registry(ctx)
	if err != nil {
		return err
	}
	ref, err := registry.ParseRef(text)
	if err != nil {
		return err
	}
	if len(aliases)+len(o.remove) > 0 {
		if err := o.move(ctx, models, ref, aliases); err != nil {
			return err
		}
	}
	m, err := models.Model(ctx, ref.Name)
	if err != nil {
		return err
	}
	return o.app.io.Result(m.Aliases, func(w io.Writer) error {
		t := o.app.io.Table()
		for _, alias := range m.Aliases {
			by := ""
			if alias.By != "" {
				by = "by " + alias.By
			}
			t.Row(alias.Name, fmt.Sprintf("version %d", alias.Version), o.app.when(alias.Time), by)
		}
		if t.Len() == 0 {
			o.app.io.Note("model %s has no aliases", m.Name)
			return nil
		}
		return t.Write(w)
	})
}

// move sets aliases, and removes those that --remove names.
func (o *modelAliasOptions) move(ctx context.Context, models registry.Reader, ref registry.Ref, aliases []string) error {
	p, err := o.app.releaser(ctx, false)
	if err != nil {
		return err
	}
	if len(aliases) > 0 {
		if err := exactly(ref, "alias", strings.Join(aliases, " ")); err != nil {
			return err
		}
		v, err := models.Find(ctx, ref)
		if err != nil {
			return err
		}
		for _, alias := range aliases {
			if err := p.SetAlias(ctx, v.Model, alias, v.Number, o.force); err != nil {
				return err
			}
		}
	}
	for _, alias := range o.remove {
		if err := p.RemoveAlias(ctx, ref.Name, alias, o.force); err != nil {
			return err
		}
	}
	return nil
}

type modelTagOptions struct {
	app *app

	remove  []string
	message string
	say     bool
}

func newModelTagCmd(a *app) *cobra.Command {
	o := &modelTagOptions{app: a}
	c := &cobra.Command{
		Use:     "tag NAME[/VERSION] [KEY=VALUE...]",
		Short:   "Set, remove or show the tags of a model or a version",
		Long:    "Set, remove or show the tags of a model, or of a version where one is named. -m writes its description.",
		Example: "  mlops model tag churn/3 reviewed=yes\n  mlops model tag churn team=growth -m \"who will leave next month\"\n  mlops model tag churn@production --remove reviewed",
		Args:    cobra.MinimumNArgs(1),
	}
	commaListVar(c.Flags(), &o.remove, "remove", "remove the tag with this key")
	c.Flags().StringVarP(&o.message, "message", "m", "", "write the description")
	c.RunE = a.run(func(ctx context.Context, args []string) error {
		o.say = c.Flags().Changed("message")
		return runModelTag(ctx, o, args[0], args[1:])
	})
	return c
}

func runModelTag(ctx context.Context, o *modelTagOptions, text string, pairs []string) error {
	models, err := o.app.registry(ctx)
	if err != nil {
		return err
	}
	ref, err := registry.ParseRef(text)
	if err != nil {
		return err
	}
	if ref.Alias != "" {
		v, err := models.Find(ctx, ref)
		if err != nil {
			return err
		}
		ref = v.Ref()
	}
	tags, err := o.tags(ctx, models, ref)
	if err != nil {
		return err
	}
	for _, key := range o.remove {
		if known := tagKeys(tags); !slices.Contains(known, key) {
			return errs.New(errs.NotFound, "%s has no tag %q", ref, key).DidYouMean(key, known)
		}
		if err := models.DeleteTag(ctx, ref, key); err != nil {
			return err
		}
	}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return errs.New(errs.Usage, "tag %q is not KEY=VALUE", pair).Hint("mlops model tag %s %s=VALUE", ref, pair)
		}
		if err := models.SetTag(ctx, ref, key, value); err != nil {
			return err
		}
	}
	if o.say {
		if err := models.Describe(ctx, ref, o.message); err != nil {
			return err
		}
	}
	if tags, err = o.tags(ctx, models, ref); err != nil {
		return err
	}
	byKey := map[string]string{}
	for _, t := range tags {
		byKey[t.Key] = t.Value
	}
	return o.app.io.Result(byKey, func(w io.Writer) error {
		t := o.app.io.Table()
		for _, tag := range tags {
			t.Row(tag.Key, tag.Value)
		}
		if t.Len() == 0 {
			if !o.say {
				o.app.io.Note("%s has no tags", ref)
			}
			return nil
		}
		return t.Write(w)
	})
}

func (o *modelTagOptions) tags(ctx context.Context, models registry.Reader, ref registry.Ref) ([]registry.Tag, error) {
	if ref.Number > 0 {
		v, err := models.Version(ctx, ref.Name, ref.Number)
		return v.Tags, err
	}
	m, err := models.Model(ctx, ref.Name)
	return m.Tags, err
}

func tagKeys(tags []registry.Tag) []string {
	keys := make([]string, len(tags))
	for i, t := range tags {
		keys[i] = t.Key
	}
	return keys
}
