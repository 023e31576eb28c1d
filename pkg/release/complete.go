package release

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// find returns a version with its details, see Complete.
func (p *Releaser) find(ctx context.Context, ref registry.Ref) (registry.Version, error) {
	v, err := p.reg.Find(ctx, ref)
	if err != nil {
		return v, err
	}
	return v, p.Complete(ctx, &v, true)
}

// Complete fills in the details of a version that a client of MLflow registered:
// the run of the logged model that it is, what that run says and, with files, what
// its files say. Nothing is stored with the version: its run may still go on.
func (p *Releaser) Complete(ctx context.Context, v *registry.Version, files bool) error {
	if v.RunID == "" && v.LoggedModel == "" {
		return nil
	}
	if d := &v.Details; !d.Object.IsZero() || d.Path != "" {
		return p.measured(ctx, v)
	}
	s := source{logged: v.LoggedModel}
	if v.RunID == "" && p.Logged != nil {
		m, err := p.Logged.LoggedModel(ctx, v.LoggedModel)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		v.RunID = m.Run
	}
	if v.RunID != "" {
		run, err := p.runs.Run(ctx, v.RunID)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		if err == nil {
			s.run = &run
		}
	}
	if files {
		var err error
		if s.object, err = p.objectOfVersion(ctx, v); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	if s.object.ID.IsZero() {
		if s.run != nil {
			d := fromRun(s.run)
			v.Details.RunName, v.Details.Git, v.Details.Params, v.Details.Metrics = d.RunName, d.Git, d.Params, d.Metrics
		}
		return Describe(ctx, p.Files, v)
	}
	var err error
	v.Details, err = p.details(ctx, &s, &Request{})
	return err
}

// measured fills in what the run of a version said after it was registered, as
// when a stage registers what it just made.
func (p *Releaser) measured(ctx context.Context, v *registry.Version) error {
	if len(v.Details.Metrics) > 0 || v.RunID == "" {
		return nil
	}
	run, err := p.runs.Run(ctx, v.RunID)
	if err != nil {
		if errs.Is(err, errs.NotFound) {
			return nil
		}
		return err
	}
	d := fromRun(&run)
	v.Details.Metrics = d.Metrics
	if len(v.Details.Params) == 0 {
		v.Details.Params = d.Params
	}
	if len(v.Details.Inputs) == 0 {
		v.Details.Inputs, err = p.inputs(ctx, &run)
	}
	return err
}

// fromRun is what a run says of a version, but its inputs.
func fromRun(run *track.Run) registry.Details {
	d := registry.Details{RunName: run.Name, Git: run.Git, Params: run.Params}
	for i := range run.Metrics {
		d.Metrics = append(d.Metrics, registry.Measure{Key: run.Metrics[i].Key, Value: run.Metrics[i].Value})
	}
	return d
}
