package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// Reader reads a repository of DVC as it is. It is repo.Foreign.
type Reader struct {
	repo *repo.Repo
	data *workspace.Workspace
	sums *sums

	// While everything is taken over, nothing is looked at twice: memo holds
	// what stands at paths, nil where nothing does, and read the MD5s of files.
	memo map[string]*repo.Object
	read map[string]string
}

var _ repo.Foreign = (*Reader)(nil)

// NewReader returns the reader of DVC's files in r.
func NewReader(r *repo.Repo) *Reader {
	return &Reader{repo: r, data: workspace.New(r, progress.Nop{}), sums: &sums{open: r.Index}}
}

// want is content that DVC names.
type want struct {
	path string // slash path relative to the root; "" when nothing here is to be looked at
	dvc.Out
	from  string // the file that names it
	stage string // "" for a .dvc file

	source *dvc.Source // of an import
}

// found is what a want turned out to be.
type found struct {
	repo.Object
	known bool // else the id is made up of the sum
	here  bool // it stands at its path
}

// placeholder is the id that stands for content of which only DVC's sum is
// known. No object has it.
func placeholder(s dvc.Sum) oid.ID { return oid.Sum([]byte("dvc " + s.Algorithm + ":" + s.Hex)) }

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
	return r.sums.bySum(ctx, all)
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

// outside reports whether a path does not stand below the root.
func outside(p string) bool {
	return p == ".." || strings.HasPrefix(p, "../") || stagefile.IsExternal(p)
}

// Tracked returns what .dvc files and dvc.lock name.
func (r *Reader) Tracked(ctx context.Context, files []repo.ForeignFile, here bool) ([]repo.Tracked, error) {
	var wants []want
	for _, f := range files {
		if path.Base(f.Path) != dvc.LockName {
			some, err := pointerWants(f)
			if err != nil {
				return nil, err
			}
			wants = append(wants, some...)
			continue
		}
		some, err := r.lockOuts(f, here)
		if err != nil {
			return nil, err
		}
		wants = append(wants, some...)
	}
	all := wants
	if !here {
		wants = slices.Clone(wants)
		for i := range wants {
			wants[i].path = ""
		}
	}
	objects, err := r.resolve(ctx, wants)
	if err != nil {
		return nil, err
	}
	tracked := make([]repo.Tracked, 0, len(objects))
	for i, o := range objects {
		o.Path = all[i].path
		tracked = append(tracked, repo.Tracked{Object: o.Object, Source: all[i].from, Stage: all[i].stage, Cached: all[i].Cache, Foreign: true})
	}
	return tracked, nil
}

// pointerWants are the outs of a .dvc file.
func pointerWants(f repo.ForeignFile) ([]want, error) {
	p, err := dvc.ParsePointer(f.Path, f.Text)
	if err != nil {
		return nil, broken(f.Path, err)
	}
	var wants []want
	for _, o := range p.Outs {
		if o.Sum.IsZero() {
			continue
		}
		at := path.Join(path.Dir(f.Path), p.Wdir, o.Path)
		if path.IsAbs(o.Path) || outside(at) {
			continue // data outside of the repository is not ours to track
		}
		wants = append(wants, want{path: at, Out: o, from: f.Path, source: p.Source})
	}
	return wants, nil
}

func broken(file string, err error) error {
	return errs.New(errs.Corrupt, "%w", err).Hint("take it from git: git checkout -- %s", workspace.Quote([]string{file}))
}

// lockOuts are the outs in a dvc.lock of stages that are still declared.
func (r *Reader) lockOuts(f repo.ForeignFile, here bool) ([]want, error) {
	lock, err := dvc.ParseLock(f.Path, f.Text)
	if err != nil {
		return nil, broken(f.Path, err)
	}
	stages := map[string]*stagefile.Stage{}
	if here {
		stages = r.stages(path.Dir(f.Path))
	}
	var wants []want
	for _, s := range lock.Stages {
		declared := stages[s.Name]
		if here && declared == nil {
			continue
		}
		for _, o := range s.Outs {
			dir := path.Dir(f.Path)
			if declared != nil {
				dir = declared.Wdir
			}
			at := path.Join(dir, o.Path)
			if o.Sum.IsZero() || path.IsAbs(o.Path) || outside(at) {
				continue
			}
			if declared != nil {
				i := slices.IndexFunc(declared.Outs, func(d stagefile.Out) bool { return d.Path == at })
				if i < 0 {
					continue
				}
				o.Cache, o.Push = !declared.Outs[i].NoCache, !declared.Outs[i].NoPush
			}
			wants = append(wants, want{path: at, Out: o, from: f.Path, stage: s.Name})
		}
	}
	return wants, nil
}

// stages are those of the pipeline file of a directory, by name. A file that
// cannot be read has none: who plans says why.
func (r *Reader) stages(dir string) map[string]*stagefile.Stage {
	read := func(p string) ([]byte, error) { return os.ReadFile(r.repo.Path(p)) }
	stages := map[string]*stagefile.Stage{}
	for _, name := range []string{stagefile.FileName, stagefile.DVCFileName} {
		file := path.Join(dir, name)
		if _, err := os.Stat(r.repo.Path(file)); err != nil {
			continue
		}
		f, err := stagefile.Load(read, file)
		if err != nil {
			return stages
		}
		for i := range f.Stages {
			stages[f.Stages[i].Name] = &f.Stages[i]
		}
		break
	}
	return stages
}

// Records translates what a dvc.lock says of stages of one pipeline file, by
// their names. Those that it does not know are left out.
func (r *Reader) Records(ctx context.Context, lock string, stages []*stagefile.Stage) (map[string]stagefile.Record, error) {
	file := path.Join(path.Dir(lock), dvc.LockName)
	text, err := os.ReadFile(r.repo.Path(file))
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read lock: %w", err)
	}
	parsed, err := dvc.ParseLock(file, text)
	if err != nil {
		return nil, broken(file, err)
	}
	byName := make(map[string]dvc.Stage, len(parsed.Stages))
	for _, s := range parsed.Stages {
		byName[s.Name] = s
	}
	var todo []entry
	for _, s := range stages {
		if theirs, ok := byName[s.Name]; ok {
			todo = append(todo, entry{s, theirs})
		}
	}
	records, err := r.translate(ctx, todo, file)
	if err != nil {
		return nil, err
	}
	out := make(map[string]stagefile.Record, len(records))
	for i := range records {
		out[records[i].Stage] = records[i]
	}
	return out, nil
}

// entry is a stage and what DVC recorded of it.
type entry struct {
	stage *stagefile.Stage
	dvc   dvc.Stage
}

// translate makes records of entries, in their order. Fingerprints are left to
// the pipeline.
func (r *Reader) translate(ctx context.Context, entries []entry, from string) ([]stagefile.Record, error) {
	var wants []want
	at := func(s *stagefile.Stage, p string) string {
		if stagefile.IsExternal(p) {
			return p
		}
		return path.Join(s.Wdir, p)
	}
	for _, e := range entries {
		for _, d := range slices.Concat(e.dvc.Deps, e.dvc.Outs) {
			wants = append(wants, want{path: at(e.stage, d.Path), Out: d, from: from, stage: e.stage.Name})
		}
	}
	objects, err := r.resolve(ctx, wants)
	if err != nil {
		return nil, err
	}
	records := make([]stagefile.Record, len(entries))
	for i, e := range entries {
		rec := stagefile.Record{Stage: e.stage.Name, Cmd: commands(e.dvc), Params: map[string]map[string]any{}}
		for _, d := range e.dvc.Deps {
			a := r.asset(objects[0], at(e.stage, d.Path), d)
			rec.Deps, objects = append(rec.Deps, a), objects[1:]
		}
		for _, o := range e.dvc.Outs {
			a := r.asset(objects[0], at(e.stage, o.Path), o)
			for _, declared := range e.stage.Outs {
				if declared.Path == a.Path {
					a.NoCache, a.NoPush = declared.NoCache, declared.NoPush
				}
			}
			rec.Outs, objects = append(rec.Outs, a), objects[1:]
		}
		for file, values := range e.dvc.Params {
			rec.Params[at(e.stage, file)] = values
		}
		if len(rec.Params) == 0 {
			rec.Params = nil
		}
		records[i] = rec
	}
	return records, nil
}

// asset is what a dependency or out of a lock turned out to be.
func (r *Reader) asset(f found, p string, o dvc.Out) stagefile.Asset {
	if outside(p) && !strings.Contains(p, "://") {
		return r.outsideAsset(p, o, f)
	}
	a := stagefile.Asset{Path: p, Kind: stagefile.KindFile, ID: f.ID, Size: f.Size, Files: f.Files}
	switch {
	case strings.Contains(p, "://"): // named by what the server says of it, as in package cmd
		a.ID = oid.Sum(fmt.Appendf(nil, "url %s\nsize %d\netag %s\n", p, o.Size, o.Etag))
	case f.Kind == tree.Dir:
		a.Kind = stagefile.KindDir
	case f.Exec:
		a.Kind = stagefile.KindExec
	}
	return a
}

// outsideAsset reads a file that is not below the root: nothing of it is
// remembered.
func (r *Reader) outsideAsset(p string, o dvc.Out, f found) stagefile.Asset {
	a := stagefile.Asset{Path: p, Kind: stagefile.KindFile, ID: f.ID, Size: o.Size, Files: 1}
	full := filepath.FromSlash(p)
	if !filepath.IsAbs(full) {
		full = filepath.Join(r.repo.Root, full)
	}
	text, err := os.Open(full)
	if err != nil {
		return a // it is not what it was: there is nothing
	}
	id := oid.NewHash()
	sum, err := dvc.SumOf(cmp.Or(o.Sum.Algorithm, dvc.MD5), io.TeeReader(text, id))
	if err = errors.Join(err, text.Close()); err == nil && sum == o.Sum {
		a.ID = oid.FromHash(id)
	}
	return a
}

// commands are those of an entry one by one, as the records of stages have them.
func commands(s dvc.Stage) []string {
	if s.IsList {
		return s.Cmd
	}
	var out []string
	for _, text := range s.Cmd {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
	}
	return out
}
