package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
)

type modelLsOptions struct {
	app *app

	tags   []string
	prompt bool
}

func newModelLsCmd(a *app) *cobra.Command {
	o := &modelLsOptions{app: a}
	c := &cobra.Command{
		Use:     "ls",
		Short:   "List the registered models",
		Example: "  mlops model ls\n  mlops model ls --tag team=growth --json",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runModelLs(ctx, o) }),
	}
	listVar(c.Flags(), &o.tags, "tag", "", "only models with this tag, KEY=VALUE; may be repeated")
	c.Flags().BoolVar(&o.prompt, "prompts", false, "also the prompts that MLflow's clients register")
	return c
}

func runModelLs(ctx context.Context, o *modelLsOptions) error {
	models, err := o.app.registry(ctx)
	if err != nil {
		return err
	}
	q := registry.Query{Prompts: o.prompt}
	for _, pair := range o.tags {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return errs.New(errs.Usage, "tag %q is not KEY=VALUE", pair)
		}
		q.Filter = append(q.Filter, track.Condition{Entity: track.Tags, Key: key, Op: track.Equal, Text: value})
	}
	list, err := models.Models(ctx, q)
	if err != nil {
		return err
	}
	if list == nil {
		list = []registry.Model{}
	}
	if err := o.app.io.Result(list, func(w io.Writer) error {
		now := o.app.io.Clock.Now()
		t := o.app.io.Table("NAME", "VERSIONS", "ALIASES", "UPDATED", "DESCRIPTION").Right(1)
		for i := range list {
			m := &list[i]
			description, _, _ := strings.Cut(m.Description, "\n")
			t.Row(m.Name, strconv.Itoa(m.Versions), aliasList(m.Aliases), term.Ago(now, time.UnixMilli(m.Updated)), description)
		}
		return t.Write(w)
	}); err != nil {
		return err
	}
	if len(list) == 0 && len(q.Filter) == 0 {
		o.app.io.Hint("no model is registered yet: mlops model register PATH NAME")
	}
	return nil
}

func aliasList(aliases []registry.Alias) string {
	words := make([]string, len(aliases))
	for i, a := range aliases {
		words[i] = fmt.Sprintf("%s→%d", a.Name, a.Version)
	}
	return strings.Join(words, " ")
}

type modelVersionsOptions struct {
	app *app

	name  string
	limit int
	all   bool
}

func newModelVersionsCmd(a *app) *cobra.Command {
	o := &modelVersionsOptions{app: a}
	c := &cobra.Command{
		Use:     "versions NAME",
		Short:   "List the versions of a model, the newest first",
		Example: "  mlops model versions churn\n  mlops model versions churn --json",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.name = args[0]
			return runModelVersions(ctx, o)
		}),
	}
	c.Flags().IntVarP(&o.limit, "limit", "n", 0, "how many to list (default 20 in a table)")
	c.Flags().BoolVar(&o.all, "all", false, "list all, with every metric")
	return c
}

func runModelVersions(ctx context.Context, o *modelVersionsOptions) error {
	models, err := o.app.registry(ctx)
	if err != nil {
		return err
	}
	limit := o.limit
	if limit == 0 && !o.all && !o.app.io.JSON {
		limit = runsShown
	}
	list, err := o.app.versionsOf(ctx, models, o.name, limit)
	if err != nil {
		return err
	}
	return o.app.io.Result(list, func(w io.Writer) error { return o.app.versionTable(list, o.all).Write(w) })
}

// versionsOf lists the versions of a model that exists; a limit of 0 is none.
func (a *app) versionsOf(ctx context.Context, models *registrydb.Service, name string, limit int) ([]registry.Version, error) {
	ref, err := registry.ParseRef(name)
	if err != nil {
		return nil, err
	}
	if _, err := models.Model(ctx, ref.Name); err != nil {
		return nil, err
	}
	list, err := models.Versions(ctx, registry.Query{
		Filter: track.Filter{{Entity: track.Attributes, Key: "name", Op: track.Equal, Text: ref.Name}},
		Limit:  limit, Prompts: true,
	})
	if err != nil {
		return nil, err
	}
	p, err := a.releaser(ctx, false)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := p.Complete(ctx, &list[i], false); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// versionTable shows versions with the metrics that tell them apart.
func (a *app) versionTable(list []registry.Version, all bool) *term.Table {
	var metrics []string
	values := map[string]map[string]bool{}
	for i := range list {
		for _, m := range list[i].Details.Metrics {
			if values[m.Key] == nil {
				values[m.Key] = map[string]bool{}
				metrics = append(metrics, m.Key)
			}
			values[m.Key][m.Value.String()] = true
		}
	}
	var shown []string
	for _, key := range metrics {
		if all || len(list) < 2 || len(values[key]) > 1 {
			shown = append(shown, key)
		}
	}
	if !all && len(shown) > keysShown {
		shown = shown[:keysShown]
	}
	now := a.io.Clock.Now()
	columns := []string{"VERSION", "ALIASES", "STAGE", "REGISTERED", "BY", "RUN", "SIZE"}
	flavors := slices.ContainsFunc(list, func(v registry.Version) bool { return len(v.Details.Flavors) > 0 })
	if flavors {
		columns = append(columns, "FLAVORS")
	}
	t := a.io.Table(append(columns, shown...)...).Right(0, 6)
	for i := range list {
		v := &list[i]
		stage := ""
		if v.Stage != registry.NoStage {
			stage = string(v.Stage)
		}
		run := v.Details.RunName
		if run == "" && len(v.RunID) >= 8 {
			run = v.RunID[:8]
		}
		size := ""
		if v.Details.Files > 0 {
			size = term.Bytes(v.Details.Size)
		}
		row := []string{strconv.Itoa(v.Number), strings.Join(v.Aliases, " "), stage, term.Ago(now, time.UnixMilli(v.Created)), v.User, run, size}
		if flavors {
			row = append(row, strings.Join(v.Details.Flavors, " "))
		}
		for _, key := range shown {
			text := compare.Missing
			for _, m := range v.Details.Metrics {
				if m.Key == key {
					text = plot.Number(float64(m.Value))
				}
			}
			row = append(row, text)
		}
		t.Row(row...)
	}
	return t
}
