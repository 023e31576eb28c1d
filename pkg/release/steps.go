package release

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Step is a stage by which something came about.
type Step struct {
	Stage   string   `json:"stage"`
	Command []string `json:"command"`
	Reads   []string `json:"reads"`  // paths
	Writes  []string `json:"writes"` // paths
}

// steps are the records of stages as a run left them, by which its edges are known.
type steps struct {
	names   []string // by record
	records []stagefile.Record
	missing bool // a lock is not on this machine
}

// stepsOf reads the locks that a run kept; those that are not here are left out.
func (p *Releaser) stepsOf(ctx context.Context, run *track.Run) (s steps, err error) {
	for _, a := range run.Assets {
		at, ok := strings.CutPrefix(a.Path, track.LockPrefix)
		if !ok || a.Role != track.Artifact {
			continue
		}
		text, err := p.kept(ctx, a)
		if err != nil {
			return s, err
		}
		s.missing = s.missing || text == nil && a.Size <= small
		lock, err := stagefile.ParseLock(at, text)
		if err != nil {
			continue // of a newer program
		}
		for _, r := range lock.Records() {
			name := r.Stage
			if dir := path.Dir(at); dir != "." {
				name = path.Join(dir, stagefile.FileName) + ":" + name
			}
			if !r.Doubled {
				s.names, s.records = append(s.names, name), append(s.records, r)
			}
		}
	}
	return s, nil
}

// kept reads a small file that a run kept, nothing when it is not on this
// machine.
func (p *Releaser) kept(ctx context.Context, a track.Asset) ([]byte, error) {
	st, err := p.store(ctx)
	if err != nil || a.Size > small {
		return nil, err
	}
	if !st.Has(a.ID) && p.Fetch != nil {
		if err := p.Fetch(ctx, []repo.Object{{Kind: tree.File, ID: a.ID}}); err != nil {
			return nil, err
		}
	}
	text, err := st.Get(ctx, a.ID)
	if errs.Is(err, errs.NotFound) {
		return nil, nil
	}
	return text, err
}

// touches reports whether a stage that reads or writes what stands at a path is
// about an object: it is that, lies in it, or holds it.
func touches(a stagefile.Asset, at string, id oid.ID) bool {
	if a.Path == at {
		return a.ID == id || a.Unknown || id.IsZero()
	}
	return strings.HasPrefix(a.Path, at+"/") || strings.HasPrefix(at, a.Path+"/")
}

// behind are the records, by their numbers and in the order of the locks, by
// which an object came about.
func (s *steps) behind(at string, id oid.ID) []int {
	var found []int
	var follow func(at string, id oid.ID)
	follow = func(at string, id oid.ID) {
		for i, r := range s.records {
			if slices.Contains(found, i) || !slices.ContainsFunc(r.Outs, func(out stagefile.Asset) bool { return touches(out, at, id) }) {
				continue
			}
			found = append(found, i)
			for _, dep := range r.Deps {
				follow(dep.Path, dep.ID)
			}
		}
	}
	follow(at, id)
	return s.inOrder(found)
}

// inOrder puts records behind those that write what they read.
func (s *steps) inOrder(list []int) []int {
	slices.Sort(list)
	var sorted []int
	var place func(i int)
	place = func(i int) {
		if !slices.Contains(list, i) || slices.Contains(sorted, i) {
			return
		}
		list = slices.DeleteFunc(list, func(j int) bool { return j == i })
		for _, dep := range s.records[i].Deps {
			for j, r := range s.records {
				if slices.ContainsFunc(r.Outs, func(out stagefile.Asset) bool { return touches(out, dep.Path, dep.ID) }) {
					place(j)
				}
			}
		}
		sorted = append(sorted, i)
	}
	for _, i := range slices.Clone(list) {
		place(i)
	}
	return sorted
}

func (s *steps) show(list []int) []Step {
	var all []Step
	for _, i := range list {
		r := s.records[i]
		all = append(all, Step{Stage: s.names[i], Command: append([]string{}, r.Cmd...), Reads: pathsOf(r.Deps), Writes: pathsOf(r.Outs)})
	}
	return all
}

func pathsOf(assets []stagefile.Asset) []string {
	paths := make([]string, len(assets))
	for i, a := range assets {
		paths[i] = a.Path
	}
	return paths
}

// readBy leaves the inputs that one of some records reads; all of them when none
// does, since what the records say is not known of them.
func (s *steps) readBy(list []int, inputs []registry.Data) []registry.Data {
	var read []registry.Data
	for _, in := range inputs {
		if slices.ContainsFunc(list, func(i int) bool {
			return slices.ContainsFunc(s.records[i].Deps, func(dep stagefile.Asset) bool { return touches(dep, in.Path, in.ID) })
		}) {
			read = append(read, in)
		}
	}
	if len(read) == 0 {
		return inputs
	}
	return read
}

// within lists the stages of the run that made a version which read it there,
// with the versions that were made of what they wrote.
func (p *Releaser) within(ctx context.Context, run *track.Run, o repo.Object, but string) ([]Use, error) {
	s, err := p.stepsOf(ctx, run)
	if err != nil || len(s.records) == 0 {
		return nil, err
	}
	made, err := p.reg.Versions(ctx, registry.Query{Filter: track.Filter{{Entity: track.Attributes, Key: "run_id", Op: track.Equal, Text: run.ID}}})
	if err != nil {
		return nil, err
	}
	var uses []Use
	for i, r := range s.records {
		if !slices.ContainsFunc(r.Deps, func(dep stagefile.Asset) bool { return touches(dep, o.Path, o.ID) }) {
			continue
		}
		u := Use{RunID: run.ID, Name: run.Name, Started: run.StartTime, User: run.User, Stage: s.names[i], Models: []Name{}}
		for j := range made {
			v := &made[j]
			if v.ID != but && slices.ContainsFunc(r.Outs, func(out stagefile.Asset) bool { return touches(out, v.Details.Path, v.Details.Object) }) {
				u.Models = append(u.Models, Name{v.Model, v.Number, v.Aliases})
			}
		}
		uses = append(uses, u)
	}
	return uses, nil
}
