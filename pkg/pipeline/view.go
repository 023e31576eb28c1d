package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// Data is what the engine needs of the files of a repository and of the
// objects in its store. Paths are slash paths relative to the root.
type Data interface {
	// Hash returns what stands at paths now; a missing path is left out.
	Hash(ctx context.Context, paths []string) (map[string]stagefile.Asset, error)
	// HashWith returns the directory dir as it would be with assets below it in
	// place, of which only the ids are needed.
	HashWith(ctx context.Context, dir string, with []stagefile.Asset) (stagefile.Asset, error)
	// Save stores what stands at paths, durably.
	Save(ctx context.Context, paths []string) (map[string]stagefile.Asset, error)
	// Restore puts assets in place, over whatever stands there.
	Restore(ctx context.Context, assets []stagefile.Asset) error
	// Absent returns those of assets whose bytes are not all in the store.
	Absent(ctx context.Context, assets []stagefile.Asset) ([]stagefile.Asset, error)
	// Keep stores files that are not of the workspace, such as logs.
	Keep(ctx context.Context, files []string) ([]oid.ID, error)
	// Writable makes what stands at paths safe to be written in place.
	Writable(ctx context.Context, paths ...string) error
	// Remove removes what stands at paths. That nothing is there is no error.
	Remove(ctx context.Context, paths ...string) error
}

// view is what is known of the workspace while stages are decided on.
type view struct {
	root       string
	read       stagefile.ReadFunc
	data       Data
	files      Files
	lookUp     lookUp                     // nil: nothing can be looked up
	assets     map[string]stagefile.Asset // on disk, by path
	tracked    map[string]stagefile.Asset // named by pointers and locks; loaded when first asked for
	locks      map[string]*stagefile.Lock // by path of the lock
	lockStates *lockStates
	early      *earlyLocks
	rewritten  map[recordKey]bool // records that changed since the view looked at files
	params     map[string]any     // by parameter file
	// While planning, outs are not what they will be: of unknown ones nothing is
	// known, of partly known ones not what is in them, settled ones will be
	// as recorded. Each maps an out to its stage.
	unknown, partly, settled makers
	bringing                 map[string]bool     // tracked directories that stages of this run need on disk
	changed                  makers              // those that changed an out in this run
	near                     map[string][]string // directory → paths of assets below it; nil until wanted

	// listed reports whether the listing of a tracked directory can be had. When
	// it is set, what cannot be seen is as it was: see unseen.
	listed func(dir string) bool

	identify func(ctx context.Context, url string) (stagefile.Asset, error)
	urls     map[string]identified // what is at the URLs that stages depend on

	dirs map[string]oid.ID // what stands at directories that another tool tracks

	project func() *Project
	wholes  map[string]whole // directories of which something is not on disk

	adopted map[recordKey]bool // records that are of another tool
	others  func(ctx context.Context, lock string, stages []*stagefile.Stage) (map[string]stagefile.Record, error)
}

func newView(root string, read stagefile.ReadFunc, data Data, files Files) *view {
	return &view{
		root: root, read: read, data: data, files: files, assets: map[string]stagefile.Asset{}, locks: map[string]*stagefile.Lock{}, lockStates: &lockStates{root: root, known: map[string]fileState{}}, rewritten: map[recordKey]bool{},
		params: map[string]any{}, dirs: map[string]oid.ID{}, wholes: map[string]whole{}, changed: newMakers(), bringing: map[string]bool{}, adopted: map[recordKey]bool{},
		unknown: newMakers(), partly: newMakers(), settled: newMakers(),
	}
}

// look hashes every input and output of the stages in one go.
func (v *view) look(ctx context.Context, stages []*stagefile.Stage) error {
	if err := errors.Join(v.expandGlobs(ctx, stages), v.identifyURLs(ctx, stages)); err != nil {
		return err
	}
	seen := map[string]bool{}
	var paths []string
	add := func(p string) {
		if !seen[p] && !outside(p) {
			seen[p] = true
			paths = append(paths, p)
		}
	}
	for _, s := range stages {
		for _, d := range s.Deps {
			add(d.Path)
		}
		for _, o := range s.Outs {
			add(o.Path)
		}
	}
	found, err := v.data.Hash(ctx, paths)
	if err != nil {
		return err
	}
	v.assets = found
	return v.adopt(ctx, stages)
}

// adopt takes what another tool recorded for what the locks have no record of.
func (v *view) adopt(ctx context.Context, stages []*stagefile.Stage) error {
	if v.others == nil {
		return nil
	}
	unknown := map[string][]*stagefile.Stage{}
	for _, s := range stages {
		lock, err := v.lock(s.Lock())
		if err != nil {
			return err
		}
		if _, had := lock.Stage(s.Name); !had {
			unknown[s.Lock()] = append(unknown[s.Lock()], s)
		}
	}
	for _, file := range sortedKeys(unknown) {
		records, err := v.others(ctx, file, unknown[file])
		if err != nil {
			return err
		}
		for _, s := range unknown[file] {
			if r, ok := records[s.Name]; ok {
				v.adopted[recordKey{file, s.Name}] = true
				v.locks[file].Set(Completed(s, r))
			}
		}
	}
	return nil
}

// Completed gives a record that came from elsewhere its fingerprint: none where
// the outs are not those that the stage declares.
func Completed(s *stagefile.Stage, r stagefile.Record) stagefile.Record {
	made := assetsByPath(r.Outs)
	for _, o := range s.Outs {
		if _, ok := made[o.Path]; !ok {
			return r
		}
	}
	if len(made) == len(outPaths(s)) {
		r.Fingerprint = fingerprint(s, &r)
	}
	return r
}

// outside reports whether p does not stand below the root.
func outside(p string) bool {
	return stagefile.IsExternal(p) || p == ".." || strings.HasPrefix(p, "../")
}

// lock returns the lock at a path; one that is not there is empty.
func (v *view) lock(p string) (*stagefile.Lock, error) {
	if l, ok := v.locks[p]; ok {
		return l, nil
	}
	if l := v.early.take(p, v.lockStates.read(p)); l != nil {
		v.locks[p] = l
		return l, nil
	}
	text, err := v.read(p)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read lock %s: %w", p, err)
	}
	l, err := stagefile.ParseLock(p, text)
	if err != nil {
		return nil, err
	}
	v.locks[p] = l
	return l, nil
}

// inputs reads the present inputs of a stage: a record without outs, and those
// dependencies that are tracked but not on disk. The error says which input is
// not there.
func (v *view) inputs(ctx context.Context, s *stagefile.Stage) (r stagefile.Record, away []stagefile.Asset, err error) {
	r = stagefile.Record{Stage: s.Name, Cmd: commands(s), Env: s.Env}
	seen := map[string]bool{}
	for _, d := range s.Deps {
		if seen[d.Path] {
			continue
		}
		seen[d.Path] = true
		a, filled, err := v.filled(ctx, s, d.Path)
		if err != nil {
			return r, nil, err
		}
		if filled {
			r.Deps = append(r.Deps, a)
			continue
		}
		a, onDisk, err := v.input(ctx, d.Path)
		if errs.Is(err, errs.NotFound) && v.settled.around(d.Path) != "" {
			a, onDisk, err = v.inRestored(ctx, s, d.Path)
		}
		// Of what only DVC's sum is known the lock may know whether it is what we recorded.
		alien := err == nil && a.Unknown && !v.adopted[recordKey{s.Lock(), s.Name}]
		if alien || errs.Is(err, errs.NotFound) {
			if was, pointed, same := v.calledSame(s, d.Path); same {
				away, r.Deps = v.bring(away, pointed), append(r.Deps, was)
				continue
			}
		}
		if v.listed != nil && (alien || err != nil && v.unseen(d.Path)) {
			if was, _, none := v.recorded(s, d.Path); none == nil {
				a, onDisk, err = was, true, nil
			}
		}
		if err != nil {
			return r, nil, err
		}
		if !onDisk {
			away = v.bring(away, a)
		}
		r.Deps = append(r.Deps, a)
	}
	for file, keys := range s.Params {
		values, err := v.values(file)
		if err != nil {
			return r, nil, err
		}
		if r.Params == nil {
			r.Params = map[string]map[string]any{}
		}
		if r.Params[file], err = pick(file, values, keys); err != nil {
			return r, nil, err
		}
	}
	return r, away, nil
}

// input is the asset at the path of a dependency: what is on disk, else what
// is tracked under that name.
func (v *view) input(ctx context.Context, p string) (a stagefile.Asset, onDisk bool, err error) {
	if outside(p) {
		a, err = v.external(p)
		return a, true, err
	}
	if a, ok := v.assets[p]; ok {
		return a, true, nil
	}
	a, ok, err := v.trackedAt(ctx, p)
	if err != nil || ok {
		return a, false, err
	}
	return a, false, errs.New(errs.NotFound, "dependency %s is missing", p)
}

// recorded is the dependency as it was when the stage last ran.
func (v *view) recorded(s *stagefile.Stage, p string) (a stagefile.Asset, onDisk bool, err error) {
	lock, err := v.lock(s.Lock())
	if err != nil {
		return a, false, err
	}
	old, _ := lock.Stage(s.Name)
	a, ok := assetsByPath(old.Deps)[p]
	if !ok || old.Doubled {
		return a, false, errs.New(errs.NotFound, "dependency %s is missing", p)
	}
	return a, true, nil
}

func (v *view) trackedAt(ctx context.Context, p string) (stagefile.Asset, bool, error) {
	if v.tracked == nil {
		tracked, err := v.files.Tracked(ctx)
		if err != nil {
			return stagefile.Asset{}, false, err
		}
		v.tracked = tracked
	}
	if a, ok := v.tracked[p]; ok {
		return a, true, nil
	}
	return v.insideTracked(ctx, p)
}

// external hashes a file that is not below the root.
func (v *view) external(p string) (stagefile.Asset, error) {
	if got, ok := v.urls[p]; ok {
		return got.asset, got.err
	}
	name := filepath.FromSlash(p)
	if !filepath.IsAbs(name) {
		name = filepath.Join(v.root, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return stagefile.Asset{}, errs.New(errs.NotFound, "dependency %s: %w", p, err)
	}
	h := oid.NewHash()
	n, err := io.Copy(h, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return stagefile.Asset{}, errs.New(errs.Usage, "dependency %s outside of the repository: %w", p, err).
			Hint("outside of the repository only files can be dependencies")
	}
	return stagefile.Asset{Path: p, Kind: stagefile.KindFile, ID: oid.FromHash(h), Size: n, Files: 1}, nil
}

// values reads a parameter file.
func (v *view) values(file string) (any, error) {
	if got, ok := v.params[file]; ok {
		return got, nil
	}
	text, err := v.read(file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errs.New(errs.NotFound, "parameter file %s is missing", file)
		}
		return nil, fmt.Errorf("read parameters %s: %w", file, err)
	}
	got, err := paramfile.Parse(file, text)
	if err != nil {
		return nil, err
	}
	v.params[file] = got
	return got, nil
}

// pick takes the values of keys, of the whole file when there are none.
func pick(file string, values any, keys []string) (map[string]any, error) {
	out := map[string]any{}
	if keys == nil {
		m, ok := values.(*paramfile.Map)
		if !ok {
			out["."] = values
			return out, nil
		}
		for _, k := range m.Keys() {
			out[k], _ = m.Get(k)
		}
		return out, nil
	}
	for _, k := range keys {
		x, ok := paramfile.Lookup(values, k)
		if !ok {
			known := make([]string, 0, 16)
			for _, e := range paramfile.Flatten(values) {
				known = append(known, e.Key)
			}
			return nil, errs.New(errs.NotFound, "parameter %s:%s is missing", file, k).DidYouMean(k, known)
		}
		out[k] = x
	}
	return out, nil
}

// forgetAround forgets what was on disk in p and in what p is in.
func (v *view) forgetAround(p string) {
	if v.near == nil {
		v.near = map[string][]string{}
		for a := range v.assets {
			for at := path.Dir(a); at != "." && at != "/"; at = path.Dir(at) {
				v.near[at] = append(v.near[at], a)
			}
		}
	}
	for _, a := range v.near[p] {
		delete(v.assets, a)
	}
	for at := path.Dir(p); at != "." && at != "/"; at = path.Dir(at) {
		delete(v.assets, at)
	}
}
