package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// whole is a directory as it is with what belongs into it and is not on disk.
type whole struct {
	disk  oid.ID // what is on disk of it
	with  []stagefile.Asset
	asset stagefile.Asset
}

// errUndecided is in the chain of errors that what is not on disk would resolve.
var errUndecided = errors.New("cannot be decided")

// lacking returns what stages and pointers name as data in directory dir and is not
// on disk, as locks and pointers record it; in a plan also what will be restored
// there. Nameless is a path of which nothing is recorded, "" for none.
func (v *view) lacking(ctx context.Context, dir string) (found []stagefile.Asset, nameless string, err error) {
	for _, p := range v.project().inside(dir) {
		if outside(p) {
			continue
		}
		if a, there := v.assets[p]; there {
			if v.settled.of(p) != "" {
				found = append(found, a)
			}
			continue
		}
		if _, err := os.Lstat(filepath.Join(v.root, filepath.FromSlash(p))); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		a, ok, err := v.named(ctx, p)
		switch {
		case err != nil:
			return nil, "", err
		case ok:
			found = append(found, a)
		case nameless == "":
			nameless = p
		}
	}
	return found, nameless, nil
}

// named is what the lock of its stage, or a pointer, says that belongs at p.
func (v *view) named(ctx context.Context, p string) (stagefile.Asset, bool, error) {
	maker, made := v.project().producer[p]
	if !made {
		return v.trackedAt(ctx, p)
	}
	stage := v.project().byAddress[maker]
	lock, err := v.lock(stage.Lock())
	if err != nil {
		return stagefile.Asset{}, false, err
	}
	r, had := lock.Stage(stage.Name)
	if !had || v.adopted[recordKey{stage.Lock(), stage.Name}] {
		return v.trackedAt(ctx, p) // by another tool, if at all
	}
	a, ok := assetsByPath(r.Outs)[p]
	return a, ok && !r.Doubled, nil
}

// filled is the directory at p as it is with what belongs into it and is not on
// disk, which --allow-missing or the stages before will leave so. What is on disk
// alone would be another directory. Ok is false where nothing is missing.
func (v *view) filled(ctx context.Context, s *stagefile.Stage, p string) (a stagefile.Asset, ok bool, err error) {
	on, there := v.assets[p]
	if v.listed == nil && v.settled.empty() || outside(p) || there && on.Kind != stagefile.KindDir {
		return a, false, nil
	}
	with, nameless, err := v.lacking(ctx, p)
	if err != nil {
		return a, false, err
	}
	if len(with) == 0 && nameless == "" {
		return a, false, nil
	}
	if v.adopted[recordKey{s.Lock(), s.Name}] && !there {
		return v.recorded(s, p) // as DVC does: of a directory that is not here at all nothing is asked
	}
	if i := slices.IndexFunc(with, func(a stagefile.Asset) bool { return a.Unknown }); i >= 0 {
		nameless = with[i].Path
	} else if v.listed == nil {
		nameless = "" // its stage is not asked for: the directory is read without
	}
	if nameless != "" {
		return a, false, errs.New(errs.NotFound, "%w: dependency %s lacks %s, of which no content is recorded", errUndecided, p, nameless).
			Hint("bring it with 'mlops pull', or run the stage that makes it")
	}
	if w, known := v.wholes[p]; known && w.disk == on.ID && slices.Equal(w.with, with) {
		return w.asset, true, nil
	}
	if a, err = v.data.HashWith(ctx, p, with); err != nil {
		return a, false, err
	}
	v.wholes[p] = whole{on.ID, with, a}
	return a, true, nil
}

// inRestored is a dependency in a directory that will be restored: as it was where
// that directory is the one that it was in, else as the listing says.
func (v *view) inRestored(ctx context.Context, s *stagefile.Stage, p string) (a stagefile.Asset, onDisk bool, err error) {
	was, _, err := v.recorded(s, p)
	for at := path.Dir(p); at != "." && at != "/"; at = path.Dir(at) {
		if v.settled.of(at) == "" || v.lookUp == nil || err == nil && was.Alias == v.assets[at].ID {
			continue
		}
		e, err := v.lookUp(ctx, v.assets[at], p[len(at)+1:])
		if err != nil {
			return a, false, err
		}
		return asset(repo.Object{Path: p, Kind: e.Kind, Exec: e.Exec, ID: e.ID, Size: e.Size, Files: e.Files}), true, nil
	}
	return was, true, err
}

// decide decides on a stage. Where that needs what is not on disk, it is brought
// first, if it can be.
func (s *scheduler) decide(ctx context.Context, stage *stagefile.Stage) (Step, error) {
	step, err := s.decider.decide(ctx, stage)
	if err != nil || !errors.Is(step.err, errUndecided) {
		return step, err
	}
	filled, err := s.fill(ctx, &step)
	if err != nil || !filled || step.err != nil {
		return step, err
	}
	if err := s.look(ctx, stage); err != nil {
		return step, err
	}
	return s.decider.decide(ctx, stage)
}

// fill brings what is lacking in directories that a stage is about to read: it was
// skipped, or not asked for, and without it the stage would read something else. It
// reports whether there was any: the stage is then to be decided on anew.
func (s *scheduler) fill(ctx context.Context, step *Step) (bool, error) {
	if step.Action != Run {
		return false, nil
	}
	var away []stagefile.Asset
	for _, d := range step.stage.Deps {
		if outside(d.Path) {
			continue
		}
		lacking, _, err := s.decider.view.lacking(ctx, d.Path)
		if err != nil {
			return false, err
		}
		away = append(away, lacking...)
	}
	if len(away) == 0 {
		return false, nil
	}
	step.err = s.bringInputs(ctx, &Step{away: away})
	return true, nil
}
