package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/term"
)

type modelShowOptions struct {
	app *app

	ref  string
	card bool
}

func newModelShowCmd(a *app) *cobra.Command {
	o := &modelShowOptions{app: a}
	c := &cobra.Command{
		Use:   "show NAME|NAME/VERSION|NAME@ALIAS",
		Short: "Show a model, or everything of one version",
		Long: `Show a model with its aliases and versions; of a version, show where it comes from,
its params, metrics, signature and model card.`,
		Example: "  mlops model show churn\n  mlops model show churn@production\n  mlops model show churn/3 --card",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.ref = args[0]
			return runModelShow(ctx, o)
		}),
	}
	c.Flags().BoolVar(&o.card, "card", false, "print the model card only")
	return c
}

// shownModel is a model in the JSON of model show; docs/json.md is its contract.
type shownModel struct {
	registry.Model
	List []registry.Version `json:"version_list"`
}

func runModelShow(ctx context.Context, o *modelShowOptions) error {
	models, err := o.app.registry(ctx)
	if err != nil {
		return err
	}
	ref, err := registry.ParseRef(o.ref)
	if err != nil {
		return err
	}
	if o.card || ref.Number > 0 || ref.Alias != "" {
		p, err := o.app.releaser(ctx, false)
		if err != nil {
			return err
		}
		v, err := models.Find(ctx, ref)
		if err != nil {
			return err
		}
		if err := p.Complete(ctx, &v, true); err != nil {
			return err
		}
		if o.card {
			return o.showCard(&v)
		}
		return o.app.io.Result(v, func(w io.Writer) error { return o.app.showVersion(w, &v) })
	}
	return o.showModel(ctx, models, ref.Name)
}

func (o *modelShowOptions) showCard(v *registry.Version) error {
	return o.app.io.Result(map[string]string{"name": v.Model, "card": v.Details.Card}, func(w io.Writer) error {
		if v.Details.Card == "" {
			o.app.io.Note("%s has no model card", v.Ref())
			return nil
		}
		_, err := fmt.Fprintln(w, strings.TrimRight(v.Details.Card, "\n"))
		return err
	})
}

func (o *modelShowOptions) showModel(ctx context.Context, models *registrydb.Service, name string) error {
	m, err := models.Model(ctx, name)
	if err != nil {
		return err
	}
	list, err := o.app.versionsOf(ctx, models, name, runsShown)
	if err != nil {
		return err
	}
	a := o.app
	return a.io.Result(shownModel{m, list}, func(w io.Writer) error {
		t := a.io.Table()
		a.about(t, "model", a.io.Paint(term.Bold, m.Name))
		a.about(t, "description", m.Description)
		a.about(t, "created", a.when(m.Created))
		a.about(t, "updated", a.when(m.Updated))
		a.about(t, "tags", tagList(m.Tags))
		for _, alias := range m.Aliases {
			text := fmt.Sprintf("%s → version %d, %s", alias.Name, alias.Version, term.Ago(a.io.Clock.Now(), time.UnixMilli(alias.Time)))
			if alias.By != "" {
				text += " by " + alias.By
			}
			a.about(t, "alias", text)
		}
		if err := t.Write(w); err != nil {
			return err
		}
		if len(list) == 0 {
			a.io.Hint("it has no versions yet: mlops model register PATH %s", m.Name)
			return nil
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		if err := a.versionTable(list, false).Write(w); err != nil {
			return err
		}
		if m.Versions > len(list) {
			a.io.Note("and %d more: mlops model versions %s --all", m.Versions-len(list), m.Name)
		}
		return nil
	})
}

// about adds a row that says something, if there is something to say.
func (a *app) about(t *term.Table, key, value string) {
	if value != "" {
		t.Row(a.io.Paint(term.Dim, key), value)
	}
}

func (a *app) when(ms int64) string {
	at := time.UnixMilli(ms)
	return at.Format("2006-01-02 15:04:05") + " (" + term.Ago(a.io.Clock.Now(), at) + ")"
}

func tagList(tags []registry.Tag) string {
	words := make([]string, len(tags))
	for i, t := range tags {
		words[i] = t.Key + "=" + t.Value
	}
	return strings.Join(words, ", ")
}

// showVersion writes a version for people.
func (a *app) showVersion(w io.Writer, v *registry.Version) error {
	d := &v.Details
	t := a.io.Table()
	a.about(t, "version", a.io.Paint(term.Bold, v.Ref().String()))
	a.about(t, "aliases", strings.Join(v.Aliases, ", "))
	a.about(t, "description", v.Description)
	if v.Stage != registry.NoStage {
		a.about(t, "stage", string(v.Stage))
	}
	if v.Status != registry.Ready {
		a.about(t, "status", strings.TrimSpace(string(v.Status)+" "+v.StatusText))
	}
	by := ""
	if v.User != "" {
		by = " by " + v.User
	}
	a.about(t, "registered", a.when(v.Created)+by)
	a.about(t, "tags", tagList(v.Tags))
	for _, p := range v.Approvals {
		text := p.By + ", " + a.when(p.Time)
		if p.Alias != "" {
			text += " for " + p.Alias
		}
		if p.Note != "" {
			text += ": " + p.Note
		}
		a.about(t, "approved", text)
	}
	a.about(t, "files", versionSize(v))
	if !d.Object.IsZero() {
		a.about(t, "object", d.Object.String())
	}
	a.about(t, "flavors", strings.Join(d.Flavors, ", "))
	a.about(t, "licence", d.Licence)
	a.about(t, "input example", d.Example)
	if v.RunID != "" {
		a.about(t, "run", strings.TrimSpace(d.RunName+" "+v.RunID))
	}
	commit := d.Git.Commit
	if commit != "" && d.Git.Branch != "" {
		commit += " (" + d.Git.Branch + ")"
	}
	if d.Git.Dirty {
		commit += " with uncommitted changes"
	}
	a.about(t, "commit", commit)
	for _, in := range d.Inputs {
		if !in.Code {
			a.about(t, "data", fmt.Sprintf("%s %s, %s", in.Path, in.ID.Short(), term.Bytes(in.Size)))
		}
	}
	if err := t.Write(w); err != nil {
		return err
	}
	params, metrics := a.io.Table(), a.io.Table().Right(1)
	for _, p := range d.Params {
		params.Row(p.Key, p.Value)
	}
	for _, m := range d.Metrics {
		metrics.Row(m.Key, plot.Number(float64(m.Value)))
	}
	for _, part := range []struct {
		title string
		table *term.Table
	}{{"params", params}, {"metrics", metrics}, {"signature", a.signatureTable(d.Signature)}} {
		if part.table.Len() == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s\n", a.io.Paint(term.Bold, part.title)); err != nil {
			return err
		}
		if err := part.table.Write(w); err != nil {
			return err
		}
	}
	if d.Card != "" {
		a.io.Note("it has a model card: mlops model show %s --card", v.Ref())
	}
	return nil
}

// signatureTable lists what goes in and comes out.
func (a *app) signatureTable(s *registry.Signature) *term.Table {
	t := a.io.Table()
	if s != nil {
		for _, f := range s.Fields() {
			optional := ""
			if f.Optional {
				optional = "optional"
			}
			t.Row(f.Part, f.Name, f.Type, optional)
		}
	}
	return t
}
