package migrate

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// found is what a want turned out to be.
type found struct {
	repo.Object
	known bool // else the id is made up of the sum
	here  bool // it stands at its path
}

// placeholder is the id that stands for content of which only DVC's sum is
// known. No object has it. What DVC 2 and 3 call by the same digits is the same,
// but for line ends: a lock of DVC 2 beside pointers of DVC 3 is not out of date.
func placeholder(s dvc.Sum) oid.ID { return oid.Sum([]byte("dvc md5:" + s.Hex)) }

// resolve finds the objects of wants, in their order: as they stand at their
// paths where that is what DVC recorded, else as known by the table. What stands
// there and was never read under DVC's sum is read now, once.
func (r *Reader) resolve(ctx context.Context, wants []want) ([]found, error) {
	out := make([]found, len(wants))
	standing, err := r.standing(ctx, wants)
	if err != nil {
		return nil, err
	}
	known, err := r.knownSums(ctx, wants)
	if err != nil {
		return nil, err
	}
	for i, w := range wants {
		out[i] = settle(w, known, standing)
	}
	return out, nil
}

func (r *Reader) knownSums(ctx context.Context, wants []want) (map[dvc.Sum][]alias, error) {
	all := make([]dvc.Sum, 0, len(wants))
	for _, w := range wants {
		if !w.Sum.IsZero() {
			all = append(all, w.Sum)
		}
	}
	known, err := r.sums.bySum(ctx, all)
	if err != nil {
		return nil, err
	}
	// Of a directory that has an id for each way that its files may be executed,
	// the one comes first that the store has.
	for _, list := range known {
		if len(list) < 2 {
			continue
		}
		st, err := r.repo.Store(ctx)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(list, func(a, b alias) int {
			return cmp.Compare(rank(st.Has(a.id)), rank(st.Has(b.id)))
		})
	}
	return known, nil
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

func settle(w want, known map[dvc.Sum][]alias, standing map[string]repo.Object) found {
	on, there := standing[w.path]
	for _, a := range known[w.Sum] {
		if there && a.id == on.ID {
			return found{Object: on, known: true, here: true}
		}
	}
	f := found{Object: repo.Object{Path: w.path, Kind: tree.File, Exec: w.Exec, ID: placeholder(w.Sum), Size: w.Size, Files: 1}}
	if w.Sum.IsDir() {
		f.Kind, f.Files = tree.Dir, w.Files
	}
	if list := known[w.Sum]; len(list) > 0 {
		a := list[0]
		f.ID, f.Size, f.Files, f.known = a.id, a.size, a.files, true
	}
	return f
}

// standing returns what stands at the paths of wants, and makes sure that the
// sums of it are known.
func (r *Reader) standing(ctx context.Context, wants []want) (map[string]repo.Object, error) {
	paths := map[string]bool{}
	for _, w := range wants {
		if w.path != "" && !outside(w.path) {
			paths[w.path] = true
		}
	}
	if len(paths) == 0 {
		return nil, nil
	}
	standing := map[string]repo.Object{}
	var list []string
	for p := range paths {
		o, known := r.memo[p]
		switch {
		case !known:
			list = append(list, p)
		case o != nil:
			standing[p] = *o
		}
	}
	slices.Sort(list)
	found, err := r.hash(ctx, list)
	if err != nil {
		return nil, err
	}
	maps.Copy(standing, found)
	if r.memo != nil {
		r.remember(list, found)
	}
	return standing, r.learn(ctx, wants, standing)
}

// remember keeps what stands at paths.
func (r *Reader) remember(paths []string, found map[string]repo.Object) {
	for _, p := range paths {
		r.memo[p] = nil
		if o, there := found[p]; there {
			r.memo[p] = &o
		}
	}
}

// hash is Workspace.Hash without the paths that cannot be read: those are as
// they are, whatever DVC says of them.
func (r *Reader) hash(ctx context.Context, paths []string) (map[string]repo.Object, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	all, err := r.data.Hash(ctx, paths)
	if err == nil || ctx.Err() != nil {
		return all, err
	}
	all = map[string]repo.Object{}
	for _, p := range paths {
		one, err := r.data.Hash(ctx, []string{p})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			maps.Copy(all, one)
		}
	}
	return all, nil
}

// learn reads what stands at paths whose sums are not known, and remembers them.
func (r *Reader) learn(ctx context.Context, wants []want, standing map[string]repo.Object) error {
	type task struct{ path, algorithm string }
	tasks := map[task]bool{}
	for _, algorithm := range []string{dvc.MD5, dvc.Legacy} {
		var ids []oid.ID
		at := map[oid.ID][]string{}
		for _, w := range wants {
			o, there := standing[w.path]
			if w.Sum.Algorithm != algorithm || !there || (o.Kind == tree.Dir) != w.Sum.IsDir() {
				continue
			}
			if at[o.ID] == nil {
				ids = append(ids, o.ID)
			}
			at[o.ID] = append(at[o.ID], w.path)
		}
		known, err := r.sums.byID(ctx, algorithm, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, ok := known[id]; !ok {
				tasks[task{at[id][0], algorithm}] = true
			}
		}
	}
	if len(tasks) == 0 {
		return nil
	}
	var learnt []alias
	read := map[string][]int{}
	for t := range tasks {
		sum, manifest, err := r.sumUp(ctx, t.path, t.algorithm)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue // it went away, or cannot be read: nothing is learnt of it
		}
		o := standing[t.path]
		a := alias{sum: sum, id: o.ID, size: o.Size, files: o.Files}
		if int64(len(manifest)) == o.Files {
			a.parts = partsOf(manifest)
		}
		read[t.path] = append(read[t.path], len(learnt))
		learnt = append(learnt, a)
	}
	// What changed while it was read is not what was hashed.
	after, err := r.hash(ctx, slices.Collect(maps.Keys(read)))
	if err != nil {
		return err
	}
	kept := learnt[:0:0]
	for p, places := range read {
		for _, i := range places {
			if after[p].ID == learnt[i].id {
				kept = append(kept, learnt[i])
			}
		}
	}
	return r.sums.put(ctx, kept)
}
