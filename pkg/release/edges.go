package release

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Dataset is data that a client says a run read.
type Dataset struct {
	Name    string `json:"name"`
	Digest  string `json:"digest"`
	Context string `json:"context,omitempty"` // such as training
	Source  string `json:"source_type,omitempty"`
}

// Read is a logged model that a run read.
type Read struct {
	ID     string  `json:"model_id"`
	Name   string  `json:"name,omitempty"` // "" when it is not known here
	Models []Name  `json:"models"`         // versions that it is
	Made   *Origin `json:"made_by,omitempty"`
}

// loggedModel is the id of the logged model that a version is, "" for none.
func loggedModel(v *registry.Version) string {
	if v.LoggedModel != "" {
		return v.LoggedModel
	}
	if owner, _, ok := ownerOf(v.Source, v); ok && owner.Model {
		return owner.ID
	}
	return ""
}

// logged adds to an origin what clients say that its run read.
func (p *Releaser) logged(ctx context.Context, o *Origin, run *track.Run, seen map[string]bool, depth int) error {
	for _, d := range run.Datasets {
		set := Dataset{Name: d.Name, Digest: d.Digest, Source: d.SourceType}
		for _, t := range d.Tags {
			if t.Key == track.ContextTag {
				set.Context = t.Value
			}
		}
		o.Datasets = append(o.Datasets, set)
	}
	for _, id := range run.ModelInputs {
		read := Read{ID: id, Models: []Name{}}
		if p.Logged != nil {
			m, err := p.Logged.LoggedModel(ctx, id)
			if err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
			read.Name = m.Name
			if m.Run != "" {
				if read.Models, err = p.versionsOf(ctx, id, m.Run); err != nil {
					return err
				}
			}
			if m.Run != "" && m.Run != run.ID && !seen[m.Run] {
				maker, err := p.runs.Run(ctx, m.Run)
				if err == nil {
					read.Made, err = p.back(ctx, &maker, nil, seen, depth+1)
				}
				if err != nil && !errs.Is(err, errs.NotFound) {
					return err
				}
			}
		}
		o.Models = append(o.Models, read)
	}
	return nil
}

// versionsOf are the versions that a logged model of a run became.
func (p *Releaser) versionsOf(ctx context.Context, id, run string) ([]Name, error) {
	made, err := p.reg.ByRun(ctx, run)
	if err != nil {
		return nil, err
	}
	names := []Name{}
	for i := range made {
		if v := &made[i]; loggedModel(v) == id {
			names = append(names, Name{v.Model, v.Number, v.Aliases})
		}
	}
	return names, nil
}

// readers lists the runs that say they read the logged model that a version is.
func (p *Releaser) readers(ctx context.Context, v *registry.Version, known []Use) ([]Use, error) {
	id := loggedModel(v)
	if id == "" || p.Logged == nil {
		return nil, nil
	}
	ids, err := p.Logged.ModelReaders(ctx, id)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	runs, err := p.runs.Runs(ctx, track.Query{IDs: ids, Bare: true})
	if err != nil {
		return nil, err
	}
	var uses []Use
	for i := range runs {
		r := &runs[i]
		if r.ID == v.RunID || hasUse(known, r.ID) {
			continue
		}
		u, err := p.use(ctx, r)
		if err != nil {
			return nil, err
		}
		uses = append(uses, u)
	}
	return uses, nil
}

func hasUse(uses []Use, run string) bool {
	for _, u := range uses {
		if u.RunID == run {
			return true
		}
	}
	return false
}

// use is a run that read a version, with the versions that were made in it.
func (p *Releaser) use(ctx context.Context, r *track.Run) (Use, error) {
	u := Use{RunID: r.ID, Name: r.Name, Started: r.StartTime, User: r.User, Models: []Name{}}
	made, err := p.reg.ByRun(ctx, r.ID)
	for j := range made {
		u.Models = append(u.Models, Name{made[j].Model, made[j].Number, made[j].Aliases})
	}
	return u, err
}
