package ui

import (
	"cmp"
	"context"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/track"
)

// gate is an alias that this version may get, with what its gates found.
type gate struct {
	release.Promotion

	Problem string
}

// gatesOf looks at the gates of every alias of a model that another version has,
// or none, without moving any.
func (u *pages) gatesOf(ctx context.Context, m *registry.Model, v *registry.Version) []gate {
	if u.Release == nil {
		return nil
	}
	var aliases []string
	for _, a := range m.Aliases {
		aliases = append(aliases, a.Name)
	}
	if u.Engine != nil {
		if project, err := u.Engine.Project(ctx, nil); err == nil { // a broken file is the page of pipelines' to tell
			for _, file := range project.Files {
				for _, entry := range file.Models {
					for _, g := range entry.Gates {
						if entry.Name == m.Name || entry.Name == "*" {
							aliases = append(aliases, g.Alias)
						}
					}
				}
			}
		}
	}
	slices.Sort(aliases)
	var all []gate
	for _, alias := range slices.Compact(aliases) {
		if slices.Contains(v.Aliases, alias) {
			continue
		}
		p, err := u.Release.Promote(ctx, release.PromoteRequest{Ref: v.Ref(), Alias: alias, DryRun: true})
		g := gate{Promotion: p}
		g.Alias = alias
		if err != nil {
			g.Problem = err.Error()
		}
		if g.Gated || err != nil {
			all = append(all, g)
		}
	}
	return all
}

// promote moves an alias when its gates hold.
func (u *pages) promote(ctx context.Context, ref registry.Ref, alias, why string) error {
	if u.Release == nil {
		return u.Models.SetAlias(ctx, ref.Name, alias, ref.Number)
	}
	p, err := u.Release.Promote(ctx, release.PromoteRequest{Ref: ref, Alias: alias, Why: why})
	if err != nil || p.Moved || p.From == p.To {
		return err
	}
	e := errs.New(errs.Conflict, "%s@%s does not move to version %d: %d of its gates do not hold", ref.Name, alias, ref.Number, p.Failed())
	for _, c := range p.Checks {
		if !c.Passed {
			e = e.Hint("%s %s: %s", c.Gate, c.Name, c.Text)
		}
	}
	return e
}

// setAlias moves an alias that has no gates; one that has goes through them.
func (u *pages) setAlias(ctx context.Context, name, alias string, number int) error {
	if u.Release == nil {
		return u.Models.SetAlias(ctx, name, alias, number)
	}
	return u.Release.SetAlias(ctx, name, alias, number, false)
}

// lineageOf is what a version was made from and what used it.
func (u *pages) lineageOf(ctx context.Context, v *registry.Version) (release.Lineage, error) {
	l := release.Lineage{Version: *v}
	var err error
	if u.Release != nil {
		l, err = u.Release.Why(ctx, v.Ref(), u.Events)
	}
	if l.Run == nil {
		l.Run = u.originOf(ctx, v)
	}
	return l, err
}

// originOf is the run that a version was made in, as far as that is known.
func (u *pages) originOf(ctx context.Context, v *registry.Version) *release.Origin {
	if v.RunID == "" {
		return nil
	}
	o := &release.Origin{RunID: v.RunID, Name: v.Details.RunName, Git: v.Details.Git}
	for _, d := range v.Details.Inputs {
		o.Inputs = append(o.Inputs, release.Input{Data: d})
	}
	if run, err := u.Runs.Run(ctx, v.RunID); err == nil { // it may be gone
		o.Name, o.Known = run.Name, true
	}
	return o
}

// complete fills in what MLflow's clients leave to the run that a version was
// made in, and to the logged model that it was made from. Either may be gone.
func (u *pages) complete(ctx context.Context, v *registry.Version) {
	if v.LoggedModel != "" && u.Logged != nil {
		if m, err := u.Logged.LoggedModel(ctx, v.LoggedModel); err == nil {
			v.RunID = cmp.Or(v.RunID, m.Run)
			fromLogged(v, &m)
		}
	}
	if v.RunID == "" {
		return
	}
	run, err := u.Runs.Run(ctx, v.RunID)
	if err != nil {
		return
	}
	v.Details.RunName = cmp.Or(v.Details.RunName, run.Name)
	if len(v.Details.Metrics) == 0 {
		for _, x := range run.Metrics {
			v.Details.Metrics = append(v.Details.Metrics, registry.Measure{Key: x.Key, Value: x.Value})
		}
	}
	if len(v.Details.Params) == 0 {
		v.Details.Params = run.Params
	}
}

func fromLogged(v *registry.Version, m *track.LoggedModel) {
	if len(v.Details.Params) == 0 {
		v.Details.Params = m.Params
	}
	if len(v.Details.Metrics) > 0 {
		return
	}
	for _, x := range m.Metrics {
		if n := len(v.Details.Metrics); n > 0 && v.Details.Metrics[n-1].Key == x.Key {
			v.Details.Metrics = v.Details.Metrics[:n-1] // the last point counts
		}
		v.Details.Metrics = append(v.Details.Metrics, registry.Measure{Key: x.Key, Value: track.Value(x.Value)})
	}
}
