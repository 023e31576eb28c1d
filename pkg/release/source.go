package release

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// source is the files of a version, and the run that made them.
type source struct {
	object repo.Object
	uri    string
	logged string // id of a logged model
	run    *track.Run
}

// open finds what the words of a user mean: RUN:PATH, runs:/RUN/PATH,
// models:/m-…, or a path relative to dir.
func (p *Releaser) open(ctx context.Context, dir, text string) (source, error) {
	if rest, ok := strings.CutPrefix(text, "models:/"); ok && track.IsModelID(rest) {
		return p.openLogged(ctx, rest)
	}
	if rest, ok := strings.CutPrefix(text, "runs:/"); ok {
		ref, at, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		return p.openRun(ctx, ref, at)
	}
	if ref, at, ok := strings.Cut(text, ":"); ok && len(ref) > 1 { // C:\ is a drive
		return p.openRun(ctx, ref, at)
	}
	return p.openPath(ctx, dir, text)
}

// openPath stores what stands at a path, and looks for the run that made it.
func (p *Releaser) openPath(ctx context.Context, dir, typed string) (source, error) {
	rel, err := p.repo.Rel(dir, typed)
	if err != nil {
		return source{}, err
	}
	if rel == "." || repo.Internal(rel) {
		return source{}, errs.New(errs.Usage, "register %q: name the file or directory of the model", typed)
	}
	saved, err := p.work.Save(ctx, []string{rel})
	if errs.Is(err, errs.NotFound) {
		e := errs.New(errs.NotFound, "register %s: %w", typed, err)
		return source{}, e.Hint("a run's files are named RUN:PATH; 'mlops checkout %s' writes what is tracked", typed)
	}
	if err != nil {
		return source{}, err
	}
	s := source{object: saved[rel], uri: rel}
	s.run, err = p.maker(ctx, s.object, true)
	return s, err
}

// makers is how many runs are looked at for the one that made an object.
const makers = 20

// maker is a run that made an object, or a directory that it was in: the first
// that had it, or with latest the newest that left it at its path and ran a stage
// at all, so that what it measured counts. It is nil when there is none.
func (p *Releaser) maker(ctx context.Context, o repo.Object, latest bool) (*track.Run, error) {
	is := track.Condition{Entity: track.Datasets, Key: "digest", Op: track.Equal, Text: o.ID.String()}
	roles := []track.Role{track.Output, track.Model, track.Artifact}
	for _, role := range roles {
		if !latest {
			break
		}
		run, err := p.made(ctx, is, role, true, func(a *track.Asset) (bool, error) { return a.ID == o.ID && a.Path == o.Path, nil })
		if run != nil || err != nil {
			return run, err
		}
	}
	for _, role := range roles {
		run, err := p.made(ctx, is, role, false, func(a *track.Asset) (bool, error) { return a.ID == o.ID, nil })
		if run != nil || err != nil {
			return run, err
		}
	}
	for dir := path.Dir(o.Path); dir != "." && dir != "/"; dir = path.Dir(dir) {
		at := track.Condition{Entity: track.Datasets, Key: "name", Op: track.Equal, Text: dir}
		run, err := p.made(ctx, at, track.Output, latest, func(a *track.Asset) (bool, error) { return p.holds(ctx, a, dir, o) })
		if run != nil || err != nil {
			return run, err
		}
	}
	return nil, nil
}

// holds reports whether an asset is a directory that has an object at its path.
func (p *Releaser) holds(ctx context.Context, a *track.Asset, dir string, o repo.Object) (bool, error) {
	if a.Path != dir || a.Kind != tree.Dir.String() {
		return false, nil
	}
	st, err := p.store(ctx)
	if err != nil {
		return false, err
	}
	e, err := tree.Lookup(ctx, st, a.ID, strings.TrimPrefix(o.Path, dir+"/"))
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	return e.ID == o.ID, err
}

// made is the first run, or the newest, with an asset that a condition and a test
// hold of: one that ran a stage before those that found everything done.
func (p *Releaser) made(ctx context.Context, c track.Condition, role track.Role, latest bool, test func(*track.Asset) (bool, error)) (*track.Run, error) {
	q := track.Query{
		Filter: track.Filter{c, {Entity: track.Datasets, Key: "context", Op: track.Equal, Text: string(role)}},
		Limit:  makers, Assets: true, Bare: true,
	}
	if !latest {
		q.Order = []track.Order{{Entity: track.Attributes, Key: "start_time"}}
	}
	runs, err := p.runs.Runs(ctx, q)
	if err != nil {
		return nil, err
	}
	var newest *track.Run
	for i := range runs {
		made := false
		for j := range runs[i].Assets {
			if a := &runs[i].Assets[j]; a.Role == role && !made {
				if made, err = test(a); err != nil {
					return nil, err
				}
			}
		}
		if !made {
			continue // the two conditions hold of two assets
		}
		run, err := p.runs.Run(ctx, runs[i].ID)
		if err != nil {
			return nil, err
		}
		if len(run.Stages) == 0 || slices.ContainsFunc(run.Stages, func(s track.StageRecord) bool { return s.Action == "ran" }) {
			return &run, nil
		}
		if newest == nil {
			newest = &run
		}
	}
	return newest, nil
}

// openRun finds what a run wrote or kept at a path, or below it.
func (p *Releaser) openRun(ctx context.Context, ref, at string) (source, error) {
	id, err := p.runs.Resolve(ctx, ref)
	if err != nil {
		return source{}, err
	}
	run, err := p.runs.Run(ctx, id)
	if err != nil {
		return source{}, err
	}
	at = path.Clean(at)
	var made []track.Asset
	var names []string
	for _, a := range run.Assets {
		if a.Role != track.Input && !strings.HasPrefix(a.Path, "mlops/") {
			made, names = append(made, a), append(names, a.Path)
		}
	}
	if at == "." {
		at = ""
		if len(made) == 1 {
			at = made[0].Path
		}
	}
	o, err := p.assemble(ctx, made, at)
	if errs.Is(err, errs.NotFound) {
		beside, err := p.beside(ctx, made, at)
		if err != nil {
			return source{}, err
		}
		return source{}, errs.New(errs.NotFound, "run %s made nothing at %q", run.Name, at).DidYouMean(at, append(names, beside...)).
			Hint("'mlops runs show %s' lists what it made", run.Name)
	}
	return source{object: o, uri: "runs:/" + run.ID + "/" + at, run: &run}, err
}

// beside lists what stands in the directory in which a path was looked for.
func (p *Releaser) beside(ctx context.Context, made []track.Asset, at string) (names []string, err error) {
	st, err := p.store(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range made {
		rest, ok := strings.CutPrefix(path.Dir(at)+"/", a.Path+"/")
		if !ok || a.Kind != tree.Dir.String() {
			continue
		}
		dir := a.ID
		if rest = strings.TrimSuffix(rest, "/"); rest != "" {
			e, err := tree.Lookup(ctx, st, a.ID, rest)
			if err != nil || e.Kind != tree.Dir {
				continue // nothing to suggest from
			}
			dir = e.ID
		}
		err := tree.List(ctx, st, dir, func(e tree.Entry) error {
			names = append(names, path.Join(path.Dir(at), e.Name))
			return nil
		})
		if err != nil && !errs.Is(err, errs.NotFound) {
			return nil, err
		}
	}
	return names, nil
}

// openLogged gathers the files of a logged model.
func (p *Releaser) openLogged(ctx context.Context, id string) (source, error) {
	if p.Logged == nil {
		return source{}, errs.New(errs.NotFound, "logged model %s does not exist", id)
	}
	m, err := p.Logged.LoggedModel(ctx, id)
	if err != nil {
		return source{}, err
	}
	files, err := p.files(ctx, track.Owner{Model: true, ID: id}, "")
	if err != nil {
		return source{}, err
	}
	s := source{uri: "models:/" + id, logged: id}
	if s.object, err = p.assemble(ctx, files, ""); err != nil {
		return source{}, errs.New(errs.NotFound, "logged model %s has no files", id)
	}
	s.object.Path = m.Name
	if m.Run != "" {
		run, err := p.runs.Run(ctx, m.Run)
		if err == nil {
			s.run = &run
		} else if !errs.Is(err, errs.NotFound) {
			return source{}, err
		}
	}
	return s, nil
}

// files lists what an owner has below a directory, with their paths.
func (p *Releaser) files(ctx context.Context, o track.Owner, dir string) (all []track.Asset, err error) {
	list, err := p.Logged.ListArtifacts(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		if a.Kind == tree.Dir.String() && a.ID.IsZero() {
			below, err := p.files(ctx, o, a.Path)
			if err != nil {
				return nil, err
			}
			all = append(all, below...)
			continue
		}
		all = append(all, a)
	}
	return all, nil
}

// assemble returns what assets have at a path: one of them, a part of one, or a
// directory of all that are below the path.
func (p *Releaser) assemble(ctx context.Context, assets []track.Asset, at string) (repo.Object, error) {
	st, err := p.store(ctx)
	if err != nil {
		return repo.Object{}, err
	}
	edits := map[string]*tree.Entry{}
	for _, a := range assets {
		o := objectOf(a)
		if a.Path == at {
			return o, nil
		}
		if rest, ok := strings.CutPrefix(at, a.Path+"/"); ok && o.Kind == tree.Dir {
			e, err := tree.Lookup(ctx, fetching{p, st}, o.ID, rest)
			return repo.Object{Path: at, Kind: e.Kind, Exec: e.Exec, ID: e.ID, Size: e.Size, Files: e.Files}, err
		}
		if rest, ok := strings.CutPrefix(a.Path, at+"/"); ok || at == "" {
			if at == "" {
				rest = a.Path
			}
			edits[rest] = &tree.Entry{Kind: o.Kind, Exec: o.Exec, ID: o.ID, Size: o.Size, Files: o.Files}
		}
	}
	if len(edits) == 0 {
		return repo.Object{}, errs.New(errs.NotFound, "nothing is at %q", at)
	}
	b, err := st.NewBatch(ctx)
	if err != nil {
		return repo.Object{}, err
	}
	e, err := tree.Update(ctx, st, b, [32]byte{}, edits)
	if err == nil {
		err = b.Commit()
	}
	if err = errors.Join(err, b.Close()); err != nil {
		return repo.Object{}, err
	}
	return repo.Object{Path: at, Kind: tree.Dir, ID: e.ID, Size: e.Size, Files: e.Files}, fault.At(ctx, "register.assembled")
}

func objectOf(a track.Asset) repo.Object {
	kind := tree.File
	if a.Kind == tree.Dir.String() {
		kind = tree.Dir
	}
	return repo.Object{Path: a.Path, Kind: kind, ID: a.ID, Size: a.Size, Files: a.Files}
}
