package reproduce

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// ApplyRequest says what to bring into the workspace.
type ApplyRequest struct {
	Code, Params, Data bool // data includes pointers, locks and outputs in git
	Force              bool // overwrite and remove what is not saved
}

// Applied is what Apply did.
type Applied struct {
	RunID   string                  `json:"run_id"`
	Name    string                  `json:"name"`
	Written []string                `json:"written"` // files of the code, params, pointers and locks
	Removed []string                `json:"removed"`
	Data    workspace.RestoreResult `json:"data"`
	Missing []string                `json:"missing"` // data that is not on this machine
	// Incomplete is set when the run had uncommitted changes that it did not keep.
	Incomplete bool `json:"incomplete"`
}

// plan is what is to be written.
type plan struct {
	write, remove []string
	// content of what is written without git
	texts   map[string][]byte
	entries map[string]tree.Entry
}

// Apply makes the workspace what it was in a run: code, params and data. The
// commit that is checked out and git's index stay. Where something that is not
// saved would be lost nothing is changed without Force: errs.Conflict.
func (p *Reproducer) Apply(ctx context.Context, run *track.Run, q ApplyRequest) (Applied, error) {
	res := Applied{RunID: run.ID, Name: run.Name, Written: []string{}, Removed: []string{}, Missing: []string{}, Incomplete: lacksChanges(run)}
	k, err := p.kept(ctx, run)
	if err != nil {
		return res, err
	}
	var codeTree string
	var todo plan
	var data []repo.Object
	if p.repo.Git().Exists() && (run.Git.Commit != "" || wholeCode(run) != nil) {
		if codeTree, err = p.tree(ctx, run, k); err != nil {
			return res, err
		}
		if todo, err = p.planTree(ctx, codeTree, k, q); err != nil {
			return res, err
		}
		data, err = p.trackedData(ctx, codeTree, run)
	} else {
		if todo, err = p.planFiles(ctx, run, k, q); err != nil {
			return res, err
		}
		data, err = p.runData(run)
	}
	if err != nil {
		return res, err
	}
	if q.Data {
		if err := p.restore(ctx, data, q.Force, &res); err != nil {
			return res, err
		}
	}
	if err := fault.At(ctx, "apply.restored"); err != nil {
		return res, err
	}
	if err := p.write(ctx, codeTree, todo, &res); err != nil {
		return res, err
	}
	if err := fault.At(ctx, "apply.written"); err != nil {
		return res, err
	}
	if len(res.Missing) > 0 {
		return res, errs.New(errs.Partial, "apply run %s: %d paths are not on this machine: %s", run.Name, len(res.Missing), strings.Join(res.Missing, ", ")).
			Hint("the rest is in place; fetch them from the default remote: mlops runs apply %.8s --pull", run.ID)
	}
	return res, nil
}

// wants reports whether a file of the code is asked for.
func (q ApplyRequest) wants(name string, k kept) bool {
	switch {
	case repo.Internal(name):
		return false // settings are of the repository, whatever it runs
	case k.params[name]:
		return q.Params
	case isDataFile(name) || k.files[name] != nil:
		return q.Data
	default:
		return q.Code
	}
}

// planTree lists what differs from the code tree, and refuses what is unsaved.
func (p *Reproducer) planTree(ctx context.Context, codeTree string, k kept, q ApplyRequest) (plan, error) {
	var todo plan
	git := p.repo.Git()
	changes, err := git.CodeChanges(ctx, codeTree, "")
	if err != nil {
		return todo, err
	}
	differ := []string{}
	for _, c := range changes {
		if !q.wants(c.Path, k) {
			continue
		}
		switch {
		case c.Old == "":
			todo.remove = append(todo.remove, c.Path)
		case c.New == "":
			same, err := p.holds(ctx, c.Path, c.Old)
			if err != nil {
				return todo, err
			}
			if same {
				continue
			}
			fallthrough
		default:
			todo.write = append(todo.write, c.Path)
		}
		differ = append(differ, c.Path)
	}
	leftovers, err := p.leftovers(ctx, codeTree)
	if err != nil {
		return todo, err
	}
	for _, name := range leftovers {
		if q.wants(name, k) {
			todo.remove = append(todo.remove, name)
		}
	}
	if q.Force || len(differ) == 0 {
		return todo, nil
	}
	unsaved, err := p.unsaved(ctx, differ)
	if err != nil {
		return todo, err
	}
	return todo, refuse(unsaved)
}

// planFiles is planTree for the files that a run kept, without git.
func (p *Reproducer) planFiles(ctx context.Context, run *track.Run, k kept, q ApplyRequest) (plan, error) {
	todo := plan{texts: k.files}
	differ, err := p.planCode(ctx, run, k, q, &todo)
	if err != nil {
		return todo, err
	}
	for name, want := range k.files {
		if !q.wants(name, k) {
			continue
		}
		have, err := os.ReadFile(p.repo.Path(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return todo, err
		}
		if err == nil && bytes.Equal(have, want) {
			continue
		}
		todo.write = append(todo.write, name)
		if err == nil {
			differ = append(differ, name)
		}
	}
	slices.Sort(todo.write)
	slices.Sort(differ)
	if q.Force {
		return todo, nil
	}
	unsaved, err := p.unkept(ctx, differ)
	if err != nil {
		return todo, err
	}
	return todo, refuse(unsaved)
}

// write does what was planned.
func (p *Reproducer) write(ctx context.Context, codeTree string, todo plan, res *Applied) error {
	res.Written, res.Removed = append(res.Written, todo.write...), append(res.Removed, todo.remove...)
	if codeTree != "" {
		if err := p.repo.CheckoutTree(ctx, codeTree, todo.write, todo.remove); err != nil {
			return err
		}
		return p.repo.Git().SetApplied(ctx, codeTree)
	}
	for _, name := range todo.write {
		if err := os.MkdirAll(filepath.Dir(p.repo.Path(name)), 0o777); err != nil {
			return err
		}
		var err error
		if e, isCode := todo.entries[name]; isCode {
			err = p.writeCode(ctx, name, e)
		} else {
			err = fsx.WriteFile(p.repo.Path(name), todo.texts[name], 0o666)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restore puts data in place; what is not on this machine stays as it is.
func (p *Reproducer) restore(ctx context.Context, data []repo.Object, force bool, res *Applied) error {
	absent, err := p.work.Absent(ctx, data)
	if err != nil {
		return err
	}
	if len(absent) > 0 && p.Fetch != nil {
		if err := p.Fetch(ctx, absent); err != nil {
			return err
		}
		if absent, err = p.work.Absent(ctx, absent); err != nil {
			return err
		}
	}
	here := data[:0:0]
	for _, o := range data {
		if slices.ContainsFunc(absent, func(a repo.Object) bool { return a.Path == o.Path }) {
			res.Missing = append(res.Missing, o.Path)
			continue
		}
		here = append(here, o)
	}
	if res.Data, err = p.work.Restore(ctx, here, workspace.RestoreOptions{Force: force}); err != nil {
		return err
	}
	return p.ignore(ctx, here)
}

// ignore has git ignore data that came in place, as the run that made it had.
func (p *Reproducer) ignore(ctx context.Context, data []repo.Object) error {
	paths := make([]string, len(data))
	for i, o := range data {
		paths[i] = o.Path
	}
	known, err := p.repo.Git().Tracks(ctx, paths...)
	if err != nil {
		return err
	}
	return p.repo.Ignore(ctx, slices.DeleteFunc(paths, func(at string) bool {
		return slices.ContainsFunc(known, func(k string) bool { return k == at || strings.HasPrefix(k, at+"/") })
	})...)
}

// trackedData is the data that the code tree names, with the outputs that the
// run itself says it made.
func (p *Reproducer) trackedData(ctx context.Context, codeTree string, run *track.Run) ([]repo.Object, error) {
	tracked, err := p.repo.TrackedInTree(ctx, codeTree)
	if err != nil {
		return nil, err
	}
	made, err := p.runData(run)
	if err != nil {
		return nil, err
	}
	var data []repo.Object
	for _, t := range tracked {
		if !t.Cached {
			continue
		}
		if i := slices.IndexFunc(made, func(o repo.Object) bool { return o.Path == t.Path }); i >= 0 && t.Stage != "" {
			if made[i].ID != t.ID {
				data = append(data, made[i])
				continue
			}
		}
		data = append(data, t.Object)
	}
	return data, nil
}

// runData is the outputs of a run that the store keeps.
func (p *Reproducer) runData(run *track.Run) ([]repo.Object, error) {
	var data []repo.Object
	for _, a := range run.Assets {
		if a.Role != track.Output || slices.ContainsFunc(run.Assets, func(b track.Asset) bool { return b.Path == track.OutsPrefix+a.Path }) {
			continue
		}
		kind, err := tree.ParseKind(a.Kind)
		if err != nil {
			return nil, err
		}
		data = append(data, repo.Object{Path: a.Path, Kind: kind, ID: a.ID, Size: a.Size, Files: a.Files})
	}
	return data, nil
}
